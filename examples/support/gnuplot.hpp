#pragma once

#include "foglift/core/utf8.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <stdio.h>

namespace gnuplot {

/// Text between single quotes of gnuplot.
inline std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "''" : std::string(1, c < ' ' && c >= 0 ? ' ' : c);
  return out + "'";
}

/// Whether some font of this machine has a character, as far as fontconfig tells.
inline bool has_glyph(std::uint32_t code) {
  if (code < 0x250) return true;
  char command[64];
  std::snprintf(command, sizeof command, "fc-list ':charset=%x' family 2> /dev/null", code);
  FILE* pipe = popen(command, "r");
  const bool any = pipe && std::fgetc(pipe) != EOF;
  if (pipe) pclose(pipe);
  return any;
}

/// quoted() text for a script whose `format` is svg or png: a PNG is drawn with the fonts of this
/// machine, and what they lack, which would be boxes, becomes a middle dot.
inline std::string drawable(const std::string& text) {
  std::string png;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t n = std::max<std::size_t>(1, foglift::utf8::character_size(text, at));
    const std::string one = text.substr(at, n);
    std::uint32_t code = static_cast<unsigned char>(one[0]);
    if (n > 1) {
      code &= 0xFFu >> (n + 1);
      for (std::size_t k = 1; k < n; ++k)
        code = code << 6 | (static_cast<unsigned char>(one[k]) & 0x3Fu);
    }
    png += has_glyph(code) ? one : "\u00B7";
    at += n;
  }
  return png == text
             ? gnuplot::quoted(text)
             : "(format eq 'svg' ? " + gnuplot::quoted(text) + " : " + gnuplot::quoted(png) + ')';
}

/// Lets gnuplot run a script of a folder, from there. False if there is no gnuplot, or it failed.
inline bool run(const std::string& folder, const std::string& script) {
  if (std::system("command -v gnuplot > /dev/null 2>&1") != 0) return false;
  FILE* pipe = popen("gnuplot > /dev/null 2>&1", "w");
  if (!pipe) return false;
  std::fprintf(pipe, "cd %s\nload %s\n", quoted(folder).c_str(), quoted(script).c_str());
  return pclose(pipe) == 0;
}

}  // namespace gnuplot
