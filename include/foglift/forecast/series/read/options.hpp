#pragma once

#include "foglift/forecast/series/grid/options.hpp"
#include "foglift/forecast/series/guess.hpp"
#include "foglift/forecast/series/panel.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace foglift::inline v0::forecast {

/// How a file is read. What is empty or 0 is found out; behind each the option of the forecast
/// program, which errors and guesses name.
struct ReadOptions {
  Index skip = 0;                         ///< --skip: lines at the top that are none of the table
  char delimiter = '\0';                  ///< --delimiter; ' ': runs of blanks
  char decimal = '\0';                    ///< --decimal: '.' or ','
  std::vector<std::string> missing = {};  ///< --missing: cells without a value; "none": no guess
  std::vector<std::string> date = {};     ///< --date: a column, or several that are joined
  std::string date_format = {};           ///< --date-format, of data::parse_stamp
  std::vector<std::string> target = {};   ///< --target: columns, or "all": a series for each
  std::vector<std::string> id = {};       ///< --id: columns that name the series of a row
  std::vector<std::string> known = {};    ///< --known: covariates that are known ahead
  std::vector<std::string> past = {};     ///< --past: covariates that are not
  std::vector<std::string> statics = {};  ///< --static: numbers of the whole series
  std::vector<std::string> ignore = {};   ///< --ignore: columns that are not looked at
  GridOptions grid = {};                  ///< --freq, --resample, --duplicates
  std::string future = {};                ///< --future: a file of rows ahead, of the same columns
};

/// A file as a panel of series, and what was made of its columns.
struct Reading {
  std::string source = {};               ///< the file; errors begin with it
  std::string date = {};                 ///< column of the dates; "date + time" if some are joined
  std::vector<std::string> target = {};  ///< columns that are forecast
  std::vector<std::string> id = {}, known = {}, past = {}, statics = {};  ///< names of columns
  std::vector<std::string> covariates = {};  ///< columns of Series::known: words are several
  std::vector<std::string> unused = {};  ///< other columns of numbers
  std::vector<Series> series = {};       ///< one for each id and target
  std::vector<Guess> guesses = {};
  Index rows = 0;     ///< of the table
  Index missing = 0;  ///< cells without a value, of all series
  Index future = 0;   ///< cells behind the last value that are to be forecast; 0: as many as wanted
};

}  // namespace foglift::inline v0::forecast
