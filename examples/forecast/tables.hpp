#pragma once

#include "foglift/data/csv_writer.hpp"
#include "results.hpp"

namespace tool {

namespace data = foglift::data;

/// Rows of windows [W, S, H]: series (where there are several), origin and actual (of a backtest),
/// time, and a column for each quantile, or for each path without levels.
inline data::CsvTable table(const Input& in, const std::vector<forecast::Origin>& origins,
                            const Tensor<double>& paths, const std::vector<double>& levels,
                            const Tensor<double>* actual) {
  const bool all = levels.empty();
  const Tensor<double> shown = all ? paths : forecast::quantiles(paths, levels);
  std::vector<std::string> series, origin, time;
  std::vector<double> values;
  std::vector<std::vector<double>> columns(static_cast<std::size_t>(shown.dim(1)));
  for (Index w = 0; w < shown.dim(0); ++w)
    for (Index h = 0; h < shown.dim(2); ++h) {
      const forecast::Origin& from = origins[static_cast<std::size_t>(w)];
      const forecast::Series& s = in.series()[static_cast<std::size_t>(from.series)];
      series.push_back(s.name);
      origin.push_back(s.time.text(from.at));
      time.push_back(s.time.text(from.at + h));
      if (actual) values.push_back((*actual)(w, h));
      for (std::size_t q = 0; q < columns.size(); ++q)
        columns[q].push_back(shown(w, static_cast<Index>(q), h));
    }
  data::CsvTable out("forecast");
  if (in.series().size() > 1) out.add_texts("series", std::move(series));
  if (actual) out.add_texts("origin", std::move(origin));
  out.add_texts("time", std::move(time));
  if (actual) out.add("actual", std::move(values));
  for (std::size_t q = 0; q < columns.size(); ++q)
    out.add(all ? "path" + std::to_string(q + 1) : "q" + data::format_number(levels[q]),
            std::move(columns[q]));
  return out;
}

inline Json json(const Metric& m) { return m.value ? Json(*m.value) : Json(nullptr); }

inline Json json(const std::vector<Score>& scores, const Input& in) {
  Json out = Json::array();
  for (const Score& s : scores) {
    Json one = {{"name", s.name},
                {"crps", json(s.crps)},
                {"mean_weighted_quantile_loss_9", json(s.quantile_loss)},
                {"coverage_80", json(s.coverage)},
                {"mase", json(s.mase)}};
    for (const Metric& m : s.by_step) one["crps_by_step"].push_back(json(m));
    if (in.series().size() > 1)
      for (std::size_t k = 0; k < s.by_series.size(); ++k)
        one["crps_by_series"].push_back(
            {{"series", in.series()[k].name}, {"crps", json(s.by_series[k])}});
    if (!s.failed.empty()) one["failed"] = s.failed;
    out.push_back(one);
  }
  return out;
}

inline Json json(const std::vector<forecast::Guess>& guesses) {
  Json out = Json::array();
  for (const forecast::Guess& g : guesses)
    out.push_back({{"what", g.text}, {"reason", g.reason}, {"option", g.option}});
  return out;
}

}  // namespace tool
