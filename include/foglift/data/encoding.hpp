#pragma once

#include "foglift/core/utf8.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace foglift::inline v0::data {

/// Text in UTF-8, and what it was written in.
struct Decoded {
  std::string text = {};       ///< empty if it was UTF-8 already
  std::string_view from = {};  ///< "UTF-16", "Windows-1252"; empty for UTF-8
};

namespace detail {
/// Whether all bytes are ASCII, or characters of UTF-8.
inline bool is_utf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    std::uint64_t eight = 0;
    while (at + 8 <= text.size() && std::memcpy(&eight, text.data() + at, 8) &&
           (eight & 0x8080'8080'8080'8080u) == 0)
      at += 8;
    if (at == text.size()) break;
    if (static_cast<unsigned char>(text[at]) < 0x80) {
      ++at;
      continue;
    }
    const std::size_t n = utf8::character_size(text, at);
    if (n == 0) return false;
    at += n;
  }
  return true;
}

inline std::string from_utf16(std::string_view text, bool big) {
  std::string out;
  const auto unit = [&](std::size_t at) {
    const auto a = static_cast<unsigned char>(text[at]),
               b = static_cast<unsigned char>(text[at + 1]);
    return static_cast<std::uint32_t>(big ? a << 8 | b : b << 8 | a);
  };
  for (std::size_t at = 2; at + 1 < text.size(); at += 2) {
    std::uint32_t code = unit(at);
    if (code >= 0xD800 && code < 0xDC00 && at + 3 < text.size()) {
      const std::uint32_t low = unit(at + 2);
      if (low >= 0xDC00 && low < 0xE000) {
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        at += 2;
      }
    }
    utf8::append(out, code >= 0xD800 && code < 0xE000 ? 0xFFFD : code);
  }
  return out;
}

inline std::string from_windows_1252(std::string_view text) {
  // Bytes 0x80 to 0x9F; the five that stand for nothing are left as control characters.
  constexpr std::array<std::uint16_t, 32> high{
      0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
      0x2039, 0x0152, 0x8D,   0x017D, 0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
      0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    utf8::append(out, byte >= 0x80 && byte < 0xA0 ? high[byte - 0x80] : byte);
  }
  return out;
}
}  // namespace detail

/// Text of a file in UTF-8: UTF-16 by its byte order mark; what is not UTF-8 is read as
/// Windows-1252, in which spreadsheets of Western Europe and America save. Costs a copy for these
/// two alone.
inline Decoded decode(std::string_view text) {
  if (text.starts_with("\xFF\xFE")) return {detail::from_utf16(text, false), "UTF-16"};
  if (text.starts_with("\xFE\xFF")) return {detail::from_utf16(text, true), "UTF-16"};
  if (detail::is_utf8(text)) return {};
  return {detail::from_windows_1252(text), "Windows-1252"};
}

}  // namespace foglift::inline v0::data
