#pragma once

#include "foglift/core/file.hpp"
#include "foglift/data/date_format.hpp"
#include "foglift/data/tagged_text.hpp"

#include <algorithm>
#include <optional>

namespace foglift::inline v0::data {

/// One series of a .tsf file.
struct TsfSeries {
  std::vector<std::string> attributes;  ///< as they are written, in the order of the file's names
  std::optional<std::int64_t> start;    ///< seconds since 1970 of its attribute of type date
  std::vector<double> values;           ///< NaN where one is missing

  friend bool operator==(const TsfSeries&, const TsfSeries&) = default;
};

/// A data set of the Monash forecasting archive (Godahewa et al. 2021).
struct TsfFile {
  std::string relation = {};
  std::vector<std::string> attribute_names = {};
  std::string frequency = {};  ///< "half_hourly", "daily" ...; empty if the file does not say
  std::int64_t horizon = 0;    ///< 0 if the file does not say
  std::vector<TsfSeries> series = {};
};

/// Reads the text of a .tsf file. Throws FormatError, with the line and what was needed, for a
/// series without a value, a list or attribute that can not be read, or a missing value ("?") in a
/// file that says it has none. Costs the memory of the numbers and twice the text.
inline TsfFile parse_tsf(std::string_view text, const std::string& source = "tsf") {
  TsfFile out;
  std::vector<std::string> types;
  bool missing = true, equal = false;
  detail::TaggedText lines(text, source);
  lines.tags([&](const std::string& tag, std::string_view words) {
    if (tag == "attribute") {
      const auto [name, type] = [&] {
        const auto both = detail::words_of(words);
        if (both.size() != 2 || (both[1] != "string" && both[1] != "numeric" && both[1] != "date"))
          lines.refuse("@attribute ", lines.quoted(words),
                       ", needed a name and string, numeric or date");
        return std::pair(both[0], both[1]);
      }();
      out.attribute_names.push_back(name);
      types.push_back(type);
    } else if (tag == "relation") {
      out.relation = words;
    } else if (tag == "frequency") {
      out.frequency = words;
    } else if (tag == "horizon") {
      const double horizon = lines.number(words);
      if (!(horizon >= 1 && horizon <= 1e9)) lines.refuse("@horizon ", lines.quoted(words));
      out.horizon = static_cast<std::int64_t>(horizon);
    } else if (tag == "missing") {
      missing = lines.truth(tag, words);
    } else if (tag == "equallength") {
      equal = lines.truth(tag, words);
    }  // others are of no use to a reader
  });
  for (std::string_view line; lines.next(line);) {
    TsfSeries series;
    for (std::size_t i = 0; i < types.size(); ++i) {
      const std::size_t colon = line.find(':');
      if (colon == line.npos)
        lines.refuse(types.size(), " attributes and a list of values are needed, parted by ':'; ",
                     i, " attributes are there");
      series.attributes.emplace_back(trimmed(line.substr(0, colon)));
      line.remove_prefix(colon + 1);
      if (types[i] == "numeric") static_cast<void>(lines.number(series.attributes.back()));
      if (types[i] != "date" || series.start) continue;
      const auto stamp = parse_stamp(series.attributes.back(), "%Y-%m-%d %H-%M-%S");
      if (!stamp)
        lines.refuse("attribute ", out.attribute_names[i], " is ",
                     lines.quoted(series.attributes.back()),
                     ", needed a date like 2012-01-31 00-30-00");
      series.start = stamp->seconds;
    }
    series.values = lines.numbers(trimmed(line), ',');
    const auto hole = [](double v) { return std::isnan(v); };
    if (std::all_of(series.values.begin(), series.values.end(), hole))
      lines.refuse("a series without a value");
    if (!missing && std::any_of(series.values.begin(), series.values.end(), hole))
      lines.refuse("a value is missing, where the file says @missing false");
    if (equal && !out.series.empty() && series.values.size() != out.series.front().values.size())
      lines.refuse(series.values.size(), " values, the first series has ",
                   out.series.front().values.size(), ", and the file says @equallength true");
    out.series.push_back(std::move(series));
  }
  if (out.series.empty()) raise<FormatError>(source, ": no series behind @data");
  return out;
}

/// parse_tsf of a file.
inline TsfFile read_tsf(const std::string& path) {
  return parse_tsf(read_file(path, std::uint64_t{1} << 40), path);
}

}  // namespace foglift::inline v0::data
