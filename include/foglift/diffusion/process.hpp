#pragma once

#include "foglift/diffusion/process/affine.hpp"
#include "foglift/diffusion/process/named.hpp"
#include "foglift/diffusion/process/variance_preserving.hpp"
#include "foglift/diffusion/schedule.hpp"

namespace foglift::inline v0 {

/// A noise schedule that is also an SDE, dx = drift(t) x dt + diffusion(t) dw, with a prior that
/// the state follows at t = 1.
template <class P>
concept ForwardProcess = NoiseSchedule<P> && requires(const P& p, double t, Shape shape,
                                                      const Rng& rng, std::uint64_t first_sample,
                                                      const Tensor<float>& x, const Level& level) {
  { p.drift(t) } -> std::convertible_to<double>;
  { p.diffusion(t) } -> std::convertible_to<double>;
  { p.marginal(x, x, level) } -> std::same_as<Tensor<float>>;
  { p.velocity(x, x, t) } -> std::same_as<Tensor<float>>;
  { p.reverse_drift(x, x, t) } -> std::same_as<Tensor<float>>;
  { p.template prior<float>(shape, rng, first_sample) } -> std::same_as<Tensor<float>>;
  { p.prior_logp(x) } -> std::same_as<Tensor<double>>;
};

}  // namespace foglift::inline v0
