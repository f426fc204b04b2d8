#include "commands.hpp"
#include "console.hpp"
#include "foglift/forecast/baselines/seasonal_adjustment.hpp"
#include "session.hpp"
#include "tables.hpp"

#include <iostream>

namespace tool {

namespace {

/// Cells between known ones by a straight line; the others stay missing.
void interpolate(std::vector<double>& x) {
  std::ptrdiff_t last = -1;
  for (std::ptrdiff_t t = 0; t < std::ssize(x); ++t) {
    const double v = x[static_cast<std::size_t>(t)];
    if (std::isnan(v)) continue;
    for (std::ptrdiff_t k = last + 1; last >= 0 && k < t; ++k) {
      const double u = x[static_cast<std::size_t>(last)];
      x[static_cast<std::size_t>(k)] =
          u + (v - u) * static_cast<double>(k - last) / static_cast<double>(t - last);
    }
    last = t;
  }
}

/// Values with the cells between known ones filled: the season (of a classical decomposition,
/// where a test finds one) is taken off, straight lines are drawn, the season is put back; thrice,
/// as each pass knows the season better.
std::vector<double> smoothed(const std::vector<double>& x, Index season) {
  std::vector<double> y = x;
  interpolate(y);
  for (int pass = 0; pass < 3; ++pass) {
    const auto first = std::find_if(y.begin(), y.end(), [](double v) { return !std::isnan(v); });
    auto last = first;
    while (last != y.end() && !std::isnan(*last)) ++last;
    if (first == last) return y;
    const auto indices = forecast::seasonal_indices(std::span(first, last), season);
    std::vector<double> adjusted = x;
    for (std::size_t t = 0; t < x.size(); ++t) {
      const Index phase = static_cast<Index>(t) - (first - y.begin());
      if (phase >= 0)
        adjusted[t] = indices.remove(x[t], phase);
      else
        adjusted[t] = NAN;
    }
    interpolate(adjusted);
    for (std::size_t t = 0; t < x.size(); ++t) {
      const Index phase = static_cast<Index>(t) - (first - y.begin());
      y[t] = !std::isnan(x[t]) ? x[t] : phase >= 0 ? indices.restore(adjusted[t], phase) : NAN;
    }
  }
  return y;
}

/// Mean absolute errors of a filling, and of straight lines, where known values are hidden: every
/// gap of the series, moved to a stretch that is known.
struct Trial {
  double error = 0, line = 0, cells = 0;
};

Trial hide_and_fill(const std::vector<double>& x, Index season) {
  std::vector<double> hidden = x;
  std::vector<std::size_t> at;
  for (std::size_t t = 0; t < x.size();) {  // gaps, moved by a season and a half each
    if (!std::isnan(x[t])) {
      ++t;
      continue;
    }
    std::size_t end = t;
    while (end < x.size() && std::isnan(x[end])) ++end;
    const std::size_t to = end + static_cast<std::size_t>(season + season / 2 + 1);
    const std::size_t length = end - t;
    if (t > 0 && to + length < x.size() &&
        std::none_of(hidden.begin() + std::ptrdiff_t(to) - 1,
                     hidden.begin() + std::ptrdiff_t(to + length) + 1,
                     [](double v) { return std::isnan(v); }))
      for (std::size_t k = 0; k < length; ++k) at.push_back(to + k), hidden[to + k] = NAN;
    t = end;
  }
  const std::vector<double> filled = smoothed(hidden, season);
  std::vector<double> line = hidden;
  interpolate(line);
  Trial trial;
  for (const std::size_t t : at) {
    if (std::isnan(filled[t]) || std::isnan(line[t])) continue;
    trial.error += std::abs(filled[t] - x[t]);
    trial.line += std::abs(line[t] - x[t]);
    ++trial.cells;
  }
  return trial;
}

}  // namespace

int impute(const Words& words) {
  CLI::App app{
      "Fills missing values between known ones: the season is taken off, straight lines "
      "are drawn, the season is put back. Says how large its errors are where known "
      "values are hidden. Values before the first and behind the last stay missing.",
      "forecast impute"};
  app.footer(
      "Examples:\n"
      "  forecast impute load.csv --out whole      whole/filled.csv\n"
      "  forecast impute load.csv --season 168");
  Options o;
  o.out = "foglift-impute";
  std::string config;
  app.add_option("file", o.file, "CSV with a column of dates and one of numbers")->required();
  app.add_option("--season", o.season, "steps of the season (default: found out)")
      ->check(CLI::Range(1, 100000));
  add(app, o, Part::reading);
  describe_app(app, o, config);
  parse_with_config(app, words, config);
  Input in = read_input(o);
  RunFolder::require(o.out, {"filled.csv"}, o.force,
                     "add --force to overwrite it, or choose another --out");
  const Index season = !o.season.empty()     ? o.season.front()
                       : !in.seasons.empty() ? in.seasons.front()
                                             : 1;
  in.read.guesses.push_back({season > 1 ? "season " + span(in.step(), season) : "no season",
                             o.season.empty() ? "as the values show" : "", "--season"});
  if (!o.quiet) describe(in);

  std::vector<std::string> name, time;
  std::vector<double> value, filled;
  Index left = 0;
  Trial trial;
  for (const forecast::Series& s : in.series()) {
    const std::vector<double> y = smoothed(s.values, season);
    const Trial own = hide_and_fill(s.values, season);
    trial = {trial.error + own.error, trial.line + own.line, trial.cells + own.cells};
    for (std::size_t t = 0; t < y.size(); ++t) {
      name.push_back(s.name);
      time.push_back(s.time.text(static_cast<Index>(t)));
      value.push_back(y[t]);
      filled.push_back(std::isnan(s.values[t]) && !std::isnan(y[t]));
      left += std::isnan(y[t]);
    }
  }
  const auto count = std::count(filled.begin(), filled.end(), 1.0);
  data::CsvTable out("filled");
  if (in.series().size() > 1) out.add_texts("series", std::move(name));
  out.add_texts("time", std::move(time));
  out.add(in.unit(), std::move(value));
  out.add("filled", std::move(filled));
  const RunFolder folder(o.out);
  folder.write("filled.csv", data::csv_text(out));
  folder.commit({});
  std::cout << count << " values filled, " << left << " left missing (before the first or behind "
            << "the last)\n";
  if (trial.cells > 0)
    std::cout << text(
        "Known values hidden in gaps of the same lengths, %.0f in all, are missed by "
        "%.4g on average; by straight lines alone by %.4g\n",
        trial.cells, trial.error / trial.cells, trial.line / trial.cells);
  else if (count > 0)
    std::cout << "No known stretch is long enough to hide values in, so the error is not known\n";
  std::cout << "Wrote " << (std::filesystem::path(o.out) / "filled.csv").string() << '\n';
  return 0;
}

}  // namespace tool
