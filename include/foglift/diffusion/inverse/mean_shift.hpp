#pragma once

#include "foglift/diffusion/solver/ddpm.hpp"

#include <cmath>
#include <utility>

namespace foglift::inline v0::solver {

struct MeanShiftOptions {
  /// Where the gradient is taken. The derivation expands log p(y | x') around the mean of the next
  /// state x', at its level; the paper's algorithm and its program take the state before the step.
  enum class At { mean, state };
  double weight = 1;
  At at = At::mean;
};

/// Ancestral sampling with the mean moved by a classifier (Dhariwal & Nichol 2021, algorithm 1):
///   x' ~ N(mu + weight V gradient, V),  V = sigma'^2 (1 - q^2),  q = correlation(from, to),
/// gradient(x, levels) being that of log p(y | x), shape of x. In the limit of small steps it
/// samples what guide::Classifier does, which serves every solver.
template <class Gradient>
class MeanShift {
 public:
  using Options = MeanShiftOptions;
  using At = Options::At;
  static constexpr const char* name = "mean shift";
  static constexpr int order = always_noisy, weak_order = 1, evaluations = 1;

  /// Throws ArgumentError for a weight that is not finite.
  explicit MeanShift(Gradient gradient, Options options = {})
      : gradient_(std::move(gradient)), options_(options) {
    if (!std::isfinite(options_.weight))
      raise<ArgumentError>("solver::MeanShift: weight = ", options_.weight, ", must be finite");
  }

  template <Scalar T, Denoiser<T> D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise,
                 const StepRng& rng) const {
    const Tensor<T> x0 = ask(denoise, x, from);
    const double q = correlation(from, to), deviation = to.sigma * std::sqrt((1 - q) * (1 + q));
    const double shift = options_.weight * deviation * deviation;
    if (shift == 0) return transfer(std::move(x), x0, from, to, q * to.sigma, deviation, rng);
    Tensor<T> gradient;
    if (options_.at == At::state) {
      gradient = gradient_(std::as_const(x), from);
    } else {
      const Tensor<T> mean = transfer(x, x0, from, to, q * to.sigma, 0, rng);
      gradient = gradient_(mean, to);
    }
    x = transfer(std::move(x), x0, from, to, q * to.sigma, deviation, rng);
    return affine(1, std::move(x), shift, gradient);
  }

 private:
  Gradient gradient_;
  Options options_;
};

}  // namespace foglift::inline v0::solver
