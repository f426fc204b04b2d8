#pragma once

#include "foglift/core/utf8.hpp"
#include "foglift/data/csv_cell.hpp"

#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace foglift::inline v0::data {

/// How a column writes its numbers.
struct NumberForm {
  char decimal = '.';
  char group = ',';        ///< between thousands
  bool marked = false;     ///< some cells have a currency sign or a percent sign
  bool ambiguous = false;  ///< the other reading of points and commas fits, too

  friend bool operator==(const NumberForm&, const NumberForm&) = default;
};

namespace detail {
/// Takes a prefix away, if there is one.
inline bool take_prefix(std::string_view& text, std::string_view prefix) {
  const bool there = text.starts_with(prefix);
  if (there) text.remove_prefix(prefix.size());
  return there;
}
inline bool take_suffix(std::string_view& text, std::string_view suffix) {
  const bool there = text.ends_with(suffix);
  if (there) text.remove_suffix(suffix.size());
  return there;
}

/// A number without what stands around it.
struct Unmarked {
  std::string_view digits;
  bool minus = false;   ///< in front, behind (1.234,50-), or as parentheses (accounts)
  bool marked = false;  ///< with a currency or percent sign
};

/// A trimmed cell without its sign, a currency (sign or three letters), a percent sign and the
/// blanks at them.
inline Unmarked unmarked(std::string_view cell) {
  Unmarked out{cell};
  std::string_view& text = out.digits;
  const auto sign = [&] {
    if (take_prefix(text, "-") || take_prefix(text, "\u2212"))
      out.minus = true;
    else
      take_prefix(text, "+");
  };
  sign();
  for (const std::string_view mark :
       {"$", "\u20AC", "\u00A3", "\u00A5", "\u20B9", "%", "EUR", "USD", "GBP", "CHF", "JPY"}) {
    if ((mark != "%" && take_prefix(text, mark)) || take_suffix(text, mark)) {
      out.marked = true;
      while (take_prefix(text, "\u00A0") || take_suffix(text, "\u00A0")) continue;
      text = trimmed(text);
    }
  }
  if (!out.minus && text.size() > 2 && text.front() == '(' && text.back() == ')') {
    text = text.substr(1, text.size() - 2);
    out.minus = true;
    return out;
  }
  if (out.marked && !out.minus) sign();  // "$-5"
  if (!out.minus) out.minus = take_suffix(text, "-");
  return out;
}

/// Whether the digits of a cell are a number of the form; `grouped` and `long_plain` become true if
/// it has a mark between thousands, or has four digits without one. Appends it as C++ writes it.
inline bool fits(std::string_view cell, const NumberForm& form, bool& grouped, bool& long_plain,
                 std::string& plain) {
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t first = at;
    while (at < cell.size() && cell[at] >= '0' && cell[at] <= '9') plain += cell[at++];
    return at - first;
  };
  const auto take_group = [&] {
    std::string_view rest = cell.substr(at);
    const std::size_t before = rest.size();
    if (form.group != ' ' || (!take_prefix(rest, "\u00A0") && !take_prefix(rest, "\u202F")))
      take_prefix(rest, std::string_view(&form.group, 1));
    at += before - rest.size();
    return before != rest.size();
  };
  const std::size_t leading = digits();
  bool groups = false;
  while (at < cell.size() && take_group()) {
    if (!groups && (leading < 1 || leading > 3 || cell[0] == '0')) return false;
    groups = true;
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
  if (leading + behind > 0 && at < cell.size() && (cell[at] == 'e' || cell[at] == 'E')) {
    const std::size_t power =
        at + 1 + (at + 1 < cell.size() && (cell[at + 1] == '-' || cell[at + 1] == '+'));
    if (power >= cell.size() || cell.find_first_not_of("0123456789", power) != cell.npos)
      return false;
    plain += cell.substr(at);
    at = cell.size();
  }
  return at == cell.size() && leading + behind > 0;
}

template <class Cells>
bool all_fit(const Cells& cells, const NumberForm& form) {
  bool grouped = false, long_plain = false, some = false;
  std::string plain;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string_view cell = trimmed(cells[i]);
    if (is_missing(cell)) continue;
    plain.clear();
    some = true;
    if (!fits(unmarked(cell).digits, form, grouped, long_plain, plain)) return false;
  }
  return some && !(grouped && long_plain);
}
}  // namespace detail

/// The form of a column of cells (a container of texts), or nothing if none fits all that are not
/// missing: a decimal point or comma (`decimal` if it is not '\0'); thousands set off by comma,
/// point, blank or apostrophe, in all cells or in none; a currency ($, Euro, Pound, Yen, Rupee, or
/// EUR, USD, GBP, CHF, JPY) or a percent sign around them; minus in front, behind, or as
/// parentheses. Where "1,040" can be both, it is 1040, and the form says that it is ambiguous.
template <class Cells>
std::optional<NumberForm> find_number_form(const Cells& cells, char decimal = '\0') {
  std::optional<NumberForm> found;
  for (const NumberForm form : {NumberForm{'.', ','}, NumberForm{'.', ' '}, NumberForm{'.', '\''},
                                NumberForm{',', '.'}, NumberForm{',', ' '}}) {
    if (decimal != '\0' && form.decimal != decimal) continue;
    if (!detail::all_fit(cells, form)) continue;
    if (!found)
      found = form;
    else if (found->decimal != form.decimal)
      found->ambiguous = true;
  }
  if (!found) return found;
  bool points = false;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string_view cell = trimmed(cells[i]);
    if (is_missing(cell)) continue;
    found->marked = found->marked || detail::unmarked(cell).marked;
    points = points || cell.find_first_of(".,") != std::string_view::npos;
  }
  // Of cells without points and commas, every reading is the same.
  found->ambiguous = found->ambiguous && points;
  return found;
}

/// Reads cells of a form as numbers; "12 %" is 12.
class NumberReader {
 public:
  explicit NumberReader(const NumberForm& form) : form_(form) {}

  /// NaN for a missing cell, nothing for one that does not fit.
  std::optional<double> operator()(std::string_view cell) {
    cell = trimmed(cell);
    if (is_missing(cell)) return std::numeric_limits<double>::quiet_NaN();
    const detail::Unmarked bare = detail::unmarked(cell);
    bool grouped = false, long_plain = false;
    plain_.clear();
    if (!detail::fits(bare.digits, form_, grouped, long_plain, plain_)) return std::nullopt;
    const NumberCell number = parse_number(plain_);
    if (!number.ok) return std::nullopt;
    return bare.minus ? -number.value : number.value;
  }

 private:
  NumberForm form_;
  std::string plain_;
};

/// The cells of a column as numbers, NaN where one is missing or does not fit the form.
template <class Cells>
std::vector<double> read_numbers(const Cells& cells, const NumberForm& form) {
  NumberReader read(form);
  std::vector<double> out;
  out.reserve(cells.size());
  for (std::size_t i = 0; i < cells.size(); ++i)
    out.push_back(read(cells[i]).value_or(std::numeric_limits<double>::quiet_NaN()));
  return out;
}

}  // namespace foglift::inline v0::data
