#pragma once

#include "foglift/core/parallel.hpp"
#include "foglift/core/rng.hpp"
#include "foglift/forecast/simulate/course_shape.hpp"

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>

namespace foglift::inline v0::forecast {

/// A system whose course is computed, in equal steps of time, the snapshots:
///   initial(rng, sample)   a random state [..., channels], of the sample alone
///   advance(state)         a state becomes that of the next snapshot
template <class S>
concept Simulator = requires(const S& system, Tensor<double>& state, const Rng& rng) {
  { system.initial(rng, std::uint64_t{0}) } -> std::same_as<Tensor<double>>;
  { system.advance(state) } -> std::same_as<void>;
};

/// Courses of a system from random states on: [count, snapshots + 1, ..., channels], course i being
/// that of sample first + i, whatever the count and the threads. Throws ArgumentError unless count
/// and snapshots are positive, NumericError for a course that leaves the finite numbers.
///
///   const forecast::Wave wave({.points = 32});
///   const Tensor<double> courses = forecast::simulate(wave, 100, 40, Rng(1));
template <Simulator S>
Tensor<double> simulate(const S& system, Index count, Index snapshots, const Rng& rng,
                        std::uint64_t first = 0) {
  if (count < 1 || snapshots < 1)
    raise<ArgumentError>("simulate: ", count, " courses of ", snapshots,
                         " snapshots, needed at least 1 of each");
  const Shape state = system.initial(rng, first).shape();
  const Index n = state.size();
  Tensor<double> out(course_shape({count, snapshots + 1}, state));
  parallel_for(count, 1, [&](Index i) {
    Tensor<double> x = system.initial(rng, first + static_cast<std::uint64_t>(i));
    double* to = out.data() + i * (snapshots + 1) * n;
    for (Index t = 0; t <= snapshots; ++t) {
      if (t > 0) system.advance(x);
      for (const double v : x)
        if (!std::isfinite(v))
          raise<NumericError>("simulate: course ", i, " is not finite at snapshot ", t);
      to = std::copy(x.begin(), x.end(), to);
    }
  });
  return out;
}

}  // namespace foglift::inline v0::forecast
