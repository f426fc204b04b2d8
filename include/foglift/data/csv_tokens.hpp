#pragma once

#include "foglift/core/error.hpp"
#include "foglift/core/utf8.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace foglift::inline v0::data {

/// A place in a text file: line, and character (not byte) in it, both from 1.
struct TextPosition {
  std::size_t line = 1;
  std::size_t column = 1;
};

struct CsvField {
  std::string_view text;  // quotes removed; until the next record
  std::size_t at = 0;     // offset of its first character, the quote if there is one
};

struct CsvLimits {
  std::size_t max_field = std::size_t{1} << 20;  // bytes of one cell
  std::size_t max_columns = 10'000;
};

/// Cuts CSV text (RFC 4180) into records: cells may be quoted, quotes in them doubled, and line
/// breaks in them kept; lines end with LF, CR LF or CR; a byte order mark and blank lines are
/// skipped. A quote inside an unquoted cell is an ordinary character. The delimiter ' ' stands for
/// runs of blanks and tabs; those around a line are none. Nothing is copied but cells with doubled
/// quotes. Throws FormatError "SOURCE:LINE:COLUMN: ..." for NUL bytes, text that is not UTF-8, an
/// open quote, text behind a closing quote, and cells or records beyond the limits.
class CsvTokens {
 public:
  /// The text must outlive the object.
  CsvTokens(std::string_view text, char delimiter, std::string_view source,
            const CsvLimits& limits = {})
      : text_(text), delimiter_(delimiter), source_(source), limits_(limits) {
    if (text_.substr(0, 2) == "\xFF\xFE" || text_.substr(0, 2) == "\xFE\xFF")
      raise<FormatError>(source_, ":1:1: the file is UTF-16; save it as UTF-8");
    if (text_.substr(0, 3) == "\xEF\xBB\xBF") at_ = known_.at = 3;
    for (const char c : {'\n', '\r', '\0', delimiter, delimiter == ' ' ? '\t' : delimiter})
      special_[static_cast<unsigned char>(c)] = true;
    std::fill(special_.begin() + 128, special_.end(), true);
  }

  /// Reads the next record that is not a blank line; false at the end.
  bool next(std::vector<CsvField>& record) {
    record.clear();
    if (!unquoted_.empty()) unquoted_.clear();
    for (;; take_break()) {
      if (delimiter_ == ' ') skip_blanks();
      if (at_ >= text_.size()) return false;
      if (comments_ && starts_comment()) {
        comments_->push_back(line_);
        at_ = std::min(text_.find_first_of("\r\n", at_), text_.size());
        if (at_ == text_.size()) return false;
      }
      if (line_break(at_) == 0) break;
    }
    begin_ = {at_, line_};
    do {
      if (record.size() == limits_.max_columns)
        fail(at_, "more than ", limits_.max_columns, " fields in one record");
      record.push_back(read_field());
    } while (take_delimiter());
    if (at_ < text_.size()) take_break();
    return true;
  }

  /// Leaves out lines that are comments: those that begin with '#' or '//', or with ';' where that
  /// divides nothing. Their numbers are appended to `lines`, which must outlive the object.
  void skip_comments(std::vector<std::size_t>& lines) { comments_ = &lines; }

  /// Leaves out what stands before an offset, the begin of a line.
  void skip_to(std::size_t offset) {
    line_ = place(offset).line;
    at_ = offset;
    begin_ = {at_, line_};
  }

  /// The line that the last record begins in, and its first byte.
  std::size_t line() const { return begin_.line; }
  std::size_t offset() const { return begin_.at; }

  /// Where a byte stands.
  TextPosition place(std::size_t offset) const {
    const LineStart from = offset >= begin_.at ? begin_ : known_;
    TextPosition out{from.line, 1};
    // Characters before the record, in its line.
    std::size_t at = from.at;
    while (at > known_.at && text_[at - 1] != '\n' && text_[at - 1] != '\r') --at;
    while (at < offset) {
      const std::size_t broken = line_break(at);
      out.line += broken > 0;
      out.column = broken > 0 ? 1 : out.column + 1;
      at += broken > 0 ? broken : std::max<std::size_t>(1, utf8::character_size(text_, at));
    }
    return out;
  }

