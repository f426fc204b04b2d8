#pragma once

#include "foglift/core/error.hpp"
#include "foglift/core/shape.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace foglift::inline v0::data {

enum class ColumnKind { number, date, text };

inline std::string_view name_of(ColumnKind kind) {
  return kind == ColumnKind::number ? "number" : kind == ColumnKind::date ? "date" : "text";
}

/// A named column of one kind; only the vector of its kind has elements.
struct CsvColumn {
  std::string name;
  ColumnKind kind = ColumnKind::number;
  std::vector<double> numbers;      // NaN where a value is missing
  std::vector<std::int64_t> dates;  // seconds since 1970-01-01 UTC
  std::vector<std::string> texts;
};

/// Columns of equal length.
class CsvTable {
 public:
  CsvTable() = default;
  explicit CsvTable(std::string source) : source_(std::move(source)) {}

  /// Where the table came from; errors begin with it.
  const std::string& source() const { return source_; }
  std::size_t rows() const { return rows_; }
  const std::vector<CsvColumn>& columns() const { return columns_; }

  /// Appends a column. Throws ArgumentError if its length is not that of the others or its name is
  /// taken.
  void add(std::string name, std::vector<double> numbers) {
    admit(name, numbers.size());
    columns_.push_back({std::move(name), ColumnKind::number, std::move(numbers), {}, {}});
  }
  void add_dates(std::string name, std::vector<std::int64_t> dates) {
    admit(name, dates.size());
    columns_.push_back({std::move(name), ColumnKind::date, {}, std::move(dates), {}});
  }
  void add_texts(std::string name, std::vector<std::string> texts) {
    admit(name, texts.size());
    columns_.push_back({std::move(name), ColumnKind::text, {}, {}, std::move(texts)});
  }

  /// Makes a column one of numbers. Throws as set_dates.
  void set_numbers(std::string_view name, std::vector<double> numbers) {
    CsvColumn& found = changed(name, numbers.size());
    found = {found.name, ColumnKind::number, std::move(numbers), {}, {}};
  }
  /// Makes a column one of dates. Throws FormatError if there is no such column, ArgumentError for
  /// another number of rows.
  void set_dates(std::string_view name, std::vector<std::int64_t> dates) {
    CsvColumn& found = changed(name, dates.size());
    found = {found.name, ColumnKind::date, {}, std::move(dates), {}};
  }

  /// The line of the file that each row begins in; empty if the table is not from a file.
  const std::vector<std::size_t>& lines() const { return lines_; }
  void set_lines(std::vector<std::size_t> lines) { lines_ = std::move(lines); }

  bool contains(std::string_view name) const { return find(name) != nullptr; }

  /// The column of a name. Throws FormatError naming the columns there are.
  const CsvColumn& column(std::string_view name) const {
    if (const CsvColumn* found = find(name)) return *found;
    std::string names;
    for (const CsvColumn& c : columns_) names += (names.empty() ? "\"" : ", \"") + c.name + '"';
    raise<FormatError>(source_, ": no column \"", name, "\"; there are ", names);
  }
  /// The values of a column of that kind. Throws FormatError if it is of another.
  const std::vector<double>& numbers(std::string_view name) const {
    return of_kind(name, ColumnKind::number).numbers;
  }
  const std::vector<std::int64_t>& dates(std::string_view name) const {
    return of_kind(name, ColumnKind::date).dates;
  }
  const std::vector<std::string>& texts(std::string_view name) const {
    return of_kind(name, ColumnKind::text).texts;
  }

  /// Names of the columns of one kind, in the order of the file.
  std::vector<std::string> names(ColumnKind kind) const {
    std::vector<std::string> out;
    for (const CsvColumn& c : columns_)
      if (c.kind == kind) out.push_back(c.name);
    return out;
  }

  /// The same rows in the order of a date column. Throws FormatError naming the lines if a date
  /// comes twice.
  CsvTable sorted_by(std::string_view date_column) const {
    const auto& dates = this->dates(date_column);
    std::vector<std::size_t> order(rows_);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return dates[a] < dates[b]; });
    for (std::size_t i = 1; i < rows_; ++i)
      if (dates[order[i]] == dates[order[i - 1]])
        raise<FormatError>(place(order[i]), "column \"", date_column, "\": the same date as in ",
                           lines_.empty() ? "row " : "line ", place_number(order[i - 1]));
    CsvTable out = *this;
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      for (std::size_t i = 0; i < rows_; ++i) {
        const std::size_t from = order[i];
        const CsvColumn& column = columns_[c];
        if (column.kind == ColumnKind::number) out.columns_[c].numbers[i] = column.numbers[from];
        if (column.kind == ColumnKind::date) out.columns_[c].dates[i] = column.dates[from];
        if (column.kind == ColumnKind::text) out.columns_[c].texts[i] = column.texts[from];
      }
    }
    for (std::size_t i = 0; i < lines_.size(); ++i) out.lines_[i] = lines_[order[i]];
    return out;
  }

 private:
  const CsvColumn* find(std::string_view name) const {
    const auto at = std::find_if(columns_.begin(), columns_.end(),
                                 [&](const CsvColumn& c) { return c.name == name; });
    return at == columns_.end() ? nullptr : &*at;
  }

  CsvColumn& changed(std::string_view name, std::size_t length) {
    CsvColumn& found = columns_[static_cast<std::size_t>(&column(name) - columns_.data())];
    if (length != rows_)
      raise<ArgumentError>("CsvTable: ", length, " values for the ", rows_, " rows of column \"",
                           name, '"');
    return found;
  }

  const CsvColumn& of_kind(std::string_view name, ColumnKind kind) const {
    const CsvColumn& found = column(name);
    if (found.kind != kind)
      raise<FormatError>(source_, ": column \"", name, "\" is a ", name_of(found.kind),
                         " column, a ", name_of(kind), " column is needed");
    return found;
  }

  void admit(const std::string& name, std::size_t length) {
    if (contains(name)) raise<ArgumentError>("CsvTable: two columns \"", name, '"');
    if (!columns_.empty() && length != rows_)
      raise<ArgumentError>("CsvTable: column \"", name, "\" has ", length, " rows, the others ",
                           rows_);
    rows_ = length;
  }

  std::size_t place_number(std::size_t row) const { return lines_.empty() ? row + 1 : lines_[row]; }
  std::string place(std::size_t row) const {
    return source_ + (lines_.empty() ? ": row " : ":") + std::to_string(place_number(row)) + ": ";
  }

  std::string source_ = "table";
  std::vector<CsvColumn> columns_;
  std::vector<std::size_t> lines_;
  std::size_t rows_ = 0;
};

}  // namespace foglift::inline v0::data
