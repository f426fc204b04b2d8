#pragma once

#include "foglift/core/rng.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace foglift::inline v0::likelihood {

/// How integers k = 0 ... bins - 1 lie on the scale of the data: value k is the interval [first + k
/// width, first + (k + 1) width). It carries what a density needs to become bits of the integers,
/// so that no number like 7 or 8 is added by hand.
struct Dequantised {
  Index bins = 256;
  double width = 1.0 / 256;
  double first = 0;

  /// x = (k + u) / bins, in [0, 1): 8 bits are added to those of the density for 256 bins.
  static Dequantised unit(Index bins = 256) { return {bins, 1 / static_cast<double>(bins), 0}; }
  /// x = 2 (k + u) / bins - 1, in [-1, 1): 7 bits for 256 bins.
  static Dequantised symmetric(Index bins = 256) {
    return {bins, 2 / static_cast<double>(bins), -1};
  }
  /// Values k at 2 k / (bins - 1) - 1, the middles of their intervals (Ho et al. 2020): log2 of
  /// 127.5 for 256 bins.
  static Dequantised centred(Index bins = 256) {
    const double width = 2 / static_cast<double>(bins - 1);
    return {bins, width, -1 - 0.5 * width};
  }

  /// Bits that a density's bits per dimension lack: log2 of the bins per unit of x.
  double offset() const { return -std::log2(width); }

  double lower(Index k) const { return first + static_cast<double>(k) * width; }
  double middle(Index k) const { return first + (static_cast<double>(k) + 0.5) * width; }
  /// The integer whose interval holds x, the first or last beyond them.
  Index bin(double x) const {
    const double k = std::floor((x - first) / width);
    return static_cast<Index>(std::clamp(k, 0.0, static_cast<double>(bins - 1)));
  }

  /// Throws ArgumentError unless there are two bins or more and the numbers are finite, width > 0.
  void check(const char* where) const {
    if (!(bins >= 2 && width > 0 && std::isfinite(width) && std::isfinite(first)))
      raise<ArgumentError>(where, ": ", bins, " bins of width ", width, " from ", first,
                           ", needed 2 or more, width > 0, finite");
  }
};

/// first + (k + u) width for integers k [B, ...], u uniform in [0, 1) and drawn for each element
/// (Uria et al. 2013; Theis et al. 2016): then the mean over u of ln p(x) + elements ln(width) is
/// at most ln P(k). Row b is sample first_sample + b of the generator. Throws ArgumentError for
/// what is no integer in [0, bins).
template <Scalar T>
Tensor<T> dequantise(Tensor<T> k, const Dequantised& scale, const Rng& rng,
                     std::uint64_t first_sample = 0) {
  scale.check("dequantise");
  const auto u = rng.uniform<double>(k.shape(), first_sample);
  for (Index i = 0; i < k.size(); ++i) {
    const double value = static_cast<double>(k[i]);
    if (!(value >= 0 && value < static_cast<double>(scale.bins) && value == std::floor(value)))
      raise<ArgumentError>("dequantise: value ", value, ", needed an integer in [0, ", scale.bins,
                           ")");
    k[i] = static_cast<T>(scale.first + (value + u[i]) * scale.width);
  }
  return k;
}

/// Bits per dimension [B] of log densities [B] in nats of samples of `elements` elements: -ln p /
/// (elements ln 2), the density being one in x itself.
inline Tensor<double> bits_per_dim(Tensor<double> nats, Index elements) {
  if (elements < 1)
    raise<ArgumentError>("bits_per_dim: samples of ", elements, " elements, needed at least 1");
  for (double& v : nats) v /= -static_cast<double>(elements) * std::numbers::ln2;
  return nats;
}
/// The same in bits of the integers that x was made of: an upper bound of their code length.
inline Tensor<double> bits_per_dim(Tensor<double> nats, Index elements, const Dequantised& scale) {
  scale.check("bits_per_dim");
  nats = bits_per_dim(std::move(nats), elements);
  for (double& v : nats) v += scale.offset();
  return nats;
}

}  // namespace foglift::inline v0::likelihood
