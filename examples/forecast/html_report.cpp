#include "html_report.hpp"

#include "foglift/forecast/baselines/seasonal_adjustment.hpp"
#include "foglift/forecast/score/metrics.hpp"
#include "html_chart.hpp"
#include "plan.hpp"
#include "report_page.hpp"
#include "tables.hpp"

namespace tool {

namespace {

using namespace html;

std::string row(const std::vector<std::string>& cells, const char* kind = "") {
  std::string out = std::string("<tr") + kind + ">";
  for (const std::string& cell : cells) out += "<td>" + escaped(cell) + "</td>";
  return out + "</tr>\n";
}

std::string head(const std::vector<std::string>& cells, const char* kind = "") {
  std::string out = std::string("<div class=\"scroll\"><table") + kind + "><thead><tr>";
  for (const std::string& cell : cells) out += "<th>" + escaped(cell) + "</th>";
  return out + "</tr></thead><tbody>\n";
}

constexpr const char* table_end = "</tbody></table></div>\n";

/// Scores of the parts and the whole, with the weights that the parts have in what comes next.
std::string score_table(const Backtest& b) {
  std::string out = head({"", "weight", "CRPS", "wQL9", "80 % holds", "MASE"});
  for (const forecast::Score& s : b.scores) {
    std::string weight;
    for (std::size_t k = 0; k < b.parts.size(); ++k)
      if (b.parts[k] == s.name && b.weights[k] >= 0.005)
        weight = text("%.0f %%", 100 * b.weights[k]);
    out += row({s.name, weight, shown(s.crps, "%.4g"), shown(s.quantile_loss, "%.4f"),
                shown(100 * s.coverage, "%.1f %%"), shown(s.mase, "%.3f")},
               &s == &b.scores.back() ? " class=\"whole\"" : "");
  }
  return out + table_end;
}

/// The series of a panel, those first whose forecasts are worst beside the best baseline's.
std::string series_table(const Backtest& b, const Input& in) {
  std::vector<std::pair<double, std::size_t>> order;
  for (std::size_t s = 0; s < b.of_series.size(); ++s) {
    if (b.of_series[s].empty()) continue;
    const forecast::Score* best = best_baseline(b.of_series[s]);
    const double ratio = best && best->crps > 0 ? b.of_series[s].back().crps / best->crps : 0;
    order.emplace_back(-ratio, s);
  }
  std::sort(order.begin(), order.end());
  std::string out = head({"series, the worst first", "CRPS", "of the best baseline", "80 % holds"});
  for (const auto& [ratio, s] : order) {
    const forecast::Score& whole = b.of_series[s].back();
    out += row({in.series()[s].name, shown(whole.crps, "%.4g"), text("%.2f times", -ratio),
                shown(100 * whole.coverage, "%.0f %%")});
  }
  return out + table_end;
}

/// PIT histogram, reliability of quantiles, CRPS by step.
std::string calibration(const Backtest& b) {
  std::vector<double> pit;
  try {
    pit = forecast::pit(b.paths, b.actual);
  } catch (const foglift::Error&) {  // nothing is known
    return {};
  }
  std::vector<double> bars(10), levels, share;
  for (const double p : pit)
    bars[std::min<std::size_t>(9, static_cast<std::size_t>(p * 10))] +=
        10.0 / static_cast<double>(pit.size());
  for (int i = 1; i < 20; ++i) {
    levels.push_back(i / 20.0);
    const auto below =
        std::count_if(pit.begin(), pit.end(), [&](double p) { return p <= levels.back(); });
    share.push_back(static_cast<double>(below) / static_cast<double>(pit.size()));
  }
  std::vector<double> steps;
  for (std::size_t h = 1; h <= static_cast<std::size_t>(b.actual.dim(1)); ++h)
    steps.push_back(static_cast<double>(h));
  return "<div class=\"two\">\n" +
         bar_chart(bars,
                   "Where what came stood among the paths (PIT), from below all to above "
                   "all: flat if calibrated, a hump if too wide, a bowl if too narrow.") +
         line_chart(levels, share, true,
                    "Reliability: how often what came was at or below a quantile, beside its "
                    "level; on the dashed line if calibrated.") +
         line_chart(steps, crps_by_step(b.paths, b.actual), false, "CRPS by step ahead.") +
         "</div>\n";
}

/// Trend and seasons of a series by the classical decomposition.
std::string components(const forecast::Series& s, const std::vector<Index>& seasons) {
  std::string out;
  std::vector<double> x;
  try {
    x = forecast::filled(s.values, 2, "components").values;
  } catch (const foglift::Error&) {
    return {};
  }
  std::vector<double> adjusted = x;
  for (const Index season : seasons) {
    if (std::ssize(x) < 2 * season) continue;
    const auto indices = forecast::classical_indices(adjusted, season, false);
    for (std::size_t t = 0; t < x.size(); ++t)
      adjusted[t] = indices.remove(adjusted[t], static_cast<Index>(t));
    std::vector<double> phase;
    for (std::size_t k = 1; k <= indices.index.size(); ++k) phase.push_back(static_cast<double>(k));
    out += line_chart(
        phase, indices.index, false,
        "Season of " + span(s.time.frequency, season) + ", by phase: what it adds to the level.");
  }
  // A moving average over the longest season, else over a tenth of the series.
  const auto half = static_cast<std::size_t>(
      std::max<Index>(2, seasons.empty() ? std::ssize(x) / 20
                                         : *std::max_element(seasons.begin(), seasons.end()) / 2));
  std::vector<double> at, trend;
  const std::size_t stride = std::max<std::size_t>(1, x.size() / 400);
  for (std::size_t t = half; t + half < x.size(); t += stride) {
    double sum = 0;
    for (std::size_t k = t - half; k <= t + half; ++k) sum += adjusted[k];
    at.push_back(static_cast<double>(t));
    trend.push_back(sum / static_cast<double>(2 * half + 1));
  }
  if (trend.size() > 2)
    out = line_chart(at, trend, false,
                     "Trend: a moving average of " +
                         span(s.time.frequency, static_cast<Index>(2 * half + 1)) +
                         " of the values less their seasons.") +
          out;
  return out.empty() ? out : "<div class=\"two\">\n" + out + "</div>\n";
}

}  // namespace

std::string html_report(const Outcome& r, const std::string& rerun) {
  using html::escaped;
  constexpr std::size_t most_series = 6;
  const std::string title = r.title();
  std::string out =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>" +
      escaped(title) + "</title>\n<style>" + page::style + "</style>\n</head>\n<body>\n<h1>" +
      escaped(title) + "</h1>\n";
  if (r.backtest) out += "<p class=\"verdict\">" + escaped(verdict(r.backtest->scores)) + "</p>\n";
  const auto& all = r.in.series();
  if (all.size() > most_series)
    out += text("<p class=\"dim\">The first %zu of %zu series are drawn.</p>\n", most_series,
                all.size());
  for (std::size_t s = 0; s < std::min(most_series, all.size()); ++s) {
    const std::string name = all.size() > 1 ? all[s].name + ": " : "";
    const auto index = static_cast<Index>(s);
    if (r.future)
      out += "<h2>" + escaped(name) + "The next " + escaped(span(r.in.step(), r.plan.horizon)) +
             "</h2>\n" +
             html::fan(all[s], html::future_windows(*r.future, index), r.plan.horizon, true);
    if (r.backtest && !r.backtest->origins.empty())
      out += "<h2>" + escaped(name) + "The last windows, each forecast from its past alone</h2>\n" +
             html::fan(all[s], html::backtest_windows(*r.backtest, index), r.plan.horizon, false);
  }
  if (r.backtest && !r.backtest->scores.empty()) {
    out += "<h2>Scores of the last windows</h2>\n" + score_table(*r.backtest);
    for (const std::string& line : remarks(*r.backtest))
      out += "<p class=\"dim\">" + escaped(line) + "</p>\n";
    if (all.size() > 1) out += "<h2>Series by series</h2>\n" + series_table(*r.backtest, r.in);
    out += "<h2>Calibration</h2>\n" + calibration(*r.backtest);
  }
  if (const std::string parts = components(all.front(), r.plan.seasons); !parts.empty())
    out += "<h2>Components" + (all.size() > 1 ? " of " + escaped(all.front().name) : "") +
           "</h2>\n" + parts;
  out +=
      "<h2>What was found and chosen</h2>\n" + head({"what", "why", "option"}, " class=\"text\"");
  for (const forecast::Guess& g : r.in.read.guesses) out += row({g.text, g.reason, g.option});
  out += std::string(table_end) + "<h2>The same numbers again</h2>\n<pre>" + escaped(rerun) +
         "</pre>\n<p class=\"dim\">in this folder; run.toml has all options. foglift " +
         FOGLIFT_VERSION_STRING + ", " + escaped(r.in.name()) + ", sha256 <code>" + r.in.sha256 +
         "</code></p>\n<script>" + page::script + "</script>\n</body>\n</html>\n";
  return out;
}

}  // namespace tool
