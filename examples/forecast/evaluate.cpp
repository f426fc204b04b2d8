#include "commands.hpp"
#include "console.hpp"
#include "foglift/data/csv_reader.hpp"
#include "foglift/forecast/score/calibration.hpp"
#include "foglift/forecast/score/point.hpp"
#include "session.hpp"
#include "tables.hpp"

#include <charconv>
#include <iostream>
#include <map>

namespace tool {

namespace {

/// The level that the name of a column of quantiles tells: q0.1, 0.1, quantile_0.1, p10, 10 %, and
/// lo-80 or hi-80, ends of a central interval. Nothing for other names.
std::optional<double> level_of(const std::string& name) {
  const std::size_t first = name.find_first_of("0123456789");
  if (first == name.npos) return name == "median" ? std::optional(0.5) : std::nullopt;
  double number = 0;
  const auto [end, wrong] = std::from_chars(name.data() + first, name.data() + name.size(), number);
  const std::string before = name.substr(0, first), after(end, name.data() + name.size());
  if (wrong != std::errc() || !(after.empty() || after == "%" || after == " %")) return {};
  const auto ends = [&](const std::string& tail) {
    return before.size() >= tail.size() &&
           before.compare(before.size() - tail.size(), tail.size(), tail) == 0;
  };
  if (number > 1 || !after.empty()) number /= 100;
  if (!(number > 0 && number < 1)) return {};
  if (ends("lo-") || ends("lower_")) return (1 - number) / 2;
  if (ends("hi-") || ends("upper_")) return (1 + number) / 2;
  return before.empty() || before == "q" || before == "p" || before == "Q" || before == "P" ||
                 before == "quantile_" || before == "quantile"
             ? std::optional(number)
             : std::nullopt;
}

bool is_path(const std::string& name) {
  for (const char* word : {"path", "sample"})
    if (name.rfind(word, 0) == 0 &&
        name.find_first_not_of("_ 0123456789", std::string(word).size()) == name.npos)
      return true;
  return false;
}

/// A forecast file, row by row beside what came.
struct Rows {
  std::vector<double> levels;                ///< ascending; none: columns are paths
  std::vector<std::vector<double>> columns;  ///< one for each level or path
  std::vector<double> actual;                ///< NaN where it is not known
  std::vector<std::string> series;           ///< of each row
  std::vector<double> scale;                 ///< seasonal error of the past of each row's series
};

Rows read_rows(const std::string& path, const Input& actual, const std::string& time,
               Index season) {
  const data::CsvTable table = data::read_csv(path);
  Rows rows;
  std::map<double, std::vector<double>> quantiles;
  for (const std::string& name : table.names(data::ColumnKind::number)) {
    if (const auto level = level_of(name)) quantiles[*level] = table.numbers(name);
    if (is_path(name)) rows.columns.push_back(table.numbers(name));
  }
  if (rows.columns.empty())
    for (auto& [level, values] : quantiles) {
      rows.levels.push_back(level);
      rows.columns.push_back(std::move(values));
    }
  if (rows.columns.empty())
    foglift::raise<foglift::FormatError>(
        path, ": no columns of quantiles (q0.1, p10, lo-80 ...) or of paths (path1, path2 ...)");
  const auto dates = table.names(data::ColumnKind::date);
  if (time.empty() && dates.empty())
    foglift::raise<foglift::FormatError>(path, ": no column of dates");
  const std::string clock = !time.empty()            ? time
                            : table.contains("time") ? std::string("time")
                                                     : dates.back();
  // Times as this program writes them tell fractions of a second and offsets; others are read.
  const data::CsvTable written = data::read_csv(path, {.kinds = {{clock, data::ColumnKind::text}}});
  const std::vector<std::int64_t>& times = table.dates(clock);

  std::map<std::string, const forecast::Series*> by_name;
  std::map<std::string, std::map<std::string, Index>> by_text;
  std::map<std::string, std::map<std::int64_t, Index>> by_time;
  for (const forecast::Series& s : actual.series()) {
    by_name[s.name] = &s;
    for (Index i = 0; i < s.size(); ++i) {
      by_text[s.name][s.time.text(i)] = i;
      const data::Stamp stamp = s.time.stamp(i);
      by_time[s.name].emplace(stamp.offset ? stamp.utc() : stamp.seconds, i);
    }
  }
  const std::string only = actual.series().front().name;
  for (std::size_t i = 0; i < table.rows(); ++i) {
    const std::string name = table.contains("series") ? table.texts("series")[i] : only;
    const auto found = by_name.find(name);
    if (found == by_name.end())
      foglift::raise<foglift::ArgumentError>(path, ": series '", name, "' is not in ",
                                             actual.path());
    const auto text = by_text[name].find(written.texts(clock)[i]);
    const auto time_of = by_time[name].find(times[i]);
    rows.series.push_back(name);
    rows.actual.push_back(text != by_text[name].end()      ? found->second->value(text->second)
                          : time_of != by_time[name].end() ? found->second->value(time_of->second)
                                                           : NAN);
  }
  // MASE's scale: the values before the first forecast of each series.
  std::map<std::string, double> scales;
  for (const auto& [name, series] : by_name) {
    std::int64_t first = std::numeric_limits<std::int64_t>::max();
    for (std::size_t i = 0; i < times.size(); ++i)
      if (rows.series[i] == name) first = std::min(first, times[i]);
    std::size_t past = 0;
    while (past < series->values.size() && series->time.at(static_cast<Index>(past)) < first)
      ++past;
    scales[name] = forecast::seasonal_error(std::span(series->values).first(past), season);
  }
  for (const std::string& name : rows.series) rows.scale.push_back(scales[name]);
  return rows;
}

/// Scores of quantiles; each metric by what its levels tell of it.
forecast::Score score_quantiles(const Rows& rows) {
  const std::size_t levels = rows.levels.size();
  double pinball = 0, size = 0, count = 0, inside = 0, scaled = 0, scaled_count = 0;
  const auto at = [&](double level) {
    for (std::size_t q = 0; q < levels; ++q)
      if (std::abs(rows.levels[q] - level) < 1e-9) return &rows.columns[q];
    return static_cast<const std::vector<double>*>(nullptr);
  };
  const auto *low = at(0.1), *high = at(0.9), *median = at(0.5);
  for (std::size_t i = 0; i < rows.actual.size(); ++i) {
    const double y = rows.actual[i];
    if (std::isnan(y)) continue;
    for (std::size_t q = 0; q < levels; ++q) {
      const double error = y - rows.columns[q][i];
      pinball += std::max(rows.levels[q] * error, (rows.levels[q] - 1) * error);
    }
    size += std::abs(y);
    ++count;
    if (low && high) inside += (*low)[i] <= y && y <= (*high)[i];
    if (median && rows.scale[i] > 0)
      scaled += std::abs((*median)[i] - y) / rows.scale[i], ++scaled_count;
  }
  const auto n = static_cast<double>(levels);
  forecast::Score s{.name = "forecast"};
  const auto undefined = [&](const char* why) {
    s.undefined += std::string(s.undefined.empty() ? "" : "; ") + why;
  };
  s.crps = 2 * pinball / n / count;
  if (size > 0)
    s.quantile_loss = 2 * pinball / n / size;
  else
    undefined("wQL: every actual value is 0");
  if (low && high)
    s.coverage = inside / count;
  else
    undefined("80 % holds: needs the quantiles 0.1 and 0.9");
  if (median && scaled_count > 0)
    s.mase = scaled / scaled_count;
  else
    undefined(median ? "MASE: no past that changes before the forecast"
                     : "MASE: needs the quantile 0.5");
  return s;
}

forecast::Score score_paths(const Rows& rows) {
  const auto n = std::ssize(rows.actual), paths = std::ssize(rows.columns);
  Tensor<double> drawn({n, paths, 1}), came({n, 1});
  for (Index i = 0; i < n; ++i) {
    const auto row = static_cast<std::size_t>(i);
    came(i, 0) = rows.actual[row];
    for (Index p = 0; p < paths; ++p)
      drawn(i, p, 0) = rows.columns[static_cast<std::size_t>(p)][row];
  }
  Tensor<double> scaled = came;  // where the past changes
  std::vector<double> scales = rows.scale;
  bool any = false;
  for (Index i = 0; i < n; ++i) {
    double& scale = scales[static_cast<std::size_t>(i)];
    if (!(scale > 0)) scale = 1, scaled(i, 0) = NAN;
    any = any || !std::isnan(scaled(i, 0));
  }
  forecast::Score s{.name = "forecast", .crps = forecast::crps(drawn, came)};
  s.coverage = forecast::coverage(drawn, came, 0.8);
  if (std::any_of(came.begin(), came.end(), [](double v) { return v != 0 && !std::isnan(v); }))
    s.quantile_loss = forecast::mean_weighted_quantile_loss(drawn, came);
  if (any)
    s.mase = forecast::mase(drawn, scaled, scales);
  else
    s.undefined = "MASE: no past that changes before the forecast";
  return s;
}

/// Scores of points and of calibration, by name; NaN where one is undefined.
std::vector<std::pair<const char*, double>> more_scores(const Rows& rows) {
  const auto n = std::ssize(rows.actual);
  std::vector<const std::vector<double>*> columns;
  for (std::size_t q = 0; q < rows.columns.size(); ++q)
    if (rows.levels.empty() || std::abs(rows.levels[q] - 0.5) < 1e-9)
      columns.push_back(&rows.columns[q]);
  if (columns.empty()) return {};
  Tensor<double> drawn({n, std::ssize(columns), 1}), came({n, 1});
  for (Index i = 0; i < n; ++i) {
    came(i, 0) = rows.actual[static_cast<std::size_t>(i)];
    for (std::size_t p = 0; p < columns.size(); ++p)
      drawn(i, static_cast<Index>(p), 0) = (*columns[p])[static_cast<std::size_t>(i)];
  }
  const auto score = [&](const auto& metric) -> double {
    try {
      return metric(drawn, came);
    } catch (const foglift::Error&) {
      return NAN;
    }
  };
  std::vector<std::pair<const char*, double>> out = {
      {"MAE of the median", score([](auto& x, auto& y) { return forecast::mae(x, y); })},
      {rows.levels.empty() ? "RMSE of the mean" : "RMSE of the median",
       score([](auto& x, auto& y) { return forecast::rmse(x, y); })},
      {"sMAPE, %", score([](auto& x, auto& y) { return forecast::smape(x, y); })},
      {"ND", score([](auto& x, auto& y) { return forecast::normalized_deviation(x, y); })}};
  if (!rows.levels.empty()) return out;
  out.emplace_back("QICE, %", score([](auto& x, auto& y) { return forecast::qice(x, y); }));
  out.emplace_back("coverage error",
                   score([](auto& x, auto& y) { return forecast::coverage_error(x, y); }));
  out.emplace_back("spread over skill",
                   score([](auto& x, auto& y) { return forecast::spread_skill(x, y).ratio; }));
  return out;
}

/// How often what came was at most each quantile.
void print_reliability(const Rows& rows) {
  if (rows.levels.empty()) return;
  std::cout << "  quantile   share of actual values at or below it\n";
  for (std::size_t q = 0; q < rows.levels.size(); ++q) {
    double below = 0, count = 0;
    for (std::size_t i = 0; i < rows.actual.size(); ++i)
      if (!std::isnan(rows.actual[i])) below += rows.actual[i] <= rows.columns[q][i], ++count;
    std::cout << text("  %8g   %.3f\n", rows.levels[q], below / count);
  }
}

}  // namespace

int evaluate(const Words& words) {
  CLI::App app{
      "Judges any forecast file with columns of quantiles or of sample paths by what came.",
      "forecast evaluate"};
  Options o;
  std::string path, time, config, json_path;
  Index season = 1;
  app.add_option("forecast", path,
                 "CSV with a date column and quantiles (q0.1, p10, lo-80 ...) or paths (path1 ...)")
      ->required();
  app.add_option("actual", o.file, "CSV with what came, and best with what was before it")
      ->required();
  app.add_option("--time", time, "column of dates in the forecast (default: time, or the last)");
  app.add_option("--season", season, "steps of the season, for MASE")->check(CLI::Range(1, 100000));
  app.add_option("--json", json_path, "file to write the scores into");
  add(app, o, Part::reading);
  app.add_option("--config", config, "options in a file, TOML or JSON");
  app.footer(
      "Examples:\n"
      "  forecast evaluate monday/forecast.csv load.csv\n"
      "  forecast evaluate other_tool.csv sales.csv --target revenue --season 7 --json "
      "scores.json");
  parse_with_config(app, words, config);
  const Input actual = read_input(o);
  const Rows rows = read_rows(path, actual, time, season);
  if (std::all_of(rows.actual.begin(), rows.actual.end(), [](double v) { return std::isnan(v); }))
    foglift::raise<foglift::ArgumentError>(path, ": no row has an actual value in ", o.file);
  const forecast::Score s = rows.levels.empty() ? score_paths(rows) : score_quantiles(rows);
  const auto known = std::count_if(rows.actual.begin(), rows.actual.end(),
                                   [](double v) { return !std::isnan(v); });
  std::cout << path << ": " << rows.actual.size() << " rows, " << known << " with an actual value; "
            << rows.columns.size() << (rows.levels.empty() ? " paths\n" : " quantiles\n");
  print_table({s});
  if (!s.undefined.empty()) std::cout << "  - " << s.undefined << '\n';
  if (!rows.levels.empty())
    std::cout << "  - CRPS and wQL from " << rows.levels.size() << " quantiles\n";
  const auto more = more_scores(rows);
  for (const auto& [name, value] : more)
    std::cout << "  " << padded(name, 20) << ' ' << shown(value, "%.4g") << '\n';
  print_reliability(rows);
  if (json_path.empty()) return 0;
  Json out = {{"forecast", path},
              {"actual", o.file},
              {"rows", rows.actual.size()},
              {"known", known},
              {"scores", json(std::vector<forecast::Score>{s})}};
  for (const auto& [name, value] : more) out["scores"][0][name] = number(value);
  try {
    foglift::write_file(json_path, out.dump(2, ' ', false, Json::error_handler_t::replace) + '\n');
  } catch (const foglift::FormatError& error) {
    throw RunFolder::Unwritable(error.what());
  }
  return 0;
}

}  // namespace tool
