#pragma once

#include "foglift/version.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace foglift::inline v0 {

/// Text encoding (RFC 3629): no overlong forms, no surrogates, nothing beyond U+10FFFF.
namespace utf8 {

/// Bytes of the well-formed character that starts at text[at]; 0 if there is none.
inline std::size_t character_size(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u;
  };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xC0u) == 0x80u; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return at < text.size() ? 1 : 0;
  if (lead < 0xC2) return 0;
  if (lead < 0xE0) return tail(1) ? 2 : 0;
  if (lead < 0xF0) {
    if (!tail(1) || !tail(2)) return 0;
    if (lead == 0xE0 && byte(1) < 0xA0) return 0;   // overlong
    if (lead == 0xED && byte(1) >= 0xA0) return 0;  // surrogate
    return 3;
  }
  if (lead > 0xF4 || !tail(1) || !tail(2) || !tail(3)) return 0;
  if (lead == 0xF0 && byte(1) < 0x90) return 0;   // overlong
  if (lead == 0xF4 && byte(1) >= 0x90) return 0;  // beyond U+10FFFF
  return 4;
}

/// Offset of the first byte that is not part of well-formed UTF-8; npos if there is none.
inline std::size_t first_invalid(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t n = character_size(text, at);
    if (n == 0) return at;
    at += n;
  }
  return std::string_view::npos;
}

/// Appends one code point, which must not be a surrogate or beyond U+10FFFF.
inline void append(std::string& text, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { text += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

/// Text from a file as an error may show it: control characters and bytes that are not UTF-8 as
/// \xNN, so that no file can steer a terminal, and at most about `max_bytes` of it.
inline std::string printable(std::string_view text, std::size_t max_bytes = 60) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (at >= max_bytes) return out + "...";
    const auto byte = static_cast<unsigned char>(text[at]);
    const std::size_t n = character_size(text, at);
    // C1 control characters are U+0080 to U+009F.
    const bool c1 = n == 2 && byte == 0xC2 && static_cast<unsigned char>(text[at + 1]) < 0xA0;
    if (n == 0 || byte < 0x20 || byte == 0x7F || c1) {
      out += "\\x";
      out += hex[byte >> 4];
      out += hex[byte & 15];
      ++at;
    } else {
      out += text.substr(at, n);
      at += n;
    }
  }
  return out;
}

}  // namespace utf8
}  // namespace foglift::inline v0
