#include "config_file.hpp"

#include "foglift/core/error.hpp"
#include "foglift/core/file.hpp"
#include "foglift/core/utf8.hpp"

#include <charconv>
#include <cstdio>
#include <string_view>

namespace config {

namespace {

/// Reads `key = value` lines of TOML 1.0: strings of one line ("..." with escapes, '...' without),
/// decimal numbers, booleans, and arrays of them over any lines; comments. No tables.
class TomlReader {
 public:
  /// Errors begin with `source` and the line.
  TomlReader(std::string_view text, std::string source) : text_(text), source_(std::move(source)) {}

  /// Throws FormatError for anything else, and for a key that comes twice.
  Json read() {
    Json out = Json::object();
    for (skip(" \t\r\n"); !done(); skip(" \t\r\n")) {
      if (peek() == '[') fail("tables are not read; needed key = value");
      const std::string name = peek() == '"' || peek() == '\'' ? string() : bare();
      skip(" \t");
      expect('=');
      if (out.contains(name)) fail("a second value of '" + name + '\'');
      skip(" \t");
      out[name] = value();
      skip(" \t\r");
      if (!done() && text_[at_++] != '\n') fail("needed the end of the line behind a value");
    }
    return out;
  }

 private:
  bool done() const { return at_ == text_.size(); }
  char peek() const { return done() ? '\0' : text_[at_]; }

  [[noreturn]] void fail(const std::string& why) const {
    const auto line = 1 + std::count(text_.begin(), text_.begin() + std::ptrdiff_t(at_), '\n');
    foglift::raise<foglift::FormatError>(source_, ":", line, ": ", why);
  }

  /// Blanks of some kinds, and comments.
  void skip(std::string_view blanks) {
    while (!done() && (blanks.find(peek()) != blanks.npos || peek() == '#'))
      if (peek() == '#')
        at_ = std::min(text_.find('\n', at_), text_.size());
      else
        ++at_;
  }

  void expect(char c) {
    if (peek() != c) fail(std::string("needed '") + c + '\'');
    ++at_;
  }

  std::string bare() {
    const std::size_t first = at_;
    while (std::isalnum(static_cast<unsigned char>(peek())) || peek() == '-' || peek() == '_')
      ++at_;
    if (at_ == first) fail("needed a key, like  horizon = 24");
    return std::string(text_.substr(first, at_ - first));
  }

  Json value() {
    if (peek() == '"' || peek() == '\'') return string();
    if (peek() != '[') return number_or_boolean();
    Json out = Json::array();
    ++at_;
    for (skip(" \t\r\n"); peek() != ']'; skip(" \t\r\n")) {
      out.push_back(value());
      skip(" \t\r\n");
      if (peek() != ']') expect(',');
    }
    ++at_;
    return out;
  }

  Json number_or_boolean() {
    const std::size_t first = at_;
    at_ = std::min(text_.find_first_of(" \t\r\n,]#", at_), text_.size());
    const std::string word(text_.substr(first, at_ - first));
    const Json read = Json::parse(word, nullptr, false);
    if (!read.is_number() && !read.is_boolean())
      fail('\'' + word + "' is no value; needed a number, true, false, or text in quotes");
    return read;
  }

  std::string string() {
    const char quote = text_[at_++];
    std::string out;
    while (peek() != quote) {
      if (done() || peek() == '\n') fail("text without an end on its line");
      const char c = text_[at_++];
      if (c == '\\' && quote == '"')
        escape(out);
      else
        out += c;
    }
    ++at_;
    return out;
  }

  void escape(std::string& out) {
    const char c = peek();
    if (!done()) ++at_;
    constexpr std::string_view names = "btnfr\"\\", meant = "\b\t\n\f\r\"\\";
    if (const auto i = names.find(c); i != names.npos) {
      out += meant[i];
      return;
    }
    const std::size_t digits = c == 'u' ? 4 : c == 'U' ? 8 : 0;
    std::uint32_t code = 0;
    const char* const from = text_.data() + at_;
    if (digits == 0 || at_ + digits > text_.size() ||
        std::from_chars(from, from + digits, code, 16).ptr != from + digits || code > 0x10FFFF ||
        (code >= 0xD800 && code < 0xE000))
      fail(std::string("'\\") + c + "' is no escape");
    foglift::utf8::append(out, code);
    at_ += digits;
  }

  std::string_view text_;
  std::string source_;
  std::size_t at_ = 0;
};

/// Text as a basic string of TOML.
std::string toml_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F) {
      out += c;
      continue;
    }
    char code[8];
    std::snprintf(code, sizeof code, "\\u%04X", static_cast<unsigned>(c));
    out += code;
  }
  return out + '"';
}

}  // namespace

std::string toml(const Json& table) {
  const auto scalar = [](const Json& v) {
    return v.is_string() ? toml_text(v.get<std::string>()) : v.dump();
  };
  std::string out;
  for (const auto& [name, value] : table.items()) {
    out += name + " = ";
    if (value.is_array()) {
      std::string list;
      for (const Json& v : value) list += (list.empty() ? "" : ", ") + scalar(v);
      out += '[' + list + ']';
    } else {
      out += scalar(value);
    }
    out += '\n';
  }
  return out;
}

Json read(const std::string& path) {
  const std::string text = foglift::read_file(path, std::uint64_t{1} << 20);
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos || text[first] != '{') return TomlReader(text, path).read();
  try {
    return Json::parse(text);
  } catch (const std::exception& error) {
    foglift::raise<foglift::FormatError>(path, ": ", error.what());
  }
}

}  // namespace config
