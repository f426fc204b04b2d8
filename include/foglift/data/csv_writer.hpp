#pragma once

#include "foglift/core/atomic_file.hpp"
#include "foglift/core/error.hpp"
#include "foglift/data/csv_table.hpp"
#include "foglift/data/date.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>

namespace foglift::inline v0::data {

/// The shortest decimal text that reads back as the same double.
inline std::string format_number(double value) {
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return std::string(buffer.data(), end);
}

/// Appends a cell, in quotes if it would not read back as it is without them.
inline void append_csv_text(std::string& out, std::string_view text, char delimiter) {
  const bool plain = text.find_first_of("\"\r\n") == std::string_view::npos &&
                     text.find(delimiter) == std::string_view::npos;
  if (plain) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

/// A table as CSV text with a header: numbers in the shortest form that reads back the same,
/// missing ones empty, dates as format_date gives them. Throws ArgumentError for a table without
/// columns and NumericError for an infinite number, which read_csv refuses.
inline std::string csv_text(const CsvTable& table, char delimiter = ',') {
  const auto& columns = table.columns();
  if (columns.empty()) raise<ArgumentError>("csv_text: a table without columns");
  std::string out;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    if (c > 0) out += delimiter;
    append_csv_text(out, columns[c].name, delimiter);
  }
  out += '\n';
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const std::size_t begin = out.size();
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const CsvColumn& column = columns[c];
      if (c > 0) out += delimiter;
      if (column.kind == ColumnKind::date) out += format_date(column.dates[row]);
      if (column.kind == ColumnKind::text) append_csv_text(out, column.texts[row], delimiter);
      if (column.kind != ColumnKind::number) continue;
      if (std::isinf(column.numbers[row]))
        raise<NumericError>("csv_text: column \"", column.name, "\" is infinite in row ", row + 1);
      if (!std::isnan(column.numbers[row])) out += format_number(column.numbers[row]);
    }
    if (out.size() == begin) out += "\"\"";  // a blank line would be skipped
    out += '\n';
  }
  return out;
}

/// Writes csv_text to a file, as a whole or not at all (see AtomicFile). Throws what csv_text
/// throws, and FormatError if writing fails.
inline void write_csv(const std::string& path, const CsvTable& table, char delimiter = ',') {
  write_file(path, csv_text(table, delimiter));
}

}  // namespace foglift::inline v0::data
