#pragma once

#include "foglift/data/csv_reader.hpp"
#include "foglift/data/number_form.hpp"
#include "foglift/forecast/series/read/options.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace foglift {
inline namespace v0 {
namespace forecast {
namespace detail {

/// Makes numbers of the text columns that are written with separators, currency or percent signs.
/// Returns what was guessed, for the console. A column of numbers that no form fits raises the
/// FormatError of a plain reading, with the cells.
inline std::vector<Guess> spelled_numbers(data::CsvTable& table, std::string_view text,
                                          char decimal) {
  std::vector<Guess> guesses;
  for (const std::string& name : table.names(data::ColumnKind::text)) {
    const std::vector<std::string>& cells = table.texts(name);
    const auto form = data::find_number_form(cells, decimal);
    if (!form) {
      const auto meant = std::count_if(cells.begin(), cells.end(), [](const std::string& cell) {
        return data::parse_number(data::trimmed(cell)).resembles;
      });
      if (2 * meant > std::ssize(cells))
        data::parse_csv(text, {.kinds = {{name, data::ColumnKind::number}}}, table.source());
      continue;
    }
    std::string sample = *std::find_if(cells.begin(), cells.end(), [](const std::string& cell) {
      return !data::is_missing(data::trimmed(cell));
    });
    table.set_numbers(name, data::read_numbers(std::vector<std::string>(cells), *form));
    guesses.push_back({"numbers in '" + name + "' like '" + sample + "' read with a decimal " +
                           (form->decimal == ',' ? "comma" : "point"),
                       form->ambiguous ? "a comma with three digits behind it parts thousands" : "",
                       "--decimal"});
  }
  return guesses;
}

}  // namespace detail
}  // namespace forecast
}  // namespace v0
}  // namespace foglift
