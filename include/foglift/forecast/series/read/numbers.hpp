#pragma once

#include "foglift/core/text.hpp"
#include "foglift/data/number_form.hpp"
#include "foglift/forecast/series/read/sheet.hpp"

#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace foglift::inline v0::forecast {
namespace detail {

/// Every `stride`th cell of a column from its first rows on, without those that are missing.
inline std::vector<std::string_view> sample_of(const Sheet::Column& column,
                                               std::size_t most = 1024) {
  std::vector<std::string_view> out;
  const auto take = [&](std::size_t row) {
    if (const auto cell = column[row]; !data::is_missing(cell)) out.push_back(cell);
  };
  const std::size_t head = std::min(column.size(), most);
  for (std::size_t row = 0; row < head; ++row) take(row);
  const std::size_t stride = std::max<std::size_t>(1, (column.size() - head) / most);
  for (std::size_t row = head; row < column.size(); row += stride) take(row);
  return out;
}

/// How the cells of a column are read as numbers.
struct NumberKind {
  bool plain = true;    ///< as C++ writes them
  bool forced = false;  ///< a plain reading fits, too
  bool truth = false;   ///< true and false, yes and no, on and off
  data::NumberForm form = {};
};

inline std::optional<double> truth_of(std::string_view cell) {
  for (const std::string_view word : {"true", "yes", "on", "t", "y", "ja", "wahr", "oui", "vrai"})
    if (data::same_letters(cell, word)) return 1;
  for (const std::string_view word :
       {"false", "no", "off", "f", "n", "nein", "falsch", "non", "faux"})
    if (data::same_letters(cell, word)) return 0;
  return std::nullopt;
}

/// Reads numbers from the columns of a sheet, and remembers how.
class Numbers {
 public:
  explicit Numbers(Sheet& sheet) : sheet_(sheet), kinds_(sheet.names().size()) {
    for (const std::string& word : sheet.options().missing) {
      if (word == "none") {
        sentinels_ = false;
      } else if (const auto number = data::parse_number(word); number.ok) {
        missing_numbers_.push_back(number.value);
      } else {
        missing_words_.push_back(word);
      }
    }
  }

  /// Of a column whose cells are, for the most part, no numbers: nothing. Empty ones have a kind.
  std::optional<NumberKind> kind(std::size_t column) {
    auto& known = kinds_[column];
    if (!known) known = find_kind(sheet_.column(column));
    return *known;
  }

  /// The decimal comma of one column that can be read in no other way is that of all, and with it
  /// the point that parts thousands.
  void agree(bool point_dates) {
    bool comma = false, point = false;
    for (std::size_t c = 0; c < kinds_.size(); ++c) {
      const auto k = kind(c);
      if (!k || k->truth) continue;
      if (!k->plain && !k->form.ambiguous) (k->form.decimal == ',' ? comma : point) = true;
      if (!k->plain || point) continue;
      const auto cells = sample_of(sheet_.column(c));
      const bool points = std::any_of(cells.begin(), cells.end(),
                                      [](std::string_view s) { return s.find('.') != s.npos; });
      point = points && !data::find_number_form(cells, ',');
    }
    soft_ = !comma && point_dates && sheet_.delimiter() == ';';
    comma_ = (comma || soft_) && !point;
    if (comma_ && sheet_.options().decimal == '\0')
      for (auto& k : kinds_) k.reset();
  }

  /// All cells of a column, NaN where one is missing or, for that matter, no number.
  std::vector<double> look(std::size_t column) {
    std::vector<double> out(sheet_.rows(), std::numeric_limits<double>::quiet_NaN());
    if (const auto k = kind(column)) fill(column, *k, out, SIZE_MAX);
    return out;
  }

  /// All cells of a column, NaN where one is missing. Throws FormatError with the first lines whose
  /// cell is no number; says how cells are read that are not plain.
  std::vector<double> read(std::size_t column) {
    std::optional<NumberKind> k = kind(column);
    std::vector<double> out(sheet_.rows());
    if (!k) refuse(column, {});
    std::vector<std::size_t> bad = fill(column, *k, out, most_bad);
    if (!bad.empty() && k->plain) {  // another spelling than those of the sample
      if (const auto form = data::find_number_form(sheet_.column(column), decimal())) {
        k = NumberKind{.plain = false, .form = *form};
        kinds_[column] = k;
        bad = fill(column, *k, out, most_bad);
      }
    }
    if (!bad.empty()) refuse(column, bad);
    say_form(column, *k);
    take_sentinels(column, out);
    return out;
  }

 private:
  char decimal() const {
    return sheet_.options().decimal != '\0' ? sheet_.options().decimal : comma_ ? ',' : '\0';
  }

  bool is_missing(std::string_view cell) const {
    return data::is_missing(cell) ||
           (!missing_words_.empty() &&
            std::find(missing_words_.begin(), missing_words_.end(), cell) != missing_words_.end());
  }

  std::optional<NumberKind> find_kind(const Sheet::Column& column) const {
    std::vector<std::string_view> cells = sample_of(column);
    std::erase_if(cells, [&](std::string_view cell) { return is_missing(cell); });
    const std::size_t n = cells.size();
    std::size_t plain = 0, truths = 0;
    bool points = false, all_points = true;
    for (const std::string_view cell : cells) {
      plain += data::parse_number(cell).ok;
      truths += truth_of(cell).has_value();
      points = points || cell.find('.') != cell.npos;
      all_points = all_points && cell.find('.') != cell.npos;
    }
    const char decimal = this->decimal();
    // Of numbers with thousands set off, some are smaller.
    if (plain == n && (decimal != ',' || !points || (soft_ && all_points))) return NumberKind{};
    if (const auto form = data::find_number_form(cells, decimal))
      return NumberKind{
          .plain = plain == n && form->decimal == '.', .forced = plain == n, .form = *form};
    if (truths == n) return NumberKind{.plain = false, .truth = true};
    // A few cells that are none are named when the column is asked for.
    if (10 * plain >= 8 * n && decimal != ',') return NumberKind{};
    for (const data::NumberForm form : {data::NumberForm{'.', ','}, {',', '.'}}) {
      const auto fit = std::count_if(cells.begin(), cells.end(), [&](std::string_view cell) {
        return data::NumberReader(form)(cell).has_value();
      });
      if (10 * static_cast<std::size_t>(fit) < 8 * n) continue;
      const bool denied = decimal != '\0' && decimal != form.decimal;
      return NumberKind{.plain = false,
                        .form = denied ? data::NumberForm{form.group, form.decimal} : form};
    }
    return std::nullopt;
  }

