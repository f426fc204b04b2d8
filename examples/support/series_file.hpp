#pragma once

#include "foglift/core/file.hpp"
#include "foglift/forecast/series/read.hpp"
#include "foglift/forecast/series/season.hpp"
#include "sha256.hpp"

#include <span>
#include <string>
#include <vector>

/// A series from a CSV file, and what was found out about it.
struct SeriesFile {
  std::string path, sha256, date, target;
  std::string date_format = {};         ///< that was asked for
  char decimal = '\0';                  ///< that was asked for
  std::vector<std::string> notes = {};  ///< guesses, why, and the option that overrules each
  foglift::Index rows = 0, missing = 0;
  foglift::forecast::Series series = {};
  std::vector<foglift::Index> seasons = {};  ///< that the values show, strongest first
  std::vector<std::string> others = {};      ///< numeric columns that are not the target
};

/// Reads a CSV file. Empty names, and the form of the dates, are found out. Throws FormatError.
inline SeriesFile read_series(const std::string& path, const std::string& date,
                              const std::string& target, const std::string& date_format,
                              char decimal = '\0') {
  namespace forecast = foglift::forecast;
  constexpr std::uint64_t largest = std::uint64_t{1} << 30;
  const std::string text = foglift::read_file(path, largest);
  forecast::ReadOptions options{.decimal = decimal, .date_format = date_format};
  if (!date.empty()) options.date = {date};
  if (!target.empty()) options.target = {target};
  forecast::Reading read = forecast::parse_panel(text, options, path);
  SeriesFile file{.path = path,
                  .sha256 = sha256(text),
                  .date = read.date,
                  .target = read.target.front(),
                  .date_format = date_format,
                  .decimal = decimal};
  for (const forecast::Guess& guess : read.guesses) file.notes.push_back(guess.line());
  file.rows = read.rows;
  file.missing = read.missing;
  file.others = read.unused;
  file.series = std::move(read.series.front());
  // The backtest takes at most the last fifth, which nothing may be learned from.
  const auto& values = file.series.values;
  file.seasons = forecast::detect_seasons(
      std::span(values).first(values.size() - values.size() / 5), file.series.time.frequency);
  return file;
}
