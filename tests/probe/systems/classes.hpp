#pragma once

// Exact denoisers of normal classes, and noises that make expectations exact, for tests of errors.

#include "foglift/diffusion/analytic/gaussian.hpp"
#include "foglift/probe/noise_error.hpp"

#include <cmath>
#include <vector>

namespace probe_test {

using foglift::Index;
using foglift::Level;
using foglift::Tensor;

/// lambda from 15 to -15, evenly in time.
struct WideSchedule {
  Level at(double t) const {
    const double lambda = 15 - 30 * t;
    return {t, 1 / std::sqrt(1 + std::exp(-2 * lambda)), 1 / std::sqrt(1 + std::exp(2 * lambda))};
  }
  double time(double lambda) const { return (15 - lambda) / 30; }
};

/// +-sqrt(n) times the unit vectors, in turn: their mean is 0 and their covariance 1, so the mean
/// over them of anything quadratic in the noise is its expectation.
struct UnitNoises {
  Index n;
  Index draws() const { return 2 * n; }
  template <foglift::Scalar T>
  void fill(std::span<T> eps, std::uint64_t, Index, Index draw) const {
    std::fill(eps.begin(), eps.end(), T(0));
    eps[static_cast<std::size_t>(draw / 2)] =
        static_cast<T>((draw % 2 ? -1 : 1) * std::sqrt(static_cast<double>(n)));
  }
};

/// Classes of independent normal elements.
struct Classes {
  std::vector<std::vector<double>> means, variances;

  double log_density(Index c, const double* x) const {
    const auto k = static_cast<std::size_t>(c);
    double sum = 0;
    for (std::size_t j = 0; j < means[k].size(); ++j) {
      const double d = x[j] - means[k][j], v = variances[k][j];
      sum -= 0.5 * (d * d / v + std::log(2 * M_PI * v));
    }
    return sum;
  }
  foglift::analytic::Gaussian law(Index c) const {
    const auto k = static_cast<std::size_t>(c);
    return {means[k], variances[k]};
  }

  /// The exact denoiser of a batch of examples of these classes.
  struct Told {
    const Classes& classes;
    std::vector<Index> labels;
    Tensor<double> operator()(const Tensor<double>& x, const Level& level) const {
      Tensor<double> out(x.shape());
      for (Index b = 0; b < x.dim(0); ++b) {
        const auto row = classes.law(labels[static_cast<std::size_t>(b)])(x.rows(b, 1), level);
        std::copy(row.begin(), row.end(), out.data() + b * x.row_size());
      }
      return out;
    }
  };
  Told operator()(const std::vector<Index>& labels) const { return {*this, labels}; }
};

}  // namespace probe_test
