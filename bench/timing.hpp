#pragma once

#include "foglift/core/shape.hpp"

#include <algorithm>
#include <chrono>
#include <vector>

namespace foglift::bench {

inline double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Keeps what `p` points to alive, and unknown to the compiler.
inline void escape(const void* p) { asm volatile("" : : "g"(p) : "memory"); }

/// Seconds of one call of f, called for at least `least` seconds.
template <class F>
double seconds_of(const F& f, double least = 1e-4) {
  for (Index calls = 1;; calls *= 2) {
    const auto start = std::chrono::steady_clock::now();
    for (Index i = 0; i < calls; ++i) f();
    const double seconds = seconds_since(start);
    if (seconds >= least) return seconds / static_cast<double>(calls);
  }
}

inline double median(std::vector<double> v) {
  const auto middle = v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2);
  std::nth_element(v.begin(), middle, v.end());
  return *middle;
}

}  // namespace foglift::bench
