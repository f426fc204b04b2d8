#include "tables.hpp"

namespace tool {

data::CsvTable table(const std::vector<forecast::Series>& from_series,
                     const std::vector<forecast::Origin>& origins, const Tensor<double>& paths,
                     const std::vector<double>& levels, const Tensor<double>* actual) {
  const bool all = levels.empty();
  const Tensor<double> shown = all ? paths : forecast::quantiles(paths, levels);
  std::vector<std::string> series, origin, time;
  std::vector<double> values;
  std::vector<std::vector<double>> columns(static_cast<std::size_t>(shown.dim(1)));
  for (Index w = 0; w < shown.dim(0); ++w)
    for (Index h = 0; h < shown.dim(2); ++h) {
      const forecast::Origin& from = origins[static_cast<std::size_t>(w)];
      const forecast::Series& s = from_series[static_cast<std::size_t>(from.series)];
      series.push_back(s.name);
      origin.push_back(s.time.text(from.at));
      time.push_back(s.time.text(from.at + h));
      if (actual) values.push_back((*actual)(w, h));
      for (std::size_t q = 0; q < columns.size(); ++q)
        columns[q].push_back(shown(w, static_cast<Index>(q), h));
    }
  data::CsvTable out("forecast");
  if (from_series.size() > 1) out.add_texts("series", std::move(series));
  if (actual) out.add_texts("origin", std::move(origin));
  out.add_texts("time", std::move(time));
  if (actual) out.add("actual", std::move(values));
  for (std::size_t q = 0; q < columns.size(); ++q)
    out.add(all ? "path" + std::to_string(q + 1) : "q" + data::format_number(levels[q]),
            std::move(columns[q]));
  return out;
}

Json number(double v) { return std::isfinite(v) ? Json(v) : Json(nullptr); }

Json json(const std::vector<forecast::Score>& scores) {
  Json out = Json::array();
  for (const forecast::Score& s : scores) {
    out.push_back({{"name", s.name},
                   {"crps", number(s.crps)},
                   {"mean_weighted_quantile_loss_9", number(s.quantile_loss)},
                   {"coverage_80", number(s.coverage)},
                   {"mase", number(s.mase)}});
    if (!s.undefined.empty()) out.back()["undefined"] = s.undefined;
  }
  return out;
}

Json json(const Backtest& b, const Input& in) {
  Json out = {{"scores", json(b.scores)}, {"verdict", verdict(b.scores)}, {"remarks", remarks(b)}};
  for (std::size_t k = 0; k < b.parts.size(); ++k)
    out["weights"].push_back({{"part", b.parts[k]}, {"weight", b.weights[k]}});
  if (!b.origins.empty())
    for (const double v : crps_by_step(b.paths, b.actual)) out["crps_by_step"].push_back(number(v));
  if (in.series().size() > 1)
    for (std::size_t s = 0; s < b.of_series.size(); ++s)
      out["series"].push_back({{"name", in.series()[s].name}, {"scores", json(b.of_series[s])}});
  if (!b.effects.empty()) {
    out["covariates"]["crps_of_the_model"] = number(b.effects[0]);
    for (std::size_t k = 1; k < b.effects.size(); ++k)
      out["covariates"]["held_at_mean"].push_back(
          {{"name", in.read.covariates.at(k - 1)}, {"crps", number(b.effects[k])}});
  }
  return out;
}

Json json(const std::vector<forecast::Guess>& guesses) {
  Json out = Json::array();
  for (const forecast::Guess& g : guesses)
    out.push_back({{"what", g.text}, {"reason", g.reason}, {"option", g.option}});
  return out;
}

}  // namespace tool
