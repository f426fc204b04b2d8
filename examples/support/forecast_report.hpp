#pragma once

#include "fan_chart.hpp"
#include "foglift/data/csv_writer.hpp"
#include "foglift/forecast/score/backtest.hpp"
#include "forecast_plan.hpp"

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

/// What the model and the baselines said.
struct Results {
  std::vector<foglift::forecast::Origin> origins;
  foglift::Tensor<double> actual;                ///< [origins, horizon]
  foglift::Tensor<double> backtest;              ///< [origins, paths, horizon], by the model
  foglift::Tensor<double> future;                ///< [1, paths, horizon]
  std::vector<foglift::forecast::Score> scores;  ///< the model, the seasonal naive, others
};

/// What the forecast example prints and writes.
namespace report {

using foglift::Index;
using foglift::Tensor;
namespace data = foglift::data;
namespace forecast = foglift::forecast;

/// Six digits are more than a forecast knows.
inline double rounded(double v) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", v);
  return std::strtod(text, nullptr);
}

/// Rows of windows [W, S, H]: origin (if wanted), time, actual (if wanted), one column a quantile.
inline data::CsvTable table(const forecast::TimeAxis& axis,
                            const std::vector<forecast::Origin>& origins,
                            const Tensor<double>& paths, const std::vector<double>& levels,
                            const Tensor<double>* actual) {
  const auto quantiles = forecast::quantiles(paths, levels);
  std::vector<std::string> origin, time;
  std::vector<double> values;
  std::vector<std::vector<double>> columns(levels.size());
  for (Index w = 0; w < paths.dim(0); ++w)
    for (Index h = 0; h < paths.dim(2); ++h) {
      const Index at = origins[static_cast<std::size_t>(w)].at;
      origin.push_back(axis.text(at));
      time.push_back(axis.text(at + h));
      if (actual) values.push_back((*actual)(w, h));
      for (std::size_t q = 0; q < levels.size(); ++q)
        columns[q].push_back(rounded(quantiles(w, q, h)));
    }
  data::CsvTable out("forecast");
  if (actual) out.add_texts("origin", std::move(origin));
  out.add_texts("time", std::move(time));
  if (actual) out.add("actual", std::move(values));
  for (std::size_t q = 0; q < levels.size(); ++q)
    out.add("q" + data::format_number(levels[q]), std::move(columns[q]));
  return out;
}

/// "1.6 days", "48 hours": a number of cells in words.
inline std::string span(const forecast::Frequency& f, Index cells) {
  struct Unit {
    forecast::Time seconds;
    const char* name;
  };
  const auto text = [](Index n, const std::string& name) {
    return std::to_string(n) + ' ' + name + (n == 1 ? "" : "s");
  };
  if (!f.open.empty() || f.days.size() > 1 || f.per > 1) return text(cells, "step");
  if (f.months)
    return f.months % 12 ? text(cells * f.months, "month") : text(cells * f.months / 12, "year");
  for (const Unit u : {Unit{forecast::week_seconds, "week"}, Unit{forecast::day_seconds, "day"},
                       Unit{3600, "hour"}, Unit{60, "minute"}})
    if (f.seconds % u.seconds == 0) return text(cells * (f.seconds / u.seconds), u.name);
  return text(cells * f.seconds, "second");
}

/// How much lower the first CRPS is than the second, in per cent.
inline double gain(const forecast::Score& model, const forecast::Score& baseline) {
  return 100 * (1 - model.crps / baseline.crps);
}

/// printf into a string.
template <class... Args>
std::string text(const char* format, Args... args) {
  char buffer[400];
  std::snprintf(buffer, sizeof buffer, format, args...);
  return buffer;
}

/// The baseline of the least CRPS; the model comes first among the scores.
inline const forecast::Score& best_baseline(const std::vector<forecast::Score>& scores) {
  return *std::min_element(scores.begin() + 1, scores.end(),
                           [](const auto& a, const auto& b) { return a.crps < b.crps; });
}

/// The model against the best of the baselines.
inline std::string verdict(const std::vector<forecast::Score>& scores) {
  const forecast::Score& best = best_baseline(scores);
  const double percent = gain(scores[0], best);
  if (percent > 0)
    return text("The %s beats the best baseline, %s, by %.1f %% in CRPS.", scores[0].name.c_str(),
                best.name.c_str(), percent);
  return text("The %s does not beat the best baseline, %s: its CRPS is %.1f %% higher.",
              scores[0].name.c_str(), best.name.c_str(), -percent);
}

/// A word of a command line, as a shell reads it.
inline std::string quoted(const std::string& word) {
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + '\'';
}

