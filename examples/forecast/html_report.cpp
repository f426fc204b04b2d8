#include "html_report.hpp"

#include "foglift/forecast/score/metrics.hpp"
#include "html_chart.hpp"
#include "html_components.hpp"
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

/// CRPS of the model without each covariate that is known ahead.
std::string covariate_table(const Backtest& b, const Input& in) {
  std::string out = head({"the model forecasts the last windows", "CRPS", "beside as given"});
  out += row({"with all as given", shown(b.effects[0], "%.4g"), ""});
  for (std::size_t k = 1; k < b.effects.size(); ++k)
    out += row({"with " + in.read.covariates.at(k - 1) + " held at its mean",
                shown(b.effects[k], "%.4g"),
                shown(100 * (b.effects[k] / b.effects[0] - 1), "%+.1f %%")});
  return out + table_end +
         "<p class=\"dim\">What a covariate is worth here: the error rises without one that helps. "
         "Covariates that tell the same stand in for each other.</p>\n";
}

/// Fans and scores of sums of series.
std::string sums_section(const Sums& sums, Index horizon) {
  constexpr std::size_t most = 6;  // the one over all series is the last
  std::string out = "<h2>Sums of series</h2>\n";
  const std::size_t n = sums.series.size();
  for (std::size_t k = n > most ? n - most : 0; k < n; ++k)
    for (std::size_t w = 0; w < sums.future.origins.size(); ++w)
      if (sums.future.origins[w].series == static_cast<Index>(k))
        out += "<h3>" + escaped(sums.series[k].name) + " (" + std::to_string(sums.members[k]) +
               " series)</h3>\n" +
               html::fan(sums.series[k],
                         {html::window_of(sums.future.paths, static_cast<Index>(w),
                                          sums.future.origins[w].at)},
                         horizon, true);
  out += head({"sum, of the last windows", "CRPS", "wQL9", "80 % holds", "MASE"});
  for (const auto& scores : sums.past.of_series)
    for (const forecast::Score& s : scores)
      out += row({s.name, shown(s.crps, "%.4g"), shown(s.quantile_loss, "%.4f"),
                  shown(100 * s.coverage, "%.1f %%"), shown(s.mase, "%.3f")});
  out += table_end;
  for (const std::string& note : sums.notes) out += "<p class=\"dim\">" + escaped(note) + "</p>\n";
  return out +
         "<p class=\"dim\">Paths of the members are added one by one, so sums and members agree; "
         "the errors of members are taken for independent of each other.</p>\n";
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
  if (r.backtest && r.backtest->effects.size() > 1)
    out += "<h2>What covariates are worth</h2>\n" + covariate_table(*r.backtest, r.in);
  if (r.sums && !r.sums->empty()) out += sums_section(*r.sums, r.plan.horizon);
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
