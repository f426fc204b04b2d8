#pragma once

#include "foglift/data/csv_layout.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace foglift::inline v0::data {

/// The cells of a table as they stand in the text, which must outlive the object: 8 bytes each,
/// and 4 for the line of each row.
class CsvCells {
 public:
  CsvCells() = default;
  /// Skips comments, blank rows, repeats of the header, and lines of another width behind the last
  /// row. Throws FormatError as CsvTokens, and for rows of another width than the first.
  CsvCells(std::string_view text, std::string_view source, CsvLayout layout)
      : text_(text), layout_(std::move(layout)) {
    const std::size_t width = columns();
    const auto breaks = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
    cells_.reserve(std::min(breaks * width, text.size() + width));  // a cell takes a byte at least
    lines_.reserve(std::min(breaks, text.size() / width + 1));
    CsvTokens tokens(text, layout_.delimiter, source);
    std::vector<std::size_t> comments, repeats, odd;
    std::size_t odd_at = 0, odd_cells = 0;
    if (layout_.comments) tokens.skip_comments(comments);
    tokens.skip_to(layout_.begin);
    std::vector<CsvField> record;
    const auto refuse = [&] {
      tokens.fail(odd_at, odd_cells, " cells, the ", layout_.header ? "header" : "first row",
                  " has ", width);
    };
    while (tokens.next(record)) {
      if (record.size() == width + 1 && trimmed(record.back().text).empty()) record.pop_back();
      if (record.size() != width) {
        if (odd.empty())
          odd_at = record.size() > width ? record[width].at : record.back().at,
          odd_cells = record.size();
        odd.push_back(tokens.line());
        if (odd.size() > most_odd) refuse();
        continue;
      }
      if (add(record)) {
        if (!odd.empty()) refuse();
        lines_.push_back(static_cast<std::uint32_t>(tokens.line()));
        if (repeats_header()) {
          repeats.push_back(lines_.back());
          resize(rows() - 1);
        }
      }
    }
    note(comments, "a comment");
    note(repeats, "the names once more");
    note(odd, "behind the table");
  }

  std::size_t rows() const { return lines_.size(); }
  std::size_t columns() const { return layout_.names.size(); }
  const CsvLayout& layout() const { return layout_; }
  const std::vector<std::string>& names() const { return layout_.names; }
  std::size_t line(std::size_t row) const { return lines_[row]; }

  /// A cell without the blanks around it.
  std::string_view operator()(std::size_t row, std::size_t column) const {
    const std::uint64_t cell = cells_[row * columns() + column];
    const std::size_t at = cell >> size_bits, size = cell & ((1u << size_bits) - 1);
    return at < text_.size() ? text_.substr(at, size)
                             : std::string_view(unquoted_).substr(at - text_.size(), size);
  }

  /// Leaves out rows at the end.
  void resize(std::size_t rows) {
    lines_.resize(rows);
    cells_.resize(rows * columns());
  }

 private:
  static constexpr int size_bits = 22;  // of max_field; 42 are left for the place
  static constexpr std::size_t most_odd = 20;

  /// False for a record without anything but lines that are drawn.
  bool add(const std::vector<CsvField>& record) {
    bool blank = true;
    for (const CsvField& field : record) {
      const std::string_view cell = trimmed(field.text);
      blank = blank && detail::is_rule(cell);
      std::size_t at = static_cast<std::size_t>(cell.data() - text_.data());
      if (cell.empty()) {
        at = 0;
      } else if (std::less<>()(cell.data(), text_.data()) ||
                 !std::less<>()(cell.data(), text_.data() + text_.size())) {
        at = text_.size() + unquoted_.size();
        unquoted_ += cell;
      }
      cells_.push_back(std::uint64_t{at} << size_bits | cell.size());
    }
    if (blank) cells_.resize(cells_.size() - columns());
    return !blank;
  }

  bool repeats_header() const {
    const std::size_t row = rows() - 1;
    if (layout_.header == 0 || (*this)(row, 0) != names()[0]) return false;
    for (std::size_t c = 1; c < columns(); ++c)
      if ((*this)(row, c) != names()[c]) return false;
    return true;
  }

  /// Adds lines to those that are skipped, neighbours together.
  void note(const std::vector<std::size_t>& lines, const char* what) {
    for (std::size_t i = 0; i < lines.size();) {
      std::size_t j = i + 1;
      while (j < lines.size() && lines[j] == lines[j - 1] + 1) ++j;
      if (lines[i] != layout_.header) layout_.skipped.push_back({lines[i], lines[j - 1], what});
      i = j;
    }
  }

  std::string_view text_;
  CsvLayout layout_;
  std::vector<std::uint64_t> cells_;  // of all rows: place and size
  std::vector<std::uint32_t> lines_;
  std::string unquoted_;  // cells that had quotes in them
};

}  // namespace foglift::inline v0::data
