#pragma once

#include <cstdio>
#include <string>

/// printf's text.
template <class... Args>
std::string text(const char* format, Args... args) {
  std::string out(static_cast<std::size_t>(std::snprintf(nullptr, 0, format, args...)), ' ');
  std::snprintf(out.data(), out.size() + 1, format, args...);
  return out;
}
