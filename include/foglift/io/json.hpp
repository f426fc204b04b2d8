#pragma once

#include "foglift/core/error.hpp"
#include "foglift/core/utf8.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

namespace foglift::inline v0::io {

/// Reads JSON (RFC 8259) strictly, one expected piece at a time: the caller states what must come
/// next. Nesting is therefore as deep as the caller's own code and never as deep as the input, and
/// nothing is allocated but the strings asked for. Errors are FormatError "NAME: header byte
/// POSITION: ...", or what else the text is called.
class JsonScanner {
 public:
  static constexpr std::size_t any_size = std::numeric_limits<std::size_t>::max();

  /// `name` stands in front of every error. Throws if the text is not UTF-8.
  JsonScanner(std::string_view text, std::string_view name, std::string_view part = "header byte")
      : text_(text), name_(name), part_(part) {
    at_ = utf8::first_invalid(text_);
    if (at_ != std::string_view::npos) fail("not UTF-8");
    at_ = 0;
  }

  /// An object: calls member(key) with the position at the value, which member must read.
  /// Whether a key may come twice is for the caller to decide.
  template <class F>
  void object(std::size_t max_key, F&& member) {
    expect('{', "an object");
    if (accept('}')) return;
    do {
      std::string key = string(max_key);
      expect(':', "':'");
      member(std::move(key));
    } while (accept(','));
    expect('}', "',' or '}'");
  }

  /// An array: calls element() for each, which must read it.
  template <class F>
  void array(F&& element) {
    expect('[', "an array");
    if (accept(']')) return;
    do element();
    while (accept(','));
    expect(']', "',' or ']'");
  }

  /// A string of at most `max_bytes` once its escapes are resolved.
  std::string string(std::size_t max_bytes) {
    expect('"', "a string");
    std::string out;
    out.reserve(std::min(escaped_size(), max_bytes));
    for (;;) {
      const unsigned char c = peek("the end of a string");
      if (c < 0x20) fail("control character in a string");
      if (c == '\\') {
        utf8::append(out, escape());
      } else {
        ++at_;
        if (c == '"') return out;
        out += static_cast<char>(c);
      }
      if (out.size() > max_bytes) fail("string longer than ", max_bytes, " bytes");
    }
  }

  /// A number that is an integer written in digits alone: no sign, fraction, exponent or leading
  /// zero.
  std::uint64_t unsigned_integer() {
    skip_blanks();
    if (!digit(peek("a number"))) fail_expected("a non-negative integer");
    if (text_[at_] == '0' && at_ + 1 < text_.size() && digit(text_[at_ + 1]))
      fail("leading zero in a number");
    std::uint64_t value = 0;
    for (; at_ < text_.size() && digit(text_[at_]); ++at_) {
      const auto d = static_cast<std::uint64_t>(text_[at_] - '0');
      if (value > (std::numeric_limits<std::uint64_t>::max() - d) / 10) fail("number too large");
      value = value * 10 + d;
    }
    if (at_ < text_.size() && (text_[at_] == '.' || text_[at_] == 'e' || text_[at_] == 'E'))
      fail("a non-negative integer is needed, without fraction or exponent");
    return value;
  }

  /// A finite number.
  double number() {
    skip_blanks();
    double value = 0;
    const char* const first = text_.data() + at_;
    const auto [end, error] = std::from_chars(first, text_.data() + text_.size(), value);
    if (error == std::errc::result_out_of_range) fail("number out of range");
    if (error != std::errc() || !std::isfinite(value)) fail_expected("a number");
    at_ += static_cast<std::size_t>(end - first);
    return value;
  }

  /// Whether c comes next, behind blanks.
  bool next_is(char c) {
    skip_blanks();
    return at_ < text_.size() && text_[at_] == c;
  }

