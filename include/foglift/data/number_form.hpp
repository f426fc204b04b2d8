#pragma once

#include "foglift/core/utf8.hpp"
#include "foglift/data/csv_cell.hpp"

#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace foglift {
inline namespace v0 {
namespace data {

/// How a column writes its numbers.
struct NumberForm {
  char decimal = '.';
  char group = ',';        ///< between thousands
  bool marked = false;     ///< some cells have a currency sign or a percent sign
  bool ambiguous = false;  ///< the other reading of points and commas fits, too

  friend bool operator==(const NumberForm&, const NumberForm&) = default;
};

namespace detail {
/// A cell without a currency sign, a percent sign and the blanks at them; its sign stays in front.
inline std::string unmarked(std::string_view cell) {
  const bool minus = !cell.empty() && cell[0] == '-';
  if (minus) cell.remove_prefix(1);
  for (const std::string_view sign : {"$", "\u20AC", "\u00A3", "\u00A5", "%"}) {
    if (sign != "%" && cell.starts_with(sign)) cell.remove_prefix(sign.size());
    if (cell.ends_with(sign)) cell.remove_suffix(sign.size());
  }
  return (minus ? "-" : "") + std::string(trimmed(cell));
}

/// Whether an unmarked cell is a number of the form; `grouped` and `long_plain` become true if it
/// has a mark between thousands, or has four digits without one. Appends it as C++ writes it.
inline bool fits(std::string_view cell, const NumberForm& form, bool& grouped, bool& long_plain,
                 std::string& plain) {
  std::size_t at = !cell.empty() && (cell[0] == '-' || cell[0] == '+') ? 1u : 0u;
  if (at == 1 && cell[0] == '-') plain += '-';
  const auto digits = [&] {
    const std::size_t first = at;
    while (at < cell.size() && cell[at] >= '0' && cell[at] <= '9') plain += cell[at++];
    return at - first;
  };
  const std::size_t first = at, leading = digits();
  bool groups = false;
  while (at < cell.size() && cell[at] == form.group) {
    if ((!groups && (leading < 1 || leading > 3 || cell[first] == '0'))) return false;
    groups = true;
    ++at;
    if (digits() != 3) return false;
  }
  grouped = grouped || groups;
  long_plain = long_plain || (!groups && leading > 3);
  std::size_t behind = 0;
  if (at < cell.size() && cell[at] == form.decimal) {
    ++at;
    plain += '.';
    behind = digits();
  }
  return at == cell.size() && leading + behind > 0;
}

inline bool fits(std::span<const std::string> cells, const NumberForm& form) {
  bool grouped = false, long_plain = false, some = false;
  std::string plain;
  for (const std::string& cell : cells) {
    if (is_missing(trimmed(cell))) continue;
    plain.clear();
    some = true;
    if (!fits(unmarked(trimmed(cell)), form, grouped, long_plain, plain)) return false;
  }
  return some && !(grouped && long_plain);
}
}  // namespace detail

/// The form of a column of cells, or nothing if none fits all that are not missing: a decimal point
/// or comma (`decimal` if it is not '\0'); thousands set off by comma, point, blank or apostrophe,
/// in all cells or in none; a currency sign ($, Euro, Pound, Yen) or a percent sign around them.
/// Where "1,040" can be both, it is 1040, and the form says that it is ambiguous.
inline std::optional<NumberForm> find_number_form(std::span<const std::string> cells,
                                                  char decimal = '\0') {
  std::optional<NumberForm> found;
  for (const NumberForm form : {NumberForm{'.', ','}, NumberForm{'.', ' '}, NumberForm{'.', '\''},
                                NumberForm{',', '.'}, NumberForm{',', ' '}}) {
    if (decimal != '\0' && form.decimal != decimal) continue;
    if (!detail::fits(cells, form)) continue;
    if (!found)
      found = form;
    else if (found->decimal != form.decimal)
      found->ambiguous = true;
  }
  if (!found) return found;
  for (const std::string& cell : cells)
    found->marked = found->marked || detail::unmarked(trimmed(cell)) != trimmed(cell);
  // Of cells without points and commas, every reading is the same.
  if (found->ambiguous && std::all_of(cells.begin(), cells.end(), [](const std::string& c) {
        return c.find_first_of(".,") == std::string::npos;
      }))
    found->ambiguous = false;
  return found;
}

/// The cells of a column as numbers, NaN where one is missing or does not fit the form; "12 %" is
/// 12.
inline std::vector<double> read_numbers(std::span<const std::string> cells,
                                        const NumberForm& form) {
  std::vector<double> out;
  out.reserve(cells.size());
  for (const std::string& cell : cells) {
    bool grouped = false, long_plain = false;
    std::string plain;
    NumberCell number;
    if (!is_missing(trimmed(cell)) &&
        detail::fits(detail::unmarked(trimmed(cell)), form, grouped, long_plain, plain))
      number = parse_number(plain);
    out.push_back(number.ok ? number.value : std::numeric_limits<double>::quiet_NaN());
  }
  return out;
}

}  // namespace data
}  // namespace v0
}  // namespace foglift
