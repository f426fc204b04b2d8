#pragma once

#include "foglift/core/error.hpp"
#include "foglift/core/utf8.hpp"
#include "foglift/data/csv_cell.hpp"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace foglift::inline v0::data {

// Text files of machine learning archives: lines of comments (#), lines of tags (@name words), the
// tag @data, and a row a line behind it. See tsf.hpp and ts.hpp.

namespace detail {

/// Walks over the lines of such a text. Errors begin with the source and the line.
class TaggedText {
 public:
  TaggedText(std::string_view text, std::string source) : text_(text), source_(std::move(source)) {}

  /// Calls tag(name in small letters, words behind it) up to @data. Throws FormatError for another
  /// line, or no @data.
  template <class F>
  void tags(const F& tag) {
    for (std::string_view line; next(line);) {
      if (line[0] != '@') refuse("expected a tag, @data, or a comment; found ", quoted(line));
      const std::size_t blank = std::min(line.find_first_of(" \t"), line.size());
      std::string name(line.substr(1, blank - 1));
      for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      if (name == "data") return;
      tag(name, trimmed(line.substr(blank)));
    }
    raise<FormatError>(source_, ": no line @data");
  }

  /// The next line that is neither empty nor a comment, without the blanks around it.
  bool next(std::string_view& line) {
    while (at_ < text_.size()) {
      const std::size_t end = std::min(text_.find('\n', at_), text_.size());
      line = text_.substr(at_, end - at_);
      at_ = end + 1;
      ++number_;
      if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      line = trimmed(line);
      if (!line.empty() && line[0] != '#') return true;
    }
    return false;
  }

  template <class... Why>
  [[noreturn]] void refuse(const Why&... why) const {
    raise<FormatError>(source_, ", line ", number_, ": ", why...);
  }
  /// A piece of the text for a message.
  static std::string quoted(std::string_view text) {
    return '"' + utf8::printable(std::string(text.substr(0, 60))) +
           (text.size() > 60 ? "...\"" : "\"");
  }

  /// The numbers of a list; "?" and NaN are missing ones. Throws FormatError for anything else.
  std::vector<double> numbers(std::string_view list, char separator) const {
    std::vector<double> out;
    for (std::size_t from = 0; from <= list.size();) {
      const std::size_t end = std::min(list.find(separator, from), list.size());
      out.push_back(number(trimmed(list.substr(from, end - from))));
      from = end + 1;
    }
    return out;
  }
  double number(std::string_view cell) const {
    if (cell == "?" || same_letters(cell, "nan")) return std::numeric_limits<double>::quiet_NaN();
    const NumberCell read = parse_number(cell);
    if (!read.ok) refuse("can not read ", quoted(cell), " as a number", read.problem);
    return read.value;
  }
  bool truth(const std::string& tag, std::string_view word) const {
    if (same_letters(word, "true")) return true;
    if (!same_letters(word, "false")) refuse("@", tag, " ", quoted(word), ", needed true or false");
    return false;
  }

 private:
  std::string_view text_;
  std::string source_;
  std::size_t at_ = 0, number_ = 0;
};

/// The words of a text that blanks part.
inline std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> out;
  while (!(text = trimmed(text)).empty()) {
    const std::size_t end = std::min(text.find_first_of(" \t"), text.size());
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return out;
}

}  // namespace detail
}  // namespace foglift::inline v0::data