  /// Reads "null" if that comes next, and says whether it does.
  bool null() { return word("null"); }
  /// The same of any word.
  bool word(std::string_view word) {
    skip_blanks();
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  /// Reads any value and forgets it; of a number, only the characters are checked. Throws if it is
  /// nested deeper than `depth`.
  void skip(int depth) {
    skip_blanks();
    const unsigned char c = peek("a value");
    if ((c == '{' || c == '[') && depth == 0) fail("nested too deeply");
    if (c == '{') {
      object(any_size, [&](const std::string&) { skip(depth - 1); });
    } else if (c == '[') {
      array([&] { skip(depth - 1); });
    } else if (c == '"') {
      string(any_size);
    } else {  // a number or a word, which ends where a value can
      const std::size_t end = std::min(text_.find_first_of(" \t\n\r,]}", at_), text_.size());
      const std::string_view word = text_.substr(at_, end - at_);
      const bool number = word.find_first_not_of("+-.0123456789eE") == std::string_view::npos;
      if ((word.empty() || !number) && word != "true" && word != "false" && word != "null")
        fail_expected("a value");
      at_ = end;
    }
  }

  /// The end of the text; blanks may come before it, nothing else.
  void end() {
    skip_blanks();
    if (at_ < text_.size()) fail("something follows the object");
  }

  /// Throws FormatError at the current position.
  template <class... Parts>
  [[noreturn]] void fail(const Parts&... parts) const {
    raise<FormatError>(name_, ": ", part_, ' ', at_, ": ", parts...);
  }

 private:
  static bool digit(int c) { return c >= '0' && c <= '9'; }

  /// Bytes up to the closing quote, escapes counted as written: an upper bound of the string's
  /// size.
  std::size_t escaped_size() const {
    std::size_t end = at_;
    while (end < text_.size() && text_[end] != '"') end += text_[end] == '\\' ? 2u : 1u;
    return std::min(end, text_.size()) - at_;
  }

  void skip_blanks() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
  }

  unsigned char peek(std::string_view wanted) const {
    if (at_ >= text_.size()) fail("the text ends where ", wanted, " is needed");
    return static_cast<unsigned char>(text_[at_]);
  }

  bool accept(char c) {
    if (!next_is(c)) return false;
    ++at_;
    return true;
  }

  void expect(char c, std::string_view wanted) {
    skip_blanks();
    if (peek(wanted) != static_cast<unsigned char>(c)) fail_expected(wanted);
    ++at_;
  }

  [[noreturn]] void fail_expected(std::string_view wanted) const {
    const std::size_t n = std::max<std::size_t>(1, utf8::character_size(text_, at_));
    fail("'", utf8::printable(text_.substr(at_, n)), "' where ", wanted, " is needed");
  }

  /// The code point of an escape sequence, the position being at its backslash.
  std::uint32_t escape() {
    ++at_;
    const unsigned char c = peek("an escape sequence");
    ++at_;
    switch (c) {
      case '"':
      case '\\':
      case '/':
        return c;
      case 'b':
        return '\b';
      case 'f':
        return '\f';
      case 'n':
        return '\n';
      case 'r':
        return '\r';
      case 't':
        return '\t';
      case 'u':
        break;
      default:
        --at_;
        fail("unknown escape sequence");
    }
    const std::uint32_t high = hex4();
    if (high < 0xD800 || high > 0xDFFF) return high;
    if (high > 0xDBFF || text_.substr(at_, 2) != "\\u") fail("half of a surrogate pair");
    at_ += 2;
    const std::uint32_t low = hex4();
    if (low < 0xDC00 || low > 0xDFFF) fail("half of a surrogate pair");
    return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
  }

  std::uint32_t hex4() {
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const unsigned char c = peek("four hexadecimal digits");
      if (digit(c)) {
        value = value * 16 + (c - std::uint32_t{'0'});
      } else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) {
        value = value * 16 + ((c | 0x20u) - std::uint32_t{'a'} + 10);
      } else {
        fail("four hexadecimal digits are needed");
      }
    }
    return value;
  }

  std::string_view text_;
  std::string_view name_;
  std::string_view part_;
  std::size_t at_ = 0;
};

/// Appends `text` as a JSON string, quotes included. Throws ArgumentError if it is not UTF-8.
inline void append_json(std::string& out, std::string_view text) {
  if (const std::size_t at = utf8::first_invalid(text); at != std::string_view::npos)
    raise<ArgumentError>("append_json: byte ", at, " of the text is not UTF-8");
  constexpr std::string_view hex = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20) {
      out += "\\u00";
      out += hex[byte >> 4];
      out += hex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace foglift::inline v0::io
