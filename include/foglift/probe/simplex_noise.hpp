#pragma once

#include "foglift/core/rng.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <span>

namespace foglift::inline v0::probe::noise {

namespace detail {

/// Simplex noise in the plane (Perlin 2001; Gustavson 2005): in each triangle of a skewed grid the
/// sum over corners of max(0, 1/2 - r^2)^4 g . r, g the corner's gradient, a unit vector drawn by
/// (rng, corner). Its mean is 0 at every point.
inline double simplex(double x, double y, const Rng& rng, std::uint64_t sample) {
  constexpr double skew = (std::numbers::sqrt3 - 1) / 2, unskew = (3 - std::numbers::sqrt3) / 6;
  const double s = (x + y) * skew, i = std::floor(x + s), j = std::floor(y + s);
  const double x0 = x - (i - (i + j) * unskew), y0 = y - (j - (i + j) * unskew);
  const double right = x0 > y0 ? 1 : 0;  // the lower triangle is passed by the right
  const std::array<std::array<double, 2>, 3> corners{{{0, 0}, {right, 1 - right}, {1, 1}}};
  double sum = 0;
  for (const auto& [di, dj] : corners) {
    const double rx = x0 - di + (di + dj) * unskew, ry = y0 - dj + (di + dj) * unskew;
    const double t = 0.5 - rx * rx - ry * ry;
    if (t <= 0) continue;
    const auto at = [](double v) {
      return static_cast<std::uint64_t>(static_cast<std::int64_t>(v));
    };
    const std::uint64_t corner = (at(i + di) << 32) ^ (at(j + dj) & 0xffffffff);
    const double angle = 2 * std::numbers::pi * rng.stream(corner).uniform(sample);
    sum += t * t * t * t * (std::cos(angle) * rx + std::sin(angle) * ry);
  }
  return sum;
}

/// The mean of simplex()^2 over the plane. Gradients are independent and uniform, so a corner adds
/// the integral of t^8 r^2 / 2 over its disc, pi / 2 (1/2)^10 8! / 10!, on the area that a corner
/// has, 1 / sqrt(3).
inline constexpr double simplex_variance =
    std::numbers::pi * std::numbers::sqrt3 / 2 / (1024.0 * 90.0);

}  // namespace detail

/// Octaves of simplex noise of variance 1: sum over n < octaves of persistence^n simplex(2^n p /
/// period), p in pixels (AnoDDPM, Wyatt et al. 2022, with 6 octaves, persistence 0.8 and period 64,
/// whose noise has a deviation of 0.48 and a mean that drifts). Here each octave is shifted by a
/// random offset, which gives every pixel the same law, and the sum is divided by its deviation. A
/// noise policy: each example its own, the same at every level, and each channel.
class Simplex {
 public:
  struct Options {
    Index octaves = 6;
    double persistence = 0.8, period = 64;
  };

  /// Of images [height, width, channels]. Throws ArgumentError for extents, octaves or a period
  /// that are not positive.
  Simplex(Rng rng, Index height, Index width, Index channels, Options o)
      : rng_(rng), height_(height), width_(width), channels_(channels), options_(o) {
    if (height < 1 || width < 1 || channels < 1 || o.octaves < 1 || !(o.period > 0) ||
        !(o.persistence > 0))
      raise<ArgumentError>("noise::Simplex: ", o.octaves, " octaves of persistence ", o.persistence,
                           " and period ", o.period, " on ", height, " x ", width, " x ", channels);
    double total = 0;
    for (Index n = 0; n < o.octaves; ++n)
      total += std::pow(o.persistence, 2 * static_cast<double>(n));
    scale_ = 1 / std::sqrt(total * detail::simplex_variance);
  }
  Simplex(Rng rng, Index height, Index width, Index channels)
      : Simplex(rng, height, width, channels, Options()) {}

  static constexpr Index draws() { return 1; }

  /// Throws ShapeError for an example of another size.
  template <Scalar T>
  void fill(std::span<T> eps, std::uint64_t sample, Index, Index draw) const {
    if (std::ssize(eps) != height_ * width_ * channels_)
      raise<ShapeError>("noise::Simplex: ", eps.size(), " elements, needed ",
                        height_ * width_ * channels_);
    std::fill(eps.begin(), eps.end(), T(0));
    for (Index n = 0; n < options_.octaves; ++n)
      for (Index c = 0; c < channels_; ++c) {
        const Rng own = rng_.stream(static_cast<std::uint64_t>(draw * channels_ + c))
                            .stream(static_cast<std::uint64_t>(n));
        const double step = std::pow(2.0, static_cast<double>(n)) / options_.period;
        const double gain = scale_ * std::pow(options_.persistence, static_cast<double>(n));
        // Some thousand cells of the grid away, in both directions.
        const double x = 4096 * own.uniform(sample, 1), y = 4096 * own.uniform(sample, 2);
        for (Index p = 0; p < height_ * width_; ++p)
          eps[static_cast<std::size_t>(p * channels_ + c)] += static_cast<T>(
              gain * detail::simplex(x + step * static_cast<double>(p % width_),
                                     y + step * static_cast<double>(p / width_), own, sample));
      }
  }

 private:
  Rng rng_;
  Index height_, width_, channels_;
  Options options_;
  double scale_;
};

}  // namespace foglift::inline v0::probe::noise
