#pragma once

#include "bench/timing.hpp"
#include "foglift/core/tensor.hpp"
#include "foglift/kernels/simd.hpp"

#include <algorithm>

namespace foglift::bench {

// What one core can do at this moment: the yardstick of a kernel measured in the same round. On a
// shared machine both swing by a half from minute to minute, their quotient does not.

/// Floating-point operations a second (an FMA counts two) of the widest vectors on registers alone,
/// in the best of a few bursts of some ten microseconds.
inline double peak_flops() {
  using V = kernels::Lanes<float>;
  constexpr int chains = 10;  // 2 ports x 5 cycles: as many multiply-adds are in flight at once
  constexpr int steps = 4096, bursts = 4;
  float factors[2] = {0.999f, 0.001f};  // towards 1, so that nothing overflows or is denormal
  escape(factors);
  const V scale(factors[0]), shift(factors[1]);
  double best = 0;
  for (int burst = 0; burst < bursts; ++burst) {
    V sums[chains];
    for (int c = 0; c < chains; ++c) sums[c] = V(static_cast<float>(c));
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < steps; ++i)
      for (int c = 0; c < chains; ++c) sums[c] = fma(sums[c], scale, shift);
    const double seconds = seconds_since(start);
    V total = sums[0];
    for (int c = 1; c < chains; ++c) total = total + sums[c];
    escape(&total);
    best = std::max(best, 2.0 * chains * steps * V::count / seconds);
  }
  return best;
}

/// Bytes a second of a = b + s c over three arrays of `n` floats: two reads and a write, as STREAM
/// counts them.
class Triad {
 public:
  explicit Triad(Index n) : a_({n}), b_({n}, 1.0f), c_({n}, 2.0f) {}

  double operator()() {
    using V = kernels::Lanes<float>;
    const Index n = a_.size(), whole = n - n % V::count;
    const Index repeats = 1 + 65536 / n;  // some ten microseconds
    const V scale(0.5f);
    float *a = a_.data(), *b = b_.data(), *c = c_.data();
    const auto start = std::chrono::steady_clock::now();
    for (Index r = 0; r < repeats; ++r) {
      for (Index i = 0; i < whole; i += V::count)
        fma(scale, V::load(c + i), V::load(b + i)).store(a + i);
      escape(a);
    }
    return 12.0 * static_cast<double>(whole * repeats) / seconds_since(start);
  }

 private:
  Tensor<float> a_, b_, c_;
};

}  // namespace foglift::bench
