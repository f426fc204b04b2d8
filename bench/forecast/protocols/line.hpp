#pragma once

#include <chrono>
#include <cstdio>
#include <string>

/// Of a clock that only goes on.
inline double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Text by a form of printf, of at most 255 letters.
template <class... A>
std::string line(const char* form, A... a) {
  char text[256];
  std::snprintf(text, sizeof(text), form, a...);
  return text;
}
