#include "evaluate_rows.hpp"

#include "foglift/data/csv_reader.hpp"
#include "foglift/forecast/score/backtest.hpp"

#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <optional>

namespace tool {

namespace data = foglift::data;

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

}  // namespace

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
  std::map<std::string, data::ColumnKind> kinds{{clock, data::ColumnKind::text}};
  if (table.contains("origin")) kinds["origin"] = data::ColumnKind::text;
  const data::CsvTable written = data::read_csv(path, {.kinds = kinds});
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
  std::string origin;
  const std::string only = actual.series().front().name;
  for (std::size_t i = 0; i < table.rows(); ++i) {
    const std::string name = table.contains("series") ? table.texts("series")[i] : only;
    const auto found = by_name.find(name);
    if (found == by_name.end())
      foglift::raise<foglift::ArgumentError>(path, ": series '", name, "' is not in ",
                                             actual.path());
    const auto text = by_text[name].find(written.texts(clock)[i]);
    const auto time_of = by_time[name].find(times[i]);
    const std::string from = table.contains("origin") ? written.texts("origin")[i] : "";
    if (i == 0 || name != rows.series.back() || from != origin || times[i] <= times[i - 1])
      rows.windows.push_back(i);
    origin = from;
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

}  // namespace tool
