#pragma once

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

/// Lets gnuplot run a script of a folder, from there. False if there is no gnuplot, or it failed.
inline bool run(const std::string& folder, const std::string& script) {
  if (std::system("command -v gnuplot > /dev/null 2>&1") != 0) return false;
  FILE* pipe = popen("gnuplot > /dev/null 2>&1", "w");
  if (!pipe) return false;
  std::fprintf(pipe, "cd %s\nload %s\n", quoted(folder).c_str(), quoted(script).c_str());
  return pclose(pipe) == 0;
}

}  // namespace gnuplot
