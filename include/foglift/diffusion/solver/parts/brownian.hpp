#pragma once

#include "foglift/diffusion/solver/parts/step_rng.hpp"

#include <algorithm>
#include <cmath>

namespace foglift::inline v0 {

/// One Wiener path for each sample, whatever the steps: a run of 2n steps refines the run of n, so
/// its samples converge instead of being drawn anew (Kloeden & Platen 1992, section 9.3, strong
/// convergence). Pass it in SampleOptions::noise.
///
///   const BrownianPath path(Rng(3));
///   auto x = sample(solver::Ddpm{}, denoise, {64, 24}, grid, rng, {.noise = &path});
///
/// Nothing is stored: the path is a function of (generator, sample, clock). The clock is cut into
/// octaves [2^k, 2^(k+1)), each an independent path found by Levy's midpoint construction, so that
/// times close together, at any scale, share all but their last bisections. An increment costs some
/// 40 times fresh noise. Draws that are no increments are keyed by their step, as without a path.
class BrownianPath final : public NoiseSource {
 public:
  explicit BrownianPath(const Rng& rng) : rng_(rng) {}

  void fill(std::span<double> out, const NoiseRequest& request) const override {
    if (!request.increment()) {
      rng_.stream(fresh).stream(request.draw).fill_normal(out, request.sample, request.step);
      return;
    }
    // W(to) - W(from), octave by octave, never W itself: near the end of a run the increments are
    // much smaller than W.
    auto z = Tensor<double>::uninitialized({static_cast<Index>(out.size())});
    const std::span<double> normals(z.data(), out.size());
    std::fill(out.begin(), out.end(), 0.0);
    const int first = octave(request.from), last = octave(request.to);
    if (first == last) {
      within(out, normals, request.sample, first, request.from, -1);
      within(out, normals, request.sample, first, request.to, 1);
    } else {
      within(out, normals, request.sample, first, request.from, -1);
      for (int k = first; k < last; ++k) whole(out, normals, request.sample, k, 1);
      within(out, normals, request.sample, last, request.to, 1);
    }
    const double scale = 1 / std::sqrt(request.to - request.from);
    for (double& v : out) v *= scale;
  }

 private:
  // Octave `lowest` reaches down to 0; a ratio of signal to noise below 2^-60 is noise alone.
  static constexpr int lowest = -60, depth = 20;
  static constexpr std::uint64_t fresh = 0, path = 1;

  static int octave(double clock) {
    return clock < std::ldexp(1.0, lowest) ? lowest - 1 : std::ilogb(clock);
  }
  static double begin(int k) { return k < lowest ? 0 : std::ldexp(1.0, k); }
  static double length(int k) { return std::ldexp(1.0, std::max(k, lowest)); }

  void normals(std::span<double> out, std::uint64_t sample, int k, std::uint32_t node) const {
    rng_.stream(path)
        .stream(static_cast<std::uint64_t>(k - lowest + 1))
        .fill_normal(out, sample, node);
  }

  /// out += sign (W(end) - W(begin)) of octave k.
  void whole(std::span<double> out, std::span<double> z, std::uint64_t sample, int k,
             double sign) const {
    normals(z, sample, k, 0);
    const double scale = sign * std::sqrt(length(k));
    for (std::size_t i = 0; i < out.size(); ++i) out[i] += scale * z[i];
  }

  /// out += sign (W(clock) - W(begin)) of octave k. With V the path of the octave stretched to [0,
  /// 1], V(1) = z_0 and the middle of [a, b] is (V(a) + V(b)) / 2 + sqrt(b - a) / 2 z_node. V(u) is
  /// a sum of these normals with weights that follow from the same bisection (the tent functions of
  /// Schauder); where it ends, one last normal has the variance that is left.
  void within(std::span<double> out, std::span<double> z, std::uint64_t sample, int k, double clock,
              double sign) const {
    double u = (clock - begin(k)) / length(k);
    const double scale = sign * std::sqrt(length(k));
    const auto add = [&](std::uint32_t node, double weight) {
      if (weight == 0) return;
      normals(z, sample, k, node);
      for (std::size_t i = 0; i < out.size(); ++i) out[i] += scale * weight * z[i];
    };
    add(0, u);
    std::uint32_t node = 1;
    double size = 1;  // of the interval [a, b]; u is the place in it, from 0 to 1
    for (int level = 0; level < depth && u > 0; ++level) {
      add(node, 0.5 * std::sqrt(size) * (u < 0.5 ? 2 * u : 2 * (1 - u)));
      const bool right = u >= 0.5;
      u = right ? 2 * u - 1 : 2 * u;
      node = 2 * node + (right ? 1 : 0);
      size *= 0.5;
    }
    add(node, std::sqrt(size * u * (1 - u)));
  }

  Rng rng_;
};

}  // namespace foglift::inline v0
