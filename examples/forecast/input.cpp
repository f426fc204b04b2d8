#include "input.hpp"

#include "foglift/forecast/series/read.hpp"
#include "foglift/forecast/series/season.hpp"
#include "support/sha256.hpp"

#include <algorithm>

namespace tool {

namespace {

/// Whether two readings have the same series, to the bit.
bool same_series(const forecast::Reading& a, const forecast::Reading& b) {
  const auto same = [](const forecast::Series& x, const forecast::Series& y) {
    return x.name == y.name && x.time == y.time && x.channels == y.channels &&
           std::equal(x.values.begin(), x.values.end(), y.values.begin(), y.values.end(),
                      [](double v, double w) { return v == w || (v != v && w != w); });
  };
  return std::equal(a.series.begin(), a.series.end(), b.series.begin(), b.series.end(), same);
}

}  // namespace

Input read_input(Options& o) {
  constexpr std::uint64_t largest = std::uint64_t{1} << 30;
  if (o.file.empty()) throw command_line::Wrong("name a file");
  const std::string text = foglift::read_file(o.file, largest);
  const auto letter = [](const std::string& name) {
    return name.empty()          ? '\0'
           : name == "point"     ? '.'
           : name == "semicolon" ? ';'
           : name == "tab"       ? '\t'
           : name == "bar"       ? '|'
           : name == "blank"     ? ' '
                                 : ',';
  };
  const auto combination = [](const std::string& name, const char* option) {
    return name.empty() ? forecast::Combine::refuse : forecast::combine_named(name, option);
  };
  o.read.grid.resample = combination(o.resample, "--resample");
  o.read.grid.duplicates = combination(o.duplicates, "--duplicates");
  o.read.delimiter = letter(o.delimiter);
  o.read.decimal = letter(o.decimal);
  Input in{sha256(text), forecast::parse_panel(text, o.read, o.file), {}};
  forecast::ReadOptions named = o.read;
  if (named.date.empty())
    for (std::size_t at = 0; at != std::string::npos;) {  // "date + time"
      const std::size_t end = in.read.date.find(" + ", at);
      named.date.push_back(in.read.date.substr(at, end == in.read.date.npos ? end : end - at));
      at = end == in.read.date.npos ? end : end + 3;
    }
  if (named.target.empty()) named.target = in.read.target;
  if (named.id.empty()) named.id = in.read.id;
  if (named.known.empty()) named.known = in.read.known;
  try {
    if (same_series(forecast::parse_panel(text, named, o.file), in.read)) o.read = named;
  } catch (const foglift::Error&) {  // names of columns that were made, not read
  }
  // The backtest takes at most the last fifth, which nothing may be learned from.
  const auto& values = in.series().front().values;
  in.seasons = forecast::detect_seasons(std::span(values).first(values.size() - values.size() / 5),
                                        in.step());
  return in;
}

}  // namespace tool
