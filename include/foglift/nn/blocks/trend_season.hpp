#pragma once

#include "foglift/autograd/ops/activation.hpp"
#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/autograd/ops/linear.hpp"
#include "foglift/autograd/ops/shape_ops.hpp"
#include "foglift/nn/layers/conv.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace foglift::inline v0::nn {

struct TrendOptions {
  Index length = 0;  ///< of the series
  Index width = 0;   ///< channels that it is made from
  Index out = 0;
  Index degree = 3;
};

/// The trend of Diffusion-TS (Yuan & Qiao 2024): x [B, length, width] -> a polynomial
/// in time for each of the `out` channels, [B, length, out], without a constant. Its coefficients
/// come from a convolution over the width, whose channels are the times, and one over the degrees.
template <Scalar T = float>
class TrendBlock : public Layer<T, TrendOptions> {
 public:
  Conv1d<T> across, coefficients;

  /// Throws ArgumentError for an extent that is not positive.
  explicit TrendBlock(const TrendOptions& o, Rng& rng)
      : across({.in = o.length, .out = o.degree}, rng),
        coefficients({.in = o.width, .out = o.out}, rng),
        powers_(powers(o.length, o.degree)) {}

  template <ValueOf<T> X>
  X operator()(const X& x) const {
    const X each = gelu(across(transpose(x, 1, 2)));  // [B, width, degree]
    return synthesis(coefficients(transpose(each, 1, 2)));
  }

  /// The polynomials of coefficients [B, degree, out] of t, t^2, ..., where cell i of the length L
  /// is at t = (i + 1) / (L + 1).
  template <ValueOf<T> X>
  X synthesis(const X& c) const {
    return transpose(linear(transpose(c, 1, 2), constant(powers_, c)), 1, 2);
  }

  FOGLIFT_CHILDREN(across, coefficients);

 private:
  static Tensor<T> powers(Index length, Index degree) {
    Tensor<T> out({degree, length});
    for (Index p = 0; p < degree; ++p)
      for (Index i = 0; i < length; ++i)
        out(p, i) =
            static_cast<T>(std::pow(static_cast<double>(i + 1) / static_cast<double>(length + 1),
                                    static_cast<double>(p + 1)));
    return out;
  }

  Tensor<T> powers_;  // [degree, length]
};

/// The real discrete Fourier transform as an orthonormal matrix [n, n], whose columns are the mean,
/// cosine and sine of one period, of two, ..., and of an even n the alternating sign. x [..., n]
/// times it are the coefficients, times its transpose the series again.
template <Scalar T>
Tensor<T> fourier_basis(Index n) {
  Tensor<T> out({n, n});
  const auto N = static_cast<double>(n);
  for (Index t = 0; t < n; ++t)
    for (Index j = 0; j < n; ++j) {
      const Index k = (j + 1) / 2;
      const double angle = 2 * std::numbers::pi * static_cast<double>(k * t % n) / N;
      const double size = std::sqrt((k == 0 || 2 * k == n ? 1 : 2) / N);
      out(t, j) = static_cast<T>(size * (j % 2 == 1 || k == 0 ? std::cos(angle) : std::sin(angle)));
    }
  return out;
}

struct SeasonOptions {
  Index length = 0;       ///< of the series
  Index frequencies = 0;  ///< that are kept of each channel; 0: ln of their number
};

/// The season of Diffusion-TS (Yuan & Qiao 2024): of each channel of x [B, width,
/// length] the frequencies of the largest amplitudes, and nothing else; neither the mean nor, of an
/// even length, the highest one. Exact for a sum of so many periodic waves, where the authors'
/// program returns it times the length.
template <Scalar T = float>
class SeasonBlock {
 public:
  /// Throws ArgumentError for a length below 3, or more frequencies than there are.
  explicit SeasonBlock(const SeasonOptions& o) : kept_(o.frequencies) {
    const Index all = (o.length - 1) / 2;
    if (all < 1 || kept_ < 0 || kept_ > all)
      raise<ArgumentError>("SeasonBlock: length ", o.length, ", frequencies ", kept_,
                           "; needed a length of 3, and no more frequencies than fit in");
    if (kept_ == 0)
      kept_ = std::max<Index>(1, static_cast<Index>(std::log(static_cast<double>(all))));
    basis_ = fourier_basis<T>(o.length);
    back_ = transpose(basis_, 0, 1);
  }

  template <ValueOf<T> X>
  X operator()(const X& x) const {
    const X spectrum = linear(x, constant(basis_, x));
    return linear(constant(largest(value_of(spectrum)), x) * spectrum, constant(back_, x));
  }

 private:
  /// 1 at the cosines and sines that are kept, else 0.
  Tensor<T> largest(const Tensor<T>& spectrum) const {
    const Index L = spectrum.dim(-1), all = (L - 1) / 2;
    Tensor<T> out(spectrum.shape());
    std::vector<Index> order(static_cast<std::size_t>(all));
    for (Index at = 0; at < spectrum.size(); at += L) {
      const auto power = [&](Index k) {
        const T c = spectrum[at + 2 * k - 1], s = spectrum[at + 2 * k];
        return c * c + s * s;
      };
      for (Index k = 1; k <= all; ++k) order[static_cast<std::size_t>(k - 1)] = k;
      std::partial_sort(order.begin(), order.begin() + kept_, order.end(), [&](Index a, Index b) {
        return power(a) != power(b) ? power(a) > power(b) : a < b;
      });
      for (Index i = 0; i < kept_; ++i) {
        const Index k = order[static_cast<std::size_t>(i)];
        out[at + 2 * k - 1] = out[at + 2 * k] = 1;
      }
    }
    return out;
  }

  Index kept_;
  Tensor<T> basis_, back_;  // [length, length]
};

}  // namespace foglift::inline v0::nn
