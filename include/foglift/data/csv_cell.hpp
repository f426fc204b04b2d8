#pragma once

#include "foglift/core/utf8.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>

namespace foglift::inline v0::data {

/// Text without the blanks around it.
inline std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// Whether two texts are the same but for the case of ASCII letters; `lower` has none in capitals.
inline bool same_letters(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  });
}

/// Whether a trimmed cell stands for a missing value: empty, NA, N/A, n.a., n.v., #N/A, <NA>, NaN,
/// NaT, null, nil, none, missing, empty, unavailable, unknown, undefined, an error of a spreadsheet
/// (#REF!, #VALUE!, #DIV/0!), \N (in any case), ?, :, dashes or points alone.
inline bool is_missing(std::string_view cell) {
  constexpr std::array<std::string_view, 26> words{
      "na",    "n/a",     "n.a.",  "n.v.",        "#n/a",    "#n/a n/a",  "<na>",  "nan",    "-nan",
      "nat",   "null",    "<nil>", "nil",         "none",    "missing",   "empty", "(null)", "\\n",
      "#ref!", "#value!", "#num!", "unavailable", "unknown", "undefined", "void",  "#div/0!"};
  if (cell.empty() || cell == "?" || cell == ":") return true;
  if (cell[0] >= '0' && cell[0] <= '9') return false;
  if (cell[0] == '-' || cell[0] == '.') {
    const std::size_t other = cell.find_first_not_of(cell[0]);
    if (other == std::string_view::npos) return true;
    if (cell[other] >= '0' && cell[other] <= '9') return false;
  }
  if (cell == "\u2013" || cell == "\u2014" || cell == "\u2026") return true;  // dashes, points
  return cell.size() <= 11 && std::any_of(words.begin(), words.end(), [&](std::string_view word) {
           return same_letters(cell, word);
         });
}

/// A cell as a number, or why it is none.
struct NumberCell {
  double value = 0;
  bool ok = false;
  bool spelled = false;      // with commas that C++ does not write
  bool resembles = false;    // a number is meant, whether it can be read or not
  std::string_view problem;  // behind: cannot read "..." as a number
};

/// True if decimal text that a double can not hold ("1e-400", "-0.00...01", "1e400") is too small
/// for one, not too large: its first digit that is not 0 stands behind the point once the exponent
/// is applied.
inline bool underflows(std::string_view text) {
  const std::size_t e = std::min(text.find_first_of("eE"), text.size());
  const std::string_view digits = text.substr(0, e);
  const std::size_t first = digits.find_first_of("123456789");
  if (first == std::string_view::npos) return true;
  const std::size_t point = std::min(digits.find('.'), digits.size());
  const auto place =
      first < point ? static_cast<double>(point - first) : -static_cast<double>(first - point - 1);
  double exponent = 0;  // of any number of digits; no more than its sign and size matter
  const std::string_view power = e < text.size() ? text.substr(e + 1) : std::string_view();
  for (const char c : power)
    if (c >= '0' && c <= '9') exponent = 10 * exponent + (c - '0');
  if (!power.empty() && power[0] == '-') exponent = -exponent;
  return place + exponent < 0;
}

/// Reads a trimmed cell as a finite double: the nearest one, which is 0 for what is smaller than
/// the smallest (1e-400), and none for what is larger than the largest (1e400). With decimal = ','
/// the comma is the decimal point and a point is none.
inline NumberCell parse_number(std::string_view cell, char decimal = '.') {
  std::string replaced;
  std::string_view text = cell;
  if (decimal != '.') {
    if (text.find('.') != std::string::npos) return {};
    replaced = cell;
    std::replace(replaced.begin(), replaced.end(), decimal, '.');
    text = replaced;
  }
  const bool plus = text.size() > 1 && text[0] == '+' && text[1] != '-' && text[1] != '+';
  const char* first = text.data() + (plus ? 1 : 0);
  const char* last = text.data() + text.size();
  NumberCell out;
  const auto [end, error] = std::from_chars(first, last, out.value);
  if (error != std::errc::invalid_argument && end == last) {
    out.resembles = true;
    if (error == std::errc::result_out_of_range && underflows({first, last})) {
      out.value = *first == '-' ? -0.0 : 0.0;
      out.ok = true;
      return out;
    }
    out.ok = error == std::errc() && std::isfinite(out.value);
    if (!out.ok) out.problem = error == std::errc() ? " (not finite)" : " (beyond double)";
    return out;
  }
  // "12,5" and "1,234.5" are numbers in other spellings: say so instead of taking them for text.
  const bool digits_and_marks =
      !text.empty() && text.find_first_not_of("0123456789.,+-") == std::string::npos;
  const auto commas = std::count(text.begin(), text.end(), ',');
  if (decimal == '.' && digits_and_marks && commas > 0) {
    out.resembles = out.spelled = true;
    out.problem = commas == 1 && text.find('.') == std::string::npos ? " (decimal comma?)"
                                                                     : " (thousands separator?)";
  }
  return out;
}

}  // namespace foglift::inline v0::data
