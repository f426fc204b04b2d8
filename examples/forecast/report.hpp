#pragma once

#include "fan_chart.hpp"
#include "session.hpp"
#include "tables.hpp"

namespace tool {

/// What a run has found, for its report and pictures.
struct Outcome {
  const Options& o;
  const Input& in;
  const Plan& plan;
  const Json& config;
  const Backtest* backtest = nullptr;
  const Future* future = nullptr;
};

inline FanChart chart(const Outcome& r, Index series) {
  const std::string ahead = span(r.in.step(), r.plan.horizon);
  FanChart c{.title = r.o.title.empty() ? r.in.unit() + " (" + r.in.name() + ')' : r.o.title,
             .unit = r.in.unit(),
             .forecast_line = {},
             .backtest_line = {},
             .series = &r.in.series()[static_cast<std::size_t>(series)]};
  c.forecast_line = "The next " + ahead + " by a " + r.plan.method + " model";
  if (r.future) c.future = r.future->paths.rows(series, 1);
  if (!r.backtest) return c;
  const Score& model = r.backtest->scores.front();
  const Score* best = best_baseline(r.backtest->scores);
  c.forecast_line += ", and how its last forecasts did";
  c.backtest_line = text("Backtest: %td forecasts of %s, each from its past alone.", r.plan.windows,
                         ahead.c_str());
  if (model.crps.value && best && *best->crps.value > 0)
    c.backtest_line +=
        text("  CRPS %.4g, %.0f %% %s the best baseline (%s, %.4g).", *model.crps.value,
             std::abs(100 * (1 - *model.crps.value / *best->crps.value)),
             model.crps < best->crps ? "below" : "above", best->name.c_str(), *best->crps.value);
  if (model.coverage.value)
    c.backtest_line += text("  The 80 %% band holds %.0f %%.", 100 * *model.coverage.value);
  for (const forecast::Origin& origin : r.backtest->origins)
    if (origin.series == series) c.origins.push_back(origin);
  c.backtest = r.backtest->model.paths.rows(series * r.plan.windows, r.plan.windows);
  return c;
}

/// report.json.
inline Json summary(const Outcome& r) {
  Json out = {{"program", "foglift forecast"}, {"version", FOGLIFT_VERSION_STRING},
              {"compiler", __VERSION__},       {"file", r.in.name()},
              {"sha256", r.in.sha256},         {"config", r.config["options"]},
              {"plan", r.config["plan"]},      {"found", json(r.in.read.guesses)}};
  out["config"].erase("found");
  if (r.backtest) {
    out["scores"] = json(r.backtest->scores, r.in);
    out["verdict"] = verdict(r.backtest->scores);
    out["remarks"] = remarks(r.backtest->scores);
  }
  out["rerun"] = "forecast --config run.toml --force";
  return out;
}

/// Writes all that was found into the folder of a run. True if it could be drawn.
inline bool write(const RunFolder& folder, const Outcome& r) {
  if (r.future) {
    folder.write("forecast.csv", data::csv_text(table(r.in, r.future->origins, r.future->paths,
                                                      r.o.quantiles, nullptr)));
    if (r.o.paths)
      folder.write("paths.csv",
                   data::csv_text(table(r.in, r.future->origins, r.future->paths, {}, nullptr)));
  }
  if (r.backtest)
    folder.write("backtest.csv",
                 data::csv_text(table(r.in, r.backtest->origins, r.backtest->model.paths,
                                      r.o.quantiles, &r.backtest->model.actual)));
  folder.write("report.json",
               summary(r).dump(2, ' ', false, Json::error_handler_t::replace) + '\n');
  if (!r.future) return true;
  const FanChart c = chart(r, 0);
  folder.write("chart.dat", fan_chart::data(c));
  folder.write("forecast.gp", fan_chart::script(c));
  return gnuplot::run(folder.staged(), "forecast.gp");
}

}  // namespace tool
