#pragma once

#include "foglift/core/error.hpp"
#include "foglift/core/rng.hpp"

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <span>

namespace foglift::inline v0::probe {

/// Which noise an example is shown with: fill(eps, sample, level, draw) writes standard normals for
/// one example, by its number in the data, the position of the noise level and the draw, of which
/// features are the mean over draws().
template <class P>
concept NoisePolicy = requires(const P& p, std::span<double> eps) {
  { p.draws() } -> std::convertible_to<Index>;
  p.fill(eps, std::uint64_t{}, Index{}, Index{});
};

/// Policies of noise. What they draw depends on the generator and their arguments alone, so an
/// example's features do not depend on the others, on the batch or on the threads.
namespace noise {

/// Each example its own, the same at every level: levels and networks are compared on the same
/// noise.
struct Fixed {
  Rng rng;
  static constexpr Index draws() { return 1; }
  template <Scalar T>
  void fill(std::span<T> eps, std::uint64_t sample, Index, Index draw) const {
    rng.fill_normal(eps, sample, static_cast<std::uint32_t>(draw));
  }
};

/// Each example its own, another at each level.
struct Fresh {
  Rng rng;
  static constexpr Index draws() { return 1; }
  template <Scalar T>
  void fill(std::span<T> eps, std::uint64_t sample, Index level, Index draw) const {
    rng.stream(static_cast<std::uint64_t>(level))
        .fill_normal(eps, sample, static_cast<std::uint32_t>(draw));
  }
};

/// One for all examples and levels.
struct Shared {
  Rng rng;
  static constexpr Index draws() { return 1; }
  template <Scalar T>
  void fill(std::span<T> eps, std::uint64_t, Index, Index draw) const {
    rng.fill_normal(eps, 0, static_cast<std::uint32_t>(draw));
  }
};

/// None: the network is shown alpha x0.
struct None {
  static constexpr Index draws() { return 1; }
  template <Scalar T>
  void fill(std::span<T> eps, std::uint64_t, Index, Index) const {
    std::fill(eps.begin(), eps.end(), T(0));
  }
};

/// Features are the mean over so many draws of another policy (DIFT, Tang et al. 2023, takes 8).
/// Throws ArgumentError for less than one.
template <class P>
class Mean {
 public:
  Mean(P policy, Index draws) : policy_(policy), draws_(draws) {
    if (draws < 1) raise<ArgumentError>("noise::Mean: ", draws, " draws, at least 1 is needed");
  }
  Index draws() const { return draws_; }
  template <Scalar T>
  void fill(std::span<T> eps, std::uint64_t sample, Index level, Index draw) const {
    policy_.fill(eps, sample, level, draw);
  }

 private:
  P policy_;
  Index draws_;
};

}  // namespace noise
}  // namespace foglift::inline v0::probe