/// The command line that a run was started with, but for its length and where it writes.
inline std::string command(const Settings& s) {
  const Settings usual;
  std::string out = "forecast";
  if (!s.file.empty()) out += ' ' + quoted(s.file);
  if (s.method != usual.method) out += " --method " + s.method;
  if (!s.target.empty()) out += " --target " + quoted(s.target);
  if (!s.date.empty()) out += " --date " + quoted(s.date);
  if (!s.date_format.empty()) out += " --date-format " + quoted(s.date_format);
  if (!s.decimal.empty()) out += " --decimal " + s.decimal;
  if (s.horizon != usual.horizon) out += " --horizon " + std::to_string(s.horizon);
  if (s.season != usual.season) out += " --season " + std::to_string(s.season);
  if (s.samples != usual.samples) out += " --samples " + std::to_string(s.samples);
  if (s.quantiles != usual.quantiles) {
    out += " --quantiles ";
    for (const double q : s.quantiles)
      out += (&q == s.quantiles.data() ? "" : ",") + foglift::number_text(q);
  }
  if (!s.title.empty()) out += " --title " + quoted(s.title);
  return out;
}

/// What was found in the file and what will be done with it.
inline void describe(const SeriesFile& file, const Plan& plan) {
  const forecast::Series& series = file.series;
  const forecast::Frequency& step = series.time.frequency;
  const Index held_out = plan.windows * plan.horizon;
  std::printf("%s: %s from %s to %s, %td values, %td missing\n", file.path.c_str(),
              step.name().c_str(), series.time.text(0).c_str(),
              series.time.text(series.size() - 1).c_str(), series.size(),
              file.missing);
  std::printf("  dates in '%s', target '%s'", file.date.c_str(), file.target.c_str());
  for (const Index n : plan.seasons)
    std::printf("%s %s", n == plan.season() ? ", seasons of" : " and", span(step, n).c_str());
  if (!file.others.empty())
    std::printf(" (not used: %zu other columns of numbers)", file.others.size());
  for (const std::string& note : file.notes) std::printf("\n  %s", note.c_str());
  std::printf("\n  train %td values, validate %td, backtest %td windows of %s\n",
              series.size() - held_out - plan.training.validation, plan.training.validation,
              plan.windows, span(step, plan.horizon).c_str());
}

inline void print(const std::vector<forecast::Score>& scores) {
  std::printf("  %-28s %10s %10s %11s %9s\n", "backtest", "CRPS", "wQL9", "80 % holds", "MASE");
  for (const forecast::Score& s : scores)
    std::printf("  %-28s %10.4g %10.4f %9.1f %% %9.3f\n", s.name.c_str(), s.crps, s.quantile_loss,
                100 * s.coverage, s.mase);
  std::printf("\n%s\n\n", verdict(scores).c_str());
  std::fflush(stdout);
}

inline nlohmann::ordered_json json(const std::vector<forecast::Score>& scores) {
  auto out = nlohmann::ordered_json::array();
  for (const forecast::Score& s : scores)
    out.push_back({{"name", s.name},
                   {"crps", s.crps},
                   {"mean_weighted_quantile_loss_9", s.quantile_loss},
                   {"coverage_80", s.coverage},
                   {"mase", s.mase}});
  return out;
}

inline FanChart chart(const Settings& s, const SeriesFile& file, const Plan& plan,
                      const Results& r) {
  const forecast::Score &model = r.scores[0], &best = best_baseline(r.scores);
  const std::string ahead = span(file.series.time.frequency, plan.horizon);
  const std::string name = std::filesystem::path(file.path).filename();
  return {s.title.empty() ? file.target + " (" + name + ')' : s.title,
          file.target,
          text("The next %s by a %s, and how its last forecasts did", ahead.c_str(),
               model.name.c_str()),
          text("Backtest: %td forecasts of %s, each from its past alone.  CRPS %.4g, %.0f %% %s "
               "the best baseline (%s, %.4g).  The 80 %% band holds %.0f %%.",
               plan.windows, ahead.c_str(), model.crps, std::abs(gain(model, best)),
               model.crps < best.crps ? "below" : "above", best.name.c_str(), best.crps,
               100 * model.coverage),
          &file.series,
          r.origins,
          r.backtest,
          r.future};
}

/// Writes the tables, the report and the picture; false without a picture.
inline bool write(const Settings& s, const SeriesFile& file, const Plan& plan, const Results& r,
                  const nlohmann::ordered_json& config) {
  const std::vector<forecast::Origin> now{{0, file.series.size()}};
  const auto& axis = file.series.time;
  data::write_csv(s.out + "/forecast.csv", table(axis, now, r.future, s.quantiles, nullptr));
  data::write_csv(s.out + "/backtest.csv",
                  table(axis, r.origins, r.backtest, s.quantiles, &r.actual));
  const nlohmann::ordered_json report = {
      {"program", "foglift forecast"},
      {"version", FOGLIFT_VERSION_STRING},
      {"compiler", __VERSION__},
      {"file", std::filesystem::path(file.path).filename().string()},
      {"config", config},
      {"scores", json(r.scores)},
      {"verdict", verdict(r.scores)},
      {"rerun", text("forecast %s%s --steps %td --seed %llu",
                     std::filesystem::path(file.path).filename().c_str(),
                     plan.method == "diffusion" ? "" : " --method linear", plan.training.steps,
                     static_cast<unsigned long long>(s.seed))}};
  foglift::write_file(s.out + "/report.json", report.dump(2) + '\n');
  return draw(chart(s, file, plan, r), s.out);
}

}  // namespace report