  template <class... Parts>
  [[noreturn]] void fail(std::size_t offset, const Parts&... parts) const {
    const TextPosition where = place(offset);
    raise<FormatError>(source_, ':', where.line, ':', where.column, ": ", parts...);
  }

 private:
  struct LineStart {
    std::size_t at = 0, line = 1;
  };

  bool starts_comment() const {
    const std::string_view begin = text_.substr(at_, 5);
    return (begin.starts_with("#") && !begin.starts_with("#N/A")) || begin.starts_with("//") ||
           (begin.starts_with(";") && delimiter_ != ';');
  }

  /// Bytes of the line break at `at`; 0 if there is none.
  std::size_t line_break(std::size_t at) const {
    if (text_[at] == '\n') return 1;
    if (text_[at] != '\r') return 0;
    return at + 1 < text_.size() && text_[at + 1] == '\n' ? 2 : 1;
  }

  void take_break() {
    at_ += line_break(at_);
    ++line_;
  }

  bool blank(std::size_t at) const {
    return at < text_.size() && (text_[at] == ' ' || text_[at] == '\t');
  }
  void skip_blanks() {
    while (blank(at_)) ++at_;
  }

  bool take_delimiter() {
    if (delimiter_ == ' ') {
      const bool more = blank(at_);
      skip_blanks();
      return more && at_ < text_.size() && line_break(at_) == 0;
    }
    if (at_ >= text_.size() || text_[at_] != delimiter_) return false;
    ++at_;
    return true;
  }

  bool field_ends() const {
    return at_ >= text_.size() || text_[at_] == delimiter_ || line_break(at_) > 0 ||
           (delimiter_ == ' ' && text_[at_] == '\t');
  }

  CsvField read_field() {
    if (at_ < text_.size() && text_[at_] == '"') return read_quoted();
    const std::size_t first = at_;
    for (;;) {
      while (at_ < text_.size() && !special_[static_cast<unsigned char>(text_[at_])]) ++at_;
      if (field_ends()) break;
      take_character();
    }
    check_size(first, at_ - first);
    return {text_.substr(first, at_ - first), first};
  }

  CsvField read_quoted() {
    const std::size_t quote = at_++;
    std::size_t first = at_;
    std::string* copy = nullptr;
    for (;;) {
      if (at_ >= text_.size()) fail(quote, "the quote that opens here is never closed");
      if (text_[at_] == '"') {
        if (at_ + 1 >= text_.size() || text_[at_ + 1] != '"') break;
        if (!copy) copy = &unquoted_.emplace_back();
        *copy += text_.substr(first, at_ + 1 - first);
        first = at_ += 2;
      } else if (line_break(at_) > 0) {
        take_break();
      } else {
        take_character();
      }
      check_size(quote, (copy ? copy->size() : 0) + at_ - first);
    }
    if (copy) *copy += text_.substr(first, at_ - first);
    const std::string_view text = copy ? std::string_view(*copy) : text_.substr(first, at_ - first);
    ++at_;
    if (!field_ends()) fail(at_, "text behind a closing quote");
    return {text, quote};
  }

  void take_character() {
    if (text_[at_] == '\0') fail(at_, "NUL byte; is this a text file?");
    const std::size_t n = utf8::character_size(text_, at_);
    if (n == 0) fail(at_, "not UTF-8; save the file as UTF-8");
    at_ += n;
  }

  void check_size(std::size_t begin, std::size_t bytes) const {
    if (bytes > limits_.max_field) fail(begin, "cell of more than ", limits_.max_field, " bytes");
  }

  std::string_view text_;
  char delimiter_;
  std::string_view source_;
  CsvLimits limits_;
  std::array<bool, 256> special_{};   // bytes that end a field, or have to be looked at
  std::deque<std::string> unquoted_;  // cells of the last record that had quotes in them
  std::size_t at_ = 0, line_ = 1;
  LineStart known_, begin_;  // of the text, of the last record
  std::vector<std::size_t>* comments_ = nullptr;
};

}  // namespace foglift::inline v0::data
