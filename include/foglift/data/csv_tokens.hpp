#pragma once

#include "foglift/core/error.hpp"
#include "foglift/core/utf8.hpp"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace foglift {
inline namespace v0 {
namespace data {

/// A place in a text file: line, and character (not byte) in it, both from 1.
struct TextPosition {
  std::size_t line = 1;
  std::size_t column = 1;
};

struct CsvField {
  std::string text;       // quotes removed
  TextPosition position;  // of its first character, the quote if there is one
};

struct CsvLimits {
  std::size_t max_field = std::size_t{1} << 20;  // bytes of one cell
  std::size_t max_columns = 10'000;
};

/// Cuts CSV text (RFC 4180) into records: cells may be quoted, quotes in them doubled, and line
/// breaks in them kept; lines end with LF, CR LF or CR; a byte order mark and blank lines are
/// skipped. A quote inside an unquoted cell is an ordinary character. Throws FormatError
/// "SOURCE:LINE:COLUMN: ..." for NUL bytes, text that is not UTF-8, an open quote, text behind a
/// closing quote, and cells or records beyond the limits.
class CsvTokens {
 public:
  /// The text must outlive the object.
  CsvTokens(std::string_view text, char delimiter, std::string_view source,
            const CsvLimits& limits = {})
      : text_(text), delimiter_(delimiter), source_(source), limits_(limits) {
    if (text_.substr(0, 2) == "\xFF\xFE" || text_.substr(0, 2) == "\xFE\xFF")
      raise<FormatError>(source_, ":1:1: the file is UTF-16; save it as UTF-8");
    if (text_.substr(0, 3) == "\xEF\xBB\xBF") at_ = 3;
  }

  /// Reads the next record that is not a blank line; false at the end.
  bool next(std::vector<CsvField>& record) {
    record.clear();
    while (at_ < text_.size() && line_break(at_) > 0) take_break();
    if (at_ >= text_.size()) return false;
    do {
      if (record.size() == limits_.max_columns)
        fail(here_, "more than ", limits_.max_columns, " fields in one record");
      record.push_back({{}, here_});
      read_field(record.back());
    } while (take_delimiter());
    if (at_ < text_.size()) take_break();
    return true;
  }

  template <class... Parts>
  [[noreturn]] void fail(const TextPosition& where, const Parts&... parts) const {
    raise<FormatError>(source_, ':', where.line, ':', where.column, ": ", parts...);
  }

 private:
  /// Bytes of the line break at `at`; 0 if there is none.
  std::size_t line_break(std::size_t at) const {
    if (text_[at] == '\n') return 1;
    if (text_[at] != '\r') return 0;
    return at + 1 < text_.size() && text_[at + 1] == '\n' ? 2 : 1;
  }

  void take_break() {
    at_ += line_break(at_);
    ++here_.line;
    here_.column = 1;
  }

  bool take_delimiter() {
    if (at_ >= text_.size() || text_[at_] != delimiter_) return false;
    ++at_;
    ++here_.column;
    return true;
  }

  bool field_ends() const {
    return at_ >= text_.size() || text_[at_] == delimiter_ || line_break(at_) > 0;
  }

  void read_field(CsvField& field) {
    if (at_ < text_.size() && text_[at_] == '"') {
      read_quoted(field);
    } else {
      while (!field_ends()) take_character(field);
    }
  }

  void read_quoted(CsvField& field) {
    ++at_;
    ++here_.column;
    for (;;) {
      if (at_ >= text_.size()) fail(field.position, "the quote that opens here is never closed");
      if (text_[at_] == '"') {
        ++at_;
        ++here_.column;
        if (at_ >= text_.size() || text_[at_] != '"') break;
        take_character(field);
      } else if (const std::size_t n = line_break(at_); n > 0) {
        append(field, n);
        take_break();
      } else {
        take_character(field);
      }
    }
    if (!field_ends()) fail(here_, "text behind a closing quote");
  }

  void take_character(CsvField& field) {
    if (text_[at_] == '\0') fail(here_, "NUL byte; is this a text file?");
    const std::size_t n = utf8::character_size(text_, at_);
    if (n == 0) fail(here_, "not UTF-8; save the file as UTF-8");
    append(field, n);
    at_ += n;
    ++here_.column;
  }

  void append(CsvField& field, std::size_t count) const {
    field.text += text_.substr(at_, count);
    if (field.text.size() > limits_.max_field)
      fail(field.position, "cell of more than ", limits_.max_field, " bytes");
  }

  std::string_view text_;
  char delimiter_;
  std::string_view source_;
  CsvLimits limits_;
  std::size_t at_ = 0;
  TextPosition here_;
};

/// The delimiter of CSV text, from its first records: the first of tab, ';' and ',' that divides
/// each of them into the same number of cells, at least two. If none does, the most frequent one in
/// the first record; ',' if there is none at all.
inline char sniff_delimiter(std::string_view text) {
  constexpr std::array<char, 3> candidates{'\t', ';', ','};
  constexpr std::size_t max_records = 20;
  std::array<std::size_t, 3> first{}, count{};
  std::array<bool, 3> same{true, true, true};
  std::size_t records = 0;
  bool quoted = false, blank = true;
  const auto end_record = [&] {
    if (blank) return;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      if (records == 0) first[i] = count[i];
      same[i] = same[i] && count[i] == first[i];
    }
    count = {};
    blank = true;
    ++records;
  };
  for (const char c : text.substr(0, std::size_t{1} << 16)) {
    if (!quoted && (c == '\n' || c == '\r')) {
      end_record();
      if (records == max_records) break;
      continue;
    }
    blank = false;
    if (c == '"') quoted = !quoted;
    for (std::size_t i = 0; i < candidates.size(); ++i)
      count[i] += !quoted && c == candidates[i] ? 1u : 0u;
  }
  if (records == 0 || text.size() <= (std::size_t{1} << 16)) end_record();
  for (std::size_t i = 0; i < candidates.size(); ++i)
    if (same[i] && first[i] > 0) return candidates[i];
  std::size_t best = 2;
  for (std::size_t i = 0; i < candidates.size(); ++i)
    if (first[i] > first[best]) best = i;
  return candidates[best];
}

}  // namespace data
}  // namespace v0
}  // namespace foglift
