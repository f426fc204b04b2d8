#pragma once

#include "foglift/core/error.hpp"
#include "foglift/core/shape.hpp"
#include "foglift/core/utf8.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

namespace foglift::inline v0::data {

/// What the header of an NPY file states.
struct NpyHeader {
  char kind = 'f';       // b boolean, i signed, u unsigned, f floating, V bfloat16
  std::size_t item = 4;  // bytes of one element
  bool swapped = false;  // its bytes are in the other order than this machine's
  bool fortran_order = false;
  Shape shape;
};

/// Parses the text of an NPY header: a Python dictionary literal with the keys descr, fortran_order
/// and shape, each once and in any order, padded with blanks. (Format: numpy.lib.format.)
class NpyHeaderParser {
 public:
  NpyHeaderParser(std::string_view text, std::string_view source) : text_(text), source_(source) {}

  /// Throws FormatError "SOURCE: header byte N: ...".
  NpyHeader parse() && {
    std::array<bool, 3> seen{};
    expect('{');
    while (!accept('}')) {
      read_entry(seen);
      if (accept(',')) continue;
      expect('}');
      break;
    }
    skip_blanks();
    if (at_ < text_.size()) fail("something follows the dictionary");
    constexpr std::array<std::string_view, 3> keys{"descr", "fortran_order", "shape"};
    for (std::size_t i = 0; i < keys.size(); ++i)
      if (!seen[i]) fail("no key '", keys[i], "'");
    return header_;
  }

 private:
  void read_entry(std::array<bool, 3>& seen) {
    const std::string_view key = string();
    const std::size_t which = key == "descr"           ? 0
                              : key == "fortran_order" ? 1
                              : key == "shape"         ? 2
                                                       : 3;
    if (which == 3) fail("unknown key '", utf8::printable(key), "'");
    if (std::exchange(seen[which], true)) fail("key '", key, "' comes twice");
    expect(':');
    if (which == 0) read_type();
    if (which == 1) read_order();
    if (which == 2) read_shape();
  }

  void read_type() {
    skip_blanks();
    if (at_ < text_.size() && text_[at_] == '[') fail("structured types are not supported");
    const std::string_view descr = string();
    const bool valid =
        descr.size() == 3 && std::string_view("<>|=").find(descr[0]) != std::string_view::npos;
    if (!valid || !known(descr[1], descr[2]))
      fail("type '", utf8::printable(descr),
           "' is not supported; b1, i1 to i8, u1 to u8, f2, f4, f8 and V2, bfloat16, are");
    header_.kind = descr[1];
    header_.item = static_cast<std::size_t>(descr[2] - '0');
    if (descr[0] == '|' && header_.item > 1) fail("type '", descr, "' has no byte order");
    const bool little = std::endian::native == std::endian::little;
    header_.swapped = header_.item > 1 && descr[0] == (little ? '>' : '<');
  }

  static bool known(char kind, char item) {
    const bool size = item == '1' || item == '2' || item == '4' || item == '8';
    return size && (kind == 'i' || kind == 'u' || (kind == 'b' && item == '1') ||
                    (kind == 'f' && item != '1') || (kind == 'V' && item == '2'));
  }

  void read_order() {
    skip_blanks();
    if (text_.substr(at_, 4) == "True") {
      header_.fortran_order = true;
      at_ += 4;
    } else if (text_.substr(at_, 5) == "False") {
      header_.fortran_order = false;
      at_ += 5;
    } else {
      fail("fortran_order must be True or False");
    }
  }

  /// (), (3,), (3, 4) or (3, 4,).
  void read_shape() {
    std::array<Index, Shape::max_rank> extents{};
    std::size_t rank = 0;
    expect('(');
    bool comma = true;
    while (!accept(')')) {
      if (!comma) fail("',' or ')' is needed in the shape");
      if (rank == extents.size()) fail("rank beyond ", Shape::max_rank);
      extents[rank++] = extent();
      comma = accept(',');
    }
    if (rank == 1 && !comma) fail("a shape of one extent needs a comma, as in (3,)");
    std::uint64_t count = 1;  // as Shape counts: an extent of 0 as 1
    for (std::size_t i = 0; i < rank; ++i) {
      const auto e = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(extents[i]));
      if (count > most / e) fail("the shape has more elements than can be addressed");
      count *= e;
    }
    header_.shape = Shape(extents.data(), rank);
  }

  /// Digits alone: no sign, underscore, leading zero or suffix.
  Index extent() {
    skip_blanks();
    const std::size_t first = at_;
    std::uint64_t value = 0;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      value = value * 10 + static_cast<std::uint64_t>(text_[at_] - '0');
      if (value > most) fail("extent too large");
    }
    if (at_ == first) fail("an extent must be a non-negative integer");
    if (at_ - first > 1 && text_[first] == '0') fail("leading zero in an extent");
    return static_cast<Index>(value);
  }

  /// A string in single or double quotes, without escapes.
  std::string_view string() {
    skip_blanks();
    if (at_ >= text_.size() || (text_[at_] != '\'' && text_[at_] != '"'))
      fail("a string is needed");
    const std::size_t end = text_.find(text_[at_], at_ + 1);
    if (end == std::string_view::npos) fail("a string that does not end");
    const std::string_view inside = text_.substr(at_ + 1, end - at_ - 1);
    if (inside.find('\\') != std::string_view::npos) fail("escape sequence in a string");
    at_ = end + 1;
    return inside;
  }

  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool accept(char c) {
    skip_blanks();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail("'", c, "' is needed");
  }

  template <class... Parts>
  [[noreturn]] void fail(const Parts&... parts) const {
    raise<FormatError>(source_, ": header byte ", at_, ": ", parts...);
  }

  static constexpr std::uint64_t most = std::numeric_limits<Index>::max() / 8;

  std::string_view text_;
  std::string_view source_;
  std::size_t at_ = 0;
  NpyHeader header_;
};

}  // namespace foglift::inline v0::data
