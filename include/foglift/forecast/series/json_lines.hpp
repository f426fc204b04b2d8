#pragma once

#include "foglift/core/file.hpp"
#include "foglift/forecast/series/monash.hpp"
#include "foglift/io/json.hpp"

#include <limits>

namespace foglift::inline v0::forecast {

namespace detail {

/// One line of a data set of GluonTS.
class JsonLine {
 public:
  JsonLine(std::string_view line, const std::string& name) : scan_(line, name, "byte") {}

  Series read(const std::string& frequency) {
    bool started = false, any = false;
    std::vector<std::vector<double>> known;
    scan_.object(longest, [&](const std::string& key) {
      if (key == "start") {
        series_.time.start = start();
        started = true;
      } else if (key == "target") {
        series_.values = numbers();
        any = true;
      } else if (key == "item_id") {
        series_.name =
            scan_.next_is('"') ? scan_.string(longest) : std::to_string(scan_.unsigned_integer());
      } else if (key == "feat_static_real") {
        series_.statics = numbers();
      } else if (key == "feat_dynamic_real") {
        scan_.array([&] { known.push_back(numbers()); });
      } else {
        scan_.skip(8);
      }
    });
    scan_.end();
    if (!started || !any) scan_.fail("a series has \"start\" and \"target\"");
    if (!known.empty()) take(known);
    series_.time.frequency = frequency_from(frequency, series_.time.start);
    return std::move(series_);
  }

 private:
  static constexpr std::size_t longest = 1000;  // of a name or a date

  Time start() {
    const std::string text = scan_.string(longest);
    for (const char* format :
         {"%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"})
      if (const auto stamp = data::parse_stamp(text, format)) return stamp->seconds;
    scan_.fail("\"start\" is \"", text, "\", needed a date like 2012-01-31 00:30:00");
  }
  std::vector<double> numbers() {
    std::vector<double> out;
    scan_.array([&] {
      const bool missing = scan_.null() || scan_.word("NaN") || scan_.word("\"NaN\"");
      out.push_back(missing ? std::numeric_limits<double>::quiet_NaN() : scan_.number());
    });
    return out;
  }
  void take(const std::vector<std::vector<double>>& columns) {
    const auto rows = std::ssize(columns.front()), count = std::ssize(columns);
    series_.known = Tensor<double>({rows, count});
    for (Index c = 0; c < count; ++c) {
      const std::vector<double>& column = columns[static_cast<std::size_t>(c)];
      if (std::ssize(column) != rows || rows < series_.size())
        scan_.fail("\"feat_dynamic_real\" has a column of ", column.size(), " values, the first ",
                   rows, " and \"target\" ", series_.size());
      for (Index r = 0; r < rows; ++r) series_.known(r, c) = column[static_cast<std::size_t>(r)];
    }
  }

  io::JsonScanner scan_;
  Series series_;
};

}  // namespace detail

/// The series of a data set of GluonTS in JSON lines, of the frequency that its metadata.json
/// names ("H", "D", "10min"): "start" and "target" of each line, "item_id" as its name,
/// "feat_dynamic_real" as known covariates, "feat_static_real" as statics; other members are left
/// out. Missing values are null, NaN or "NaN". Throws FormatError with the line and what was
/// needed, and ArgumentError for a frequency that has no such name.
inline std::vector<Series> parse_json_lines(std::string_view text, const std::string& frequency,
                                            const std::string& source = "JSON lines") {
  std::vector<Series> out;
  for (Index line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view one = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (one.find_first_not_of(" \t\r") == one.npos) continue;
    const std::string name = source + ", line " + std::to_string(line);
    out.push_back(detail::JsonLine(one, name).read(frequency));
    if (out.back().name.empty()) out.back().name = "series " + std::to_string(out.size());
  }
  if (out.empty()) raise<FormatError>(source, ": no series");
  return out;
}

/// parse_json_lines of a file.
inline std::vector<Series> read_json_lines(const std::string& path, const std::string& frequency) {
  return parse_json_lines(read_file(path, std::uint64_t{1} << 40), frequency, path);
}

}  // namespace foglift::inline v0::forecast
