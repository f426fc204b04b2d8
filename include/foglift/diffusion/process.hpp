#pragma once

#include "foglift/core/rng.hpp"
#include "foglift/diffusion/schedule.hpp"

#include <numbers>
#include <utility>

namespace foglift {
inline namespace v0 {

/// A noise schedule that is also an SDE, dx = drift(t) x dt + diffusion(t) dw, with a prior that
/// the state follows at t = 1.
template <class P>
concept ForwardProcess = NoiseSchedule<P> &&
    requires(const P& p, double t, Shape shape, const Rng& rng, std::uint64_t first_sample,
             const Tensor<float>& x) {
  { p.drift(t) } -> std::convertible_to<double>;
  { p.diffusion(t) } -> std::convertible_to<double>;
  { p.template prior<float>(shape, rng, first_sample) } -> std::same_as<Tensor<float>>;
  { p.prior_logp(x) } -> std::same_as<Tensor<double>>;
};

namespace process {

/// The variance-preserving SDE of a schedule with rate beta: dx = -beta/2 x dt + sqrt(beta) dw
/// (Song et al. 2021, eq. 11). Its prior is N(0, I).
template <VariancePreservingSchedule S>
class VariancePreserving {
 public:
  explicit VariancePreserving(S schedule = S()) : schedule_(std::move(schedule)) {}

  Level at(double t) const { return schedule_.at(t); }
  double time(double lambda) const { return schedule_.time(lambda); }
  /// f(t) = d ln(alpha) / dt; infinite where the schedule's alpha reaches 0.
  double drift(double t) const { return -0.5 * schedule_.rate(t); }
  /// g(t), with g^2 = d(sigma^2)/dt - 2 f sigma^2.
  double diffusion(double t) const { return std::sqrt(schedule_.rate(t)); }

  /// States [B, ...] at t = 1; row b belongs to sample first_sample + b.
  template <Scalar T = float>
  Tensor<T> prior(Shape shape, const Rng& rng, std::uint64_t first_sample = 0) const {
    return rng.normal<T>(shape, first_sample);
  }
  /// Log density [B] of states [B, ...] under the prior, in nats. Throws ShapeError for rank 0.
  template <Scalar T>
  Tensor<double> prior_logp(const Tensor<T>& x) const {
    if (x.rank() == 0) raise<ShapeError>("prior_logp: a state [B, ...] is needed, found a scalar");
    const Index n = x.row_size();
    Tensor<double> out(Shape{x.dim(0)});
    for (Index b = 0; b < x.dim(0); ++b) {
      double sum = 0;
      for (Index i = 0; i < n; ++i) sum += double{x[b * n + i]} * double{x[b * n + i]};
      out[b] = -0.5 * (sum + static_cast<double>(n) * std::log(2 * std::numbers::pi));
    }
    return out;
  }

 private:
  S schedule_;
};

}  // namespace process
}  // namespace v0
}  // namespace foglift
