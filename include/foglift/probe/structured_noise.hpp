#pragma once

#include "foglift/core/rng.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>
#include <vector>

namespace foglift::inline v0::probe::noise {

/// Noise with a power law over frequencies, of variance 1 at every position: a sum over the waves
/// of a periodic grid, of random phase and normal amplitude, with variance in proportion to
/// frequency^-exponent; 0 is white, 2 the field of Brownian surfaces. The mean over positions,
/// which has no frequency, gets what the lowest frequency has. A noise policy: each example its
/// own, the same at every level, each channel apart from the others. Work grows with H W (H + W).
class PowerLaw {
 public:
  /// Of images [H, W, channels], H = 1 for series. Throws ArgumentError for an extent below 1 or an
  /// exponent that is negative or not finite.
  PowerLaw(Rng rng, double exponent, Index height, Index width, Index channels)
      : rng_(rng), height_(height), width_(width), channels_(channels) {
    if (height < 1 || width < 1 || channels < 1 || !(exponent >= 0 && std::isfinite(exponent)))
      raise<ArgumentError>("noise::PowerLaw: exponent ", exponent, " on ", height, " x ", width,
                           " x ", channels);
    double total = 0;
    for (Index u = 0; u < height; ++u)
      for (Index v = 0; v < width; ++v) {
        // The frequency in waves a pixel; u and height - u are one wave in both directions.
        const double fu = frequency(u, height), fv = frequency(v, width);
        const double lowest = 1 / static_cast<double>(std::max(height, width));
        const double power = std::pow(std::max(std::hypot(fu, fv), lowest), -exponent);
        amplitude_.push_back(std::sqrt(power));
        total += power;
      }
    for (double& a : amplitude_) a /= std::sqrt(total);
  }

  static constexpr Index draws() { return 1; }

  /// Throws ShapeError for an example of another size.
  template <Scalar T>
  void fill(std::span<T> eps, std::uint64_t sample, Index, Index draw) const {
    const Index positions = height_ * width_;
    if (std::ssize(eps) != positions * channels_)
      raise<ShapeError>("noise::PowerLaw: ", eps.size(), " elements, needed ",
                        positions * channels_);
    std::vector<double> z(static_cast<std::size_t>(2 * positions * channels_));
    rng_.fill_normal(std::span<double>(z), sample, static_cast<std::uint32_t>(draw));
    for (Index c = 0; c < channels_; ++c) {
      const double* const at = z.data() + 2 * positions * c;
      const std::vector<double> field =
          sum_of_waves({at, static_cast<std::size_t>(positions)},
                       {at + positions, static_cast<std::size_t>(positions)});
      for (Index p = 0; p < positions; ++p)
        eps[static_cast<std::size_t>(p * channels_ + c)] =
            static_cast<T>(field[static_cast<std::size_t>(p)]);
    }
  }

 private:
  static double frequency(Index u, Index n) {
    return static_cast<double>(std::min(u, n - u)) / static_cast<double>(n);
  }

  /// The real part of sum over u, v of amplitude (a + i b) exp(2 pi i (u y / H + v x / W)), first
  /// over v and then over u.
  std::vector<double> sum_of_waves(std::span<const double> a, std::span<const double> b) const {
    const Index H = height_, W = width_;
    std::vector<double> re(a.size()), im(a.size()), out(a.size());
    const auto wave = [](Index k, Index x, Index n) {
      const double angle =
          2 * std::numbers::pi * static_cast<double>(k * x % n) / static_cast<double>(n);
      return std::pair(std::cos(angle), std::sin(angle));
    };
    for (Index u = 0; u < H; ++u)
      for (Index x = 0; x < W; ++x)
        for (Index v = 0; v < W; ++v) {
          const auto [c, s] = wave(v, x, W);
          const auto at = static_cast<std::size_t>(u * W + v),
                     to = static_cast<std::size_t>(u * W + x);
          re[to] += amplitude_[at] * (a[at] * c - b[at] * s);
          im[to] += amplitude_[at] * (a[at] * s + b[at] * c);
        }
    for (Index y = 0; y < H; ++y)
      for (Index u = 0; u < H; ++u) {
        const auto [c, s] = wave(u, y, H);
        for (Index x = 0; x < W; ++x) {
          const auto at = static_cast<std::size_t>(u * W + x);
          out[static_cast<std::size_t>(y * W + x)] += re[at] * c - im[at] * s;
        }
      }
    return out;
  }

  Rng rng_;
  Index height_, width_, channels_;
  std::vector<double> amplitude_;  // [H, W], squares of sum 1
};

}  // namespace foglift::inline v0::probe::noise
