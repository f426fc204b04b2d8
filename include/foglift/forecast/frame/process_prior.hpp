#pragma once

#include "foglift/forecast/frame/window.hpp"

#include <cmath>
#include <numbers>

namespace foglift::inline v0::forecast {

/// How the values of a Gaussian process hang together at a distance of d cells.
enum class Kernel {
  ornstein_uhlenbeck,   ///< exp(-d / length)
  squared_exponential,  ///< exp(-d^2 / (2 length^2))
  periodic              ///< exp(-2 sin^2(pi d / period) / length^2)
};

struct ProcessOptions {
  Kernel kernel = Kernel::ornstein_uhlenbeck;
  double length = 10;  ///< in cells; of the periodic kernel without a unit
  double period = 24;  ///< in cells
  double noise = 0.1;  ///< standard deviation of each value by itself

  /// Throws ArgumentError for a number that is not positive.
  void check(const char* where) const {
    if (!(length > 0 && period > 0 && noise > 0))
      raise<ArgumentError>(where, ": length ", length, ", period ", period, ", noise ", noise,
                           "; all must be positive");
  }
  double operator()(Index d) const {
    const auto x = static_cast<double>(d);
    if (kernel == Kernel::ornstein_uhlenbeck) return std::exp(-std::abs(x) / length);
    if (kernel == Kernel::squared_exponential) return std::exp(-x * x / (2 * length * length));
    const double s = std::sin(std::numbers::pi * x / period);
    return std::exp(-2 * s * s / (length * length));
  }
};

/// What a Gaussian process of mean 0 and variance 1 says of the horizon given the known values of a
/// window, channel by channel: N(mean, L L^T) (Rasmussen & Williams 2006, algorithm 2.1, with the
/// noise of new values).
class ProcessPrior {
 public:
  Tensor<double> mean;    ///< [B, H, K]
  Tensor<double> factor;  ///< [B, K, H, H] lower triangular

  ProcessPrior(const Window& window, Index horizon, const ProcessOptions& o)
      : mean({window.values.dim(0), horizon, window.values.dim(2)}),
        factor({window.values.dim(0), window.values.dim(2), horizon, horizon}) {
    for (Index b = 0; b < mean.dim(0); ++b)
      for (Index k = 0; k < mean.dim(2); ++k) condition(window, o, b, k);
  }

  /// mean + L z of z [N, H, K]; of one row of the prior, or as many.
  Tensor<float> shifted(const Tensor<float>& z) const { return multiplied(z, true); }
  /// L z.
  Tensor<float> scaled(const Tensor<float>& z) const { return multiplied(z, false); }
  /// L^-1 (y - mean); where a mask is given and 0, y is taken for the mean.
  Tensor<float> whitened(const Tensor<float>& y, const Tensor<float>& mask) const {
    return solved(y, &mask);
  }
  /// L^-1 y.
  Tensor<float> unscaled(const Tensor<float>& y) const { return solved(y, nullptr); }

 private:
  /// The lower factor of the symmetric [n, n] matrix a, in its place.
  static void cholesky(double* a, Index n) {
    for (Index i = 0; i < n; ++i)
      for (Index j = 0; j <= i; ++j) {
        double sum = a[i * n + j];
        for (Index c = 0; c < j; ++c) sum -= a[i * n + c] * a[j * n + c];
        a[i * n + j] = i == j ? std::sqrt(sum) : sum / a[j * n + j];
      }
    for (Index i = 0; i < n; ++i) std::fill_n(a + i * n + i + 1, n - i - 1, 0.0);
  }

  void condition(const Window& window, const ProcessOptions& o, Index b, Index k) {
    const Index H = mean.dim(1), C = window.values.dim(1) - H;
    std::vector<Index> seen;
    for (Index t = 0; t < C; ++t)
      if (window.mask(b, t, k) != 0) seen.push_back(t);
    const Index n = std::ssize(seen);
    const auto at = [&](Index i) { return seen[static_cast<std::size_t>(i)]; };
    Tensor<double> known({n, n}), cross({n, H + 1});  // L^-1 [K(seen, horizon) | y]
    for (Index i = 0; i < n; ++i)
      for (Index j = 0; j <= i; ++j)
        known(i, j) = o(at(i) - at(j)) + (i == j ? o.noise * o.noise : 0);
    if (n > 0) cholesky(known.data(), n);
    for (Index i = 0; i < n; ++i)
      for (Index h = 0; h <= H; ++h) {
        double sum = h < H ? o(C + h - at(i)) : static_cast<double>(window.values(b, at(i), k));
        for (Index j = 0; j < i; ++j) sum -= known(i, j) * cross(j, h);
        cross(i, h) = sum / known(i, i);
      }
    double* const L = factor.data() + (b * factor.dim(1) + k) * H * H;
    for (Index h = 0; h < H; ++h)
      for (Index g = 0; g <= H; ++g) {
        double sum = g == H ? 0 : o(h - g) + (g == h ? o.noise * o.noise : 0);
        for (Index i = 0; i < n; ++i) sum += (g == H ? 1 : -1) * cross(i, h) * cross(i, g);
        (g == H ? mean(b, h, k) : L[h * H + g]) = sum;
      }
    cholesky(L, H);
  }

  const double* factor_of(Index row, Index k) const {
    const Index H = mean.dim(1), b = mean.dim(0) == 1 ? 0 : row;
    return factor.data() + (b * mean.dim(2) + k) * H * H;
  }
  double mean_of(Index row, Index h, Index k) const {
    return mean(mean.dim(0) == 1 ? 0 : row, h, k);
  }
  void check(const Shape& x) const {
    if (x.rank() != 3 || x[1] != mean.dim(1) || x[2] != mean.dim(2) ||
        (mean.dim(0) != 1 && x[0] != mean.dim(0)))
      raise<ShapeError>("ProcessPrior: ", x, " for a prior of ", mean.shape());
  }
  Tensor<float> multiplied(const Tensor<float>& z, bool shift) const {
    check(z.shape());
    const Index H = mean.dim(1);
    Tensor<float> out(z.shape());
    for (Index b = 0; b < z.dim(0); ++b)
      for (Index k = 0; k < z.dim(2); ++k) {
        const double* const L = factor_of(b, k);
        for (Index h = 0; h < H; ++h) {
          double sum = shift ? mean_of(b, h, k) : 0;
          for (Index g = 0; g <= h; ++g) sum += L[h * H + g] * static_cast<double>(z(b, g, k));
          out(b, h, k) = static_cast<float>(sum);
        }
      }
    return out;
  }
  Tensor<float> solved(const Tensor<float>& y, const Tensor<float>* mask) const {
    check(y.shape());
    const Index H = mean.dim(1);
    Tensor<float> out(y.shape());
    std::vector<double> z(static_cast<std::size_t>(H));
    for (Index b = 0; b < y.dim(0); ++b)
      for (Index k = 0; k < y.dim(2); ++k) {
        const double* const L = factor_of(b, k);
        for (Index h = 0; h < H; ++h) {
          double sum = static_cast<double>(y(b, h, k));
          if (mask) sum = (*mask)(b, h, k) != 0 ? sum - mean_of(b, h, k) : 0;
          for (Index g = 0; g < h; ++g) sum -= L[h * H + g] * z[static_cast<std::size_t>(g)];
          sum /= L[h * H + h];
          z[static_cast<std::size_t>(h)] = sum;
          out(b, h, k) = static_cast<float>(sum);
        }
      }
    return out;
  }
};

}  // namespace foglift::inline v0::forecast
