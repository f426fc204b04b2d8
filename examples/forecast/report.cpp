#include "report.hpp"

#include "fan_chart.hpp"
#include "html_report.hpp"
#include "plan.hpp"
#include "support/gnuplot.hpp"
#include "tables.hpp"

namespace tool {

namespace {

FanChart chart(const Outcome& r, Index series) {
  const std::string ahead = span(r.in.step(), r.plan.horizon);
  FanChart c{.title = r.title(),
             .unit = r.in.unit(),
             .forecast_line = {},
             .backtest_line = {},
             .series = &r.in.series()[static_cast<std::size_t>(series)]};
  c.forecast_line = "The next " + ahead + " by a " + r.plan.method + " model and baselines";
  if (r.future) c.future = r.future->paths.rows(series, 1);
  if (!r.backtest || r.backtest->origins.empty()) return c;
  const std::vector<forecast::Score>& scores =
      r.backtest->of_series.at(static_cast<std::size_t>(series));
  if (scores.empty()) return c;
  const forecast::Score& whole = scores.back();
  const forecast::Score* best = best_baseline(scores);
  c.forecast_line += ", and how its last forecasts did";
  c.backtest_line = "Backtest: each from its past alone";
  if (std::isfinite(whole.crps) && best && best->crps > 0)
    c.backtest_line +=
        text(";  CRPS %.4g, %.0f %% %s the best baseline, %s (%.4g)", whole.crps,
             std::abs(100 * (1 - whole.crps / best->crps)),
             whole.crps < best->crps ? "below" : "above", best->name.c_str(), best->crps);
  if (std::isfinite(whole.coverage))
    c.backtest_line += text(";  the 80 %% band holds %.0f %%", 100 * whole.coverage);
  std::vector<Index> rows;
  for (std::size_t w = 0; w < r.backtest->origins.size(); ++w)
    if (r.backtest->origins[w].series == series) {
      rows.push_back(static_cast<Index>(w));
      c.origins.push_back(r.backtest->origins[w]);
    }
  c.backtest = r.backtest->paths.rows(rows);
  return c;
}

/// report.json.
Json summary(const Outcome& r, const std::string& rerun) {
  Json out = {{"program", "foglift forecast"}, {"version", FOGLIFT_VERSION_STRING},
              {"compiler", __VERSION__},       {"file", r.in.name()},
              {"sha256", r.in.sha256},         {"config", r.config["options"]},
              {"plan", r.config["plan"]},      {"found", json(r.in.read.guesses)}};
  out["config"].erase("found");
  if (r.backtest) out.update(json(*r.backtest, r.in));
  if (r.sums && !r.sums->empty()) out["sums"] = json(*r.sums);
  out["rerun"] = rerun;
  return out;
}

/// Throws RunFolder::Unwritable for a picture that ends too early: gnuplot does not tell of a full
/// disk.
void require_whole(const RunFolder& folder, const std::string& name, const char* end) {
  const std::string bytes =
      foglift::read_file(folder.staged() + '/' + name, std::uint64_t{1} << 30);
  if (bytes.size() < 16 || bytes.find(end, bytes.size() - 16) == bytes.npos)
    throw RunFolder::Unwritable(folder.path(name) + ": gnuplot could not write all of it");
}

}  // namespace

bool write(const RunFolder& folder, const Outcome& r, const std::string& rerun) {
  if (r.future) {
    folder.write("forecast.csv", data::csv_text(table(r.in.series(), r.future->origins,
                                                      r.future->paths, r.o.quantiles, nullptr)));
    if (r.o.paths)
      folder.write("paths.csv", data::csv_text(table(r.in.series(), r.future->origins,
                                                     r.future->paths, {}, nullptr)));
  }
  if (r.backtest && !r.backtest->origins.empty())
    folder.write("backtest.csv",
                 data::csv_text(table(r.in.series(), r.backtest->origins, r.backtest->paths,
                                      r.o.quantiles, &r.backtest->actual)));
  if (r.sums && !r.sums->future.origins.empty())
    folder.write("sums.csv", data::csv_text(table(r.sums->series, r.sums->future.origins,
                                                  r.sums->future.paths, r.o.quantiles, nullptr)));
  folder.write("report.json",
               summary(r, rerun).dump(2, ' ', false, Json::error_handler_t::replace) + '\n');
  folder.write("report.html", html_report(r, rerun));
  if (!r.future) return true;
  constexpr Index most = 6;
  std::vector<FanChart> charts;
  const Index all = std::ssize(r.in.series());
  for (Index k = 0; k < std::min(most, all); ++k) charts.push_back(chart(r, k));
  if (all > 1)
    charts.front().forecast_line =
        (all > most
             ? "The first " + std::to_string(most) + " of " + std::to_string(all) + " series: t"
             : std::string("T")) +
        charts.front().forecast_line.substr(1, charts.front().forecast_line.find(',') - 1);
  folder.write("chart.dat", fan_chart::data(charts));
  folder.write("forecast.gp", fan_chart::script(charts));
  if (!gnuplot::run(folder.staged(), "forecast.gp")) return false;
  require_whole(folder, "forecast.svg", "</svg>");
  require_whole(folder, "forecast.png", "IEND");
  return true;
}

}  // namespace tool
