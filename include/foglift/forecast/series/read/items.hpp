#pragma once

#include "foglift/forecast/series/read/dates.hpp"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

namespace foglift::inline v0::forecast {
namespace detail {

/// Which series each row belongs to.
struct Items {
  std::vector<std::size_t> columns = {};   ///< that name it
  std::vector<std::string> names = {};     ///< of the series; several ids with " / " between
  std::vector<std::uint32_t> of_row = {};  ///< empty: all rows are of one series
};

/// Finds the columns whose cells tell series apart: times repeat over them and are unique within.
class ItemFinder {
 public:
  ItemFinder(Sheet& sheet, Numbers& numbers, const DateSource& dates,
             const std::vector<data::Stamp>& times)
      : sheet_(sheet), numbers_(numbers), dates_(dates), times_(times) {}

  /// Throws FormatError for a column of --id that is not there.
  Items find() {
    const ReadOptions& options = sheet_.options();
    if (options.target != std::vector<std::string>{"all"})
      taken_ = sheet_.find_all(options.target, "--target");
    for (const std::size_t c : sheet_.find_all(options.known, "--known")) taken_.push_back(c);
    for (const std::size_t c : sheet_.find_all(options.past, "--past")) taken_.push_back(c);
    if (!options.id.empty()) return items_of(sheet_.find_all(options.id, "--id"));
    const std::size_t repeats = repeated({});
    if (repeats == 0) return {};
    const std::vector<std::size_t> words = candidates(), all = with_whole_numbers(words);
    for (const std::size_t c : all)
      if (auto items = fitting({c}, repeats)) return said(*items);
    for (std::size_t i = 0; i < words.size(); ++i)
      for (std::size_t j = i + 1; j < words.size(); ++j)
        if (auto items = fitting({words[i], words[j]}, repeats)) return said(*items);
    if (words.size() > 2)
      if (auto items = fitting(words, repeats)) return said(*items);
    return {};
  }

 private:
  bool free(std::size_t c) const {
    return !sheet_.ignored(c) && !dates_.uses(c) &&
           std::find(taken_.begin(), taken_.end(), c) == taken_.end();
  }

  bool named(std::size_t c) const {
    return is_named(
        sheet_.names()[c],
        "id item store shop sku series country region state station symbol ticker geo entity name "
        "product sensor meter customer location site key kunde artikel filiale land code plant "
        "material device field element measurement variable _field city type category");
  }

  std::vector<std::size_t> candidates() {
    std::vector<std::size_t> out;
    for (std::size_t c = 0; c < sheet_.names().size(); ++c)
      if (free(c) && !numbers_.kind(c) && few_valued(c)) out.push_back(c);
    return out;
  }

  /// And behind them columns of few whole numbers, those with a telling name first.
  std::vector<std::size_t> with_whole_numbers(std::vector<std::size_t> out) {
    std::vector<std::size_t> others;
    for (std::size_t c = 0; c < sheet_.names().size(); ++c) {
      if (!free(c) || !numbers_.kind(c) || !numbers_.kind(c)->plain) continue;
      const auto cells = sample_of(sheet_.column(c));
      const bool whole =
          !cells.empty() && std::all_of(cells.begin(), cells.end(), [](std::string_view cell) {
            return whole_number(cell).has_value();
          });
      if (whole && few_valued(c)) (named(c) ? out : others).push_back(c);
    }
    out.insert(out.end(), others.begin(), others.end());
    return out;
  }

  /// Several cells, each of which comes at least three times on average.
  bool few_valued(std::size_t c) const {
    const auto cells = sample_of(sheet_.column(c), 4096);
    std::set<std::string_view> seen(cells.begin(), cells.end());
    if (seen.size() < 2) return false;
    if (3 * seen.size() <= cells.size()) return true;
    return items_of({c}).names.size() * 3 <= sheet_.rows();
  }

  std::string joined(const std::vector<std::size_t>& columns, std::size_t row) const {
    std::string out;
    for (const std::size_t c : columns) {
      if (!out.empty()) out += " / ";
      out += sheet_.cell(row, c);
    }
    return out;
  }

  Items items_of(const std::vector<std::size_t>& columns) const {
    Items out{.columns = columns};
    std::unordered_map<std::string, std::uint32_t> numbers;
    out.of_row.reserve(sheet_.rows());
    std::string last;
    std::uint32_t last_number = 0;
    for (std::size_t row = 0; row < sheet_.rows(); ++row) {
      const std::string name = joined(columns, row);
      if (row == 0 || name != last) {
        const auto [at, fresh] =
            numbers.emplace(name, static_cast<std::uint32_t>(out.names.size()));
        if (fresh) out.names.push_back(name);
        last = name;
        last_number = at->second;
      }
      out.of_row.push_back(last_number);
    }
    return out;
  }

  /// Rows whose time another row of the same item has.
  std::size_t repeated(const std::vector<std::uint32_t>& of_row) const {
    if (of_row.empty() &&
        std::is_sorted(times_.begin(), times_.end(), [](const auto& a, const auto& b) {
          return std::pair(a.utc(), a.nanoseconds) <= std::pair(b.utc(), b.nanoseconds);
        }))
      return 0;
    std::vector<std::tuple<std::uint32_t, Time, int>> all;
    all.reserve(times_.size());
    for (std::size_t i = 0; i < times_.size(); ++i)
      all.emplace_back(of_row.empty() ? 0u : of_row[i], times_[i].utc(), times_[i].nanoseconds);
    std::sort(all.begin(), all.end());
    return static_cast<std::size_t>(all.end() - std::unique(all.begin(), all.end()));
  }

  std::optional<Items> fitting(const std::vector<std::size_t>& columns, std::size_t repeats) const {
    const bool hint =
        std::any_of(columns.begin(), columns.end(), [&](std::size_t c) { return named(c); });
    if (!hint && 50 * repeats < sheet_.rows()) return std::nullopt;  // a clock that is set back
    Items items = items_of(columns);
    if (items.names.size() < 2 || 2 * items.names.size() > sheet_.rows()) return std::nullopt;
    if (20 * repeated(items.of_row) > repeats) return std::nullopt;
    return items;
  }

  Items said(Items items) {
    std::string columns;
    for (const std::size_t c : items.columns)
      columns += (columns.empty() ? "'" : "' and '") + sheet_.names()[c];
    sheet_.say(std::to_string(items.names.size()) + " series by " + columns + '\'',
               "times repeat over them", "--id");
    return items;
  }

  Sheet& sheet_;
  Numbers& numbers_;
  const DateSource& dates_;
  const std::vector<data::Stamp>& times_;
  std::vector<std::size_t> taken_;  // columns with another role
};

}  // namespace detail
}  // namespace foglift::inline v0::forecast
