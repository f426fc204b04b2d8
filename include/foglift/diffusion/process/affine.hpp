#pragma once

#include "foglift/core/rng.hpp"
#include "foglift/diffusion/affine.hpp"
#include "foglift/diffusion/schedule/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <utility>

namespace foglift::inline v0::process {

/// The process x = alpha(t) x0 + sigma(t) eps of any schedule that knows its derivatives, t from 0
/// (data) to 1, as an SDE (Song et al. 2021; Kingma et al. 2021):
///   dx = f x dt + g dw,  f = alpha' / alpha,  g^2 = 2 sigma sigma' - 2 f sigma^2,
/// and what leads back from the prior, N(0, sigma(1)^2 I), or N(0, I) for a variance-preserving
/// schedule, which leaves some signal of standardized data. Denoised means x0 = E[x0 | x] come from
/// a denoiser.
template <DifferentiableSchedule S>
class Affine {
 public:
  explicit Affine(S schedule = S()) : schedule_(std::move(schedule)) {}

  const S& schedule() const { return schedule_; }
  Level at(double t) const { return schedule_.at(t); }
  double time(double lambda) const { return schedule_.time(lambda); }

  /// f(t) = d ln(alpha) / dt; infinite where alpha is 0.
  double drift(double t) const {
    if constexpr (VariancePreservingSchedule<S>)
      return -0.5 * schedule_.rate(t);
    else
      return schedule_.derivative(t).alpha / at(t).alpha;
  }
  /// g(t)^2, infinite where f is. Throws NumericError where it is 0 times infinity.
  double diffusion_squared(double t) const {
    if constexpr (VariancePreservingSchedule<S>) {
      return schedule_.rate(t);
    } else {
      const Level l = at(t);
      const LevelRate r = schedule_.derivative(t);
      const double g2 = 2 * l.sigma * (r.sigma - r.alpha / l.alpha * l.sigma);
      if (std::isnan(g2))
        raise<NumericError>("process: the diffusion at ", l, " with derivatives ", r.alpha, ", ",
                            r.sigma, " is not a number; ask inside of (0, 1)");
      return std::max(g2, 0.0);  // rounding where the noise does not grow
    }
  }
  /// g(t).
  double diffusion(double t) const { return std::sqrt(diffusion_squared(t)); }

  /// States alpha x0 + sigma eps [B, ...] at the levels, which need not be the schedule's.
  template <Scalar T>
  Tensor<T> marginal(Tensor<T> x0, const Tensor<T>& eps, const Levels& levels) const {
    return affine(std::move(x0), eps, levels, "process",
                  [](const Level& l) { return Mix{l.alpha, l.sigma}; });
  }

  /// Gradient of the log density of x [B, ...], given x0: (alpha x0 - x) / sigma^2. Throws
  /// ArgumentError at sigma = 0.
  template <Scalar T>
  Tensor<T> score(const Tensor<T>& x, Tensor<T> x0, const Levels& levels) const {
    const Index rows = levels.rows(foglift::detail::batch_of(x), x.row_size(), "process");
    for (Index r = 0; r < (levels.shared() ? 1 : rows); ++r) check_noise(levels[r], "score");
    return affine(std::move(x0), x, rows, [&](Index r) {
      const double variance = levels[r].sigma * levels[r].sigma;
      return Mix{levels[r].alpha / variance, -1 / variance};
    });
  }

  /// The velocity of the path through x0 and eps at time t, alpha' x0 + sigma' eps: with x0 and eps
  /// as E[. | x], the right side of the probability-flow ODE. Throws ArgumentError where a
  /// derivative is infinite.
  template <Scalar T>
  Tensor<T> velocity(Tensor<T> x0, const Tensor<T>& eps, double t) const {
    const LevelRate r = schedule_.derivative(t);
    check_finite(r.alpha, r.sigma, "velocity", at(t));
    return affine(r.alpha, std::move(x0), r.sigma, eps);
  }

  /// The right side of the probability-flow ODE, dx/dt = f x - g^2 score / 2, at x [B, ...] with
  /// the denoised x0. Throws ArgumentError at sigma = 0, where x does not tell eps.
  template <Scalar T>
  Tensor<T> flow(const Tensor<T>& x, Tensor<T> x0, double t) const {
    return backward(x, std::move(x0), t, 0);
  }

  /// The drift f x - (1 + eta^2) / 2 g^2 score of the reverse SDE dx = drift dt + eta g dw, in
  /// which t runs from 1 to 0 and every eta has the same marginals: 1 is the reverse of the process
  /// (Anderson 1982), 0 the probability flow. Throws ArgumentError at sigma = 0, and where g is
  /// infinite but for eta = 0: where alpha = 0.
  template <Scalar T>
  Tensor<T> reverse_drift(const Tensor<T>& x, Tensor<T> x0, double t, double eta = 1) const {
    return backward(x, std::move(x0), t, eta);
  }

  /// Standard deviation of the prior.
  double prior_sigma() const {
    if constexpr (VariancePreservingSchedule<S>)
      return 1;
    else
      return at(1).sigma;
  }
  /// States [B, ...] of the prior, at t = 1; row b belongs to sample first_sample + b.
  template <Scalar T = float>
  Tensor<T> prior(Shape shape, const Rng& rng, std::uint64_t first_sample = 0) const {
    Tensor<T> x = rng.normal<T>(shape, first_sample);
    const T sigma = static_cast<T>(prior_sigma());
    for (T& v : x) v *= sigma;
    return x;
  }
  /// Log density [B] of states [B, ...] under the prior, in nats. Throws ShapeError for rank 0.
  template <Scalar T>
  Tensor<double> prior_logp(const Tensor<T>& x) const {
    if (x.rank() == 0) raise<ShapeError>("prior_logp: a state [B, ...] is needed, found a scalar");
    const Index n = x.row_size();
    const double sigma = prior_sigma();
    const double top = -0.5 * std::log(2 * std::numbers::pi) - std::log(sigma);
    Tensor<double> out(Shape{x.dim(0)});
    for (Index b = 0; b < x.dim(0); ++b) {
      double sum = 0;
      for (Index i = 0; i < n; ++i) {
        const double z = double{x[b * n + i]} / sigma;
        sum += z * z;
      }
      out[b] = static_cast<double>(n) * top - 0.5 * sum;
    }
    return out;
  }

 private:
  static void check_noise(const Level& l, const char* what) {
    if (!(l.sigma > 0))
      raise<ArgumentError>("process: the ", what, " at ", l, " has no value, needed sigma > 0");
  }

  static void check_finite(double on_x0, double on_eps, const char* what, const Level& l) {
    if (!(std::isfinite(on_x0) && std::isfinite(on_eps)))
      raise<ArgumentError>("process: the ", what, " at ", l, " is infinite; ask inside of (0, 1)");
  }

  /// With eps = (x - alpha x0) / sigma: alpha' x0 + sigma' eps + eta^2 g^2 / (2 sigma) eps.
  template <Scalar T>
  Tensor<T> backward(const Tensor<T>& x, Tensor<T> x0, double t, double eta) const {
    const Level l = at(t);
    check_noise(l, "velocity");
    const LevelRate r = schedule_.derivative(t);
    double on_eps = r.sigma;
    if (eta != 0) on_eps += 0.5 * eta * eta * diffusion_squared(t) / l.sigma;
    check_finite(r.alpha, on_eps, eta != 0 ? "reverse drift" : "velocity", l);
    return affine(r.alpha - on_eps * l.alpha / l.sigma, std::move(x0), on_eps / l.sigma, x);
  }

  S schedule_;
};

}  // namespace foglift::inline v0::process
