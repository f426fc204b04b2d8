#pragma once

#include "foglift/diffusion/solver/parts/transfer.hpp"
#include "foglift/diffusion/variance_denoiser.hpp"

#include <cmath>

namespace foglift::inline v0::solver {

/// Ancestral sampling with the variances that a network has learned (Nichol & Dhariwal 2021,
/// section 3.1), element by element; the denoiser is a VarianceDenoiser. Its head v is the place in
/// the range between the small and the large variance of a step, ln(variance) = (1 + v)/2 ln(large)
/// + (1 - v)/2 ln(small), or the logarithm of the variance itself. No noise is added in a step to
/// clean data.
struct LearnedDdpm {
  enum class Head { range, log_variance };
  Head head = Head::range;

  static constexpr const char* name = "learned ddpm";
  static constexpr int order = always_noisy, weak_order = 1, evaluations = 1;

  template <Scalar T, VarianceDenoiser<T> D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise,
                 const StepRng& rng) const {
    const predict::Moments<T> said = denoise.moments(x, from);
    foglift::detail::check_same_shape(x, said.x0, "learned ddpm");
    foglift::detail::check_same_shape(x, said.v, "learned ddpm");
    x = transfer(std::move(x), said.x0, from, to, correlation(from, to) * to.sigma, 0, rng);
    if (to.sigma == 0) return x;
    const predict::VarianceRange range(from, to);
    const Tensor<T> z = rng.increment<T>(x.shape(), from.snr(), to.snr());
    for (Index i = 0; i < x.size(); ++i) {
      const double v = double{said.v[i]};
      const double log_variance = head == Head::range ? range.log_variance(v) : v;
      x[i] = static_cast<T>(double{x[i]} + std::exp(0.5 * log_variance) * double{z[i]});
    }
    return x;
  }
};

}  // namespace foglift::inline v0::solver