  /// Returns the first rows that can not be read.
  std::vector<std::size_t> fill(std::size_t column, const NumberKind& kind,
                                std::vector<double>& out, std::size_t most) const {
    const Sheet::Column cells = sheet_.column(column);
    data::NumberReader read(kind.form);
    std::vector<std::size_t> bad;
    for (std::size_t row = 0; row < out.size() && bad.size() < most; ++row) {
      const std::string_view cell = cells[row];
      out[row] = std::numeric_limits<double>::quiet_NaN();
      std::optional<double> value;
      if (kind.plain)
        if (const data::NumberCell number = data::parse_number(cell); number.ok)
          value = number.value;
      if (!value && is_missing(cell)) continue;
      if (kind.truth) value = truth_of(cell);
      if (!kind.plain && !kind.truth) value = read(cell);
      if (!value) {
        bad.push_back(row);
      } else if (missing_numbers_.empty() ||
                 std::find(missing_numbers_.begin(), missing_numbers_.end(), *value) ==
                     missing_numbers_.end()) {
        out[row] = *value;
      }
    }
    return bad;
  }

  [[noreturn]] void refuse(std::size_t column, const std::vector<std::size_t>& rows) const {
    const std::string& name = sheet_.names()[column];
    if (rows.empty())
      raise<FormatError>(sheet_.source(), ": column \"", utf8::printable(name),
                         "\" holds no numbers; its columns begin", sheet_.first_cells());
    std::string all;
    for (const std::size_t row : rows) {
      const std::string_view cell = sheet_.cell(row, column);
      const data::NumberCell number = data::parse_number(cell);
      all += (all.empty() ? "" : "\n") + sheet_.place(row) + ": column \"" + utf8::printable(name) +
             "\": cannot read \"" + utf8::printable(cell) + "\" as a number" +
             std::string(number.problem);
    }
    raise<FormatError>(
        all, rows.size() == most_bad ? "\nand perhaps more" : "", "\n--missing '",
        utf8::printable(sheet_.cell(rows[0], column)),
        "' takes such a cell for a missing one, --decimal says what its commas and points are");
  }

  void say_form(std::size_t column, const NumberKind& kind) {
    if (kind.plain) return;
    const auto cells = sample_of(sheet_.column(column));
    const std::string& name = sheet_.names()[column];
    if (cells.empty()) return;
    if (kind.truth)
      return sheet_.say("'" + name + "' read as 1 and 0", std::string(cells[0]) + ", ...");
    const auto marked = std::find_if(cells.begin(), cells.end(), [](std::string_view cell) {
      return cell.find_first_of(".,") != cell.npos;
    });
    const std::string_view sample = marked == cells.end() ? cells[0] : *marked;
    std::string reason;
    if (kind.form.ambiguous)
      reason = std::string("a ") + (kind.form.group == ',' ? "comma" : "point") +
               " with three digits behind it parts thousands";
    else if (kind.forced)
      reason = "as the other columns and dates are written";
    sheet_.say("numbers in '" + name + "' like '" + std::string(sample) + "' read with a decimal " +
                   (kind.form.decimal == ',' ? "comma" : "point"),
               reason, "--decimal");
  }

  /// Makes missing what stands for it: a number of nines alone, far outside of all others, that
  /// comes again and again.
  void take_sentinels(std::size_t column, std::vector<double>& values) {
    if (!sentinels_ || !missing_numbers_.empty()) return;
    std::map<double, std::size_t> counts;
    double low = INFINITY, high = -INFINITY;
    for (const double v : values) {
      if (std::isnan(v)) continue;
      if (only_nines(v))
        ++counts[v];
      else
        low = std::min(low, v), high = std::max(high, v);
    }
    for (const auto& [v, n] : counts) {
      const double far = v < low ? low - v : v - high;
      if (n < 2 || !(far > std::max(high - low, std::abs(v) / 2))) continue;
      for (double& x : values)
        if (x == v) x = std::numeric_limits<double>::quiet_NaN();
      sheet_.say(number_text(v) + " in '" + sheet_.names()[column] + "' is taken for missing, " +
                     std::to_string(n) + " times",
                 "it is far outside of all other values and repeats", "--missing none");
    }
  }

  /// 99, -999, 9999, 999.9, ...
  static bool only_nines(double v) {
    const double size = std::abs(v);
    if (!(size >= 99 && size < 1e9)) return false;
    const std::string digits = number_text(size);
    return digits.find_first_not_of("9.") == digits.npos;
  }

  static constexpr std::size_t most_bad = 20;

  Sheet& sheet_;
  std::vector<std::optional<std::optional<NumberKind>>> kinds_;
  std::vector<double> missing_numbers_;
  std::vector<std::string> missing_words_;
  bool sentinels_ = true;
  bool comma_ = false, soft_ = false;  // a decimal comma elsewhere; by the dates alone
};

}  // namespace detail
}  // namespace foglift::inline v0::forecast
