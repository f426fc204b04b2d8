#pragma once

#include "foglift/diffusion/solver/dpm2.hpp"
#include "foglift/diffusion/solver/dpm_single.hpp"
#include "foglift/diffusion/solver/euler.hpp"
#include "foglift/diffusion/solver/parts/at_ratio.hpp"
#include "foglift/diffusion/solver/parts/transfer.hpp"

#include <algorithm>
#include <cmath>

namespace foglift::inline v0::solver {

/// How far down a step goes before noise is added back, for eta = 1: to the mean of the posterior
/// of x' given x and x0 (k-diffusion's "ancestral" samplers), or to sigma'^2 / sigma in a flow's
/// sigma = s / (1 + s) (its rule for rectified flows).
enum class AncestralRule { posterior, flow };

/// A deterministic one-step solver made ancestral: it goes below the target, to s_down, and noise
/// leads back up to s', s = sigma / alpha. With the posterior's rule s_up = min(s', eta sqrt(s'^2
/// (s^2 - s'^2) / s^2)) and s_down^2 = s'^2 - s_up^2; with the flow's, sigma_down = sigma' (1 +
/// (sigma' / sigma - 1) eta) in the flow's sigma, s_up^2 = s'^2 - s_down^2. eta above 1 adds more
/// noise than the posterior has; the noise itself may be scaled. Right for every process: a state
/// of a flow is rescaled as its signal shrinks. Both halves lead from one marginal of the process
/// to another, so the weak order is that of the solver inside.
///
///   solver::Ancestral<solver::Dpm2> solver{.eta = 0.5};
template <class Inner>
struct Ancestral {
  static_assert(deterministic<Inner>, "Ancestral: the solver inside draws noise by itself");
  Inner inner = {};
  double eta = 1;
  double noise_scale = 1;
  AncestralRule rule = AncestralRule::posterior;

  static constexpr const char* name = "ancestral";
  static constexpr int order = Inner::order, weak_order = Inner::order,
                       evaluations = Inner::evaluations;

  /// At one Level, or at Levels of samples or groups where the solver inside takes them. Throws
  /// ArgumentError unless eta and noise_scale are finite and not negative (eta at most 1 with the
  /// flow's rule).
  template <Scalar T, AnyLevels L, DenoiserAt<T, L> D>
  Tensor<T> step(Tensor<T> x, const L& from, const L& to, const D& denoise,
                 const StepRng& rng) const {
    if (!(eta >= 0 && noise_scale >= 0 && std::isfinite(eta + noise_scale)) ||
        (rule == AncestralRule::flow && eta > 1))
      raise<ArgumentError>("ancestral: eta = ", eta, ", noise_scale = ", noise_scale,
                           ", needed finite, at least 0, and eta at most 1 with the flow's rule");
    const auto below = levels_between(x, from, to, [this](const Level& a, const Level& b) {
      const auto [down, fresh] = shares(a, b);
      return fresh == 0 || b.sigma == 0 ? b : at_ratio(b, down * b.ratio());
    });
    const auto lift = per_row(x, from, to, Mix{1, 0}, [this](const Level& a, const Level& b) {
      const auto [down, fresh] = shares(a, b);
      if (fresh == 0 || b.sigma == 0) return Mix{1, 0};
      const double up = fresh * noise_scale;
      return Mix{b.alpha / at_ratio(b, down * b.ratio()).alpha, b.sigma * up};
    });
    x = inner.step(std::move(x), from, as_levels(below), denoise, rng);
    if (lift.any([](const Mix& m) { return m.b != 0; })) {
      const Tensor<T> z = rng.increment<T>(x.shape(), from, to);
      return affine(std::move(x), z, lift.rows, lift);
    }
    if (!lift.any([](const Mix& m) { return m.a != 1; })) return x;
    return scale(std::move(x), lift.rows, [&](Index r) { return lift(r).a; });
  }

 private:
  /// s_down / s' and s_up / s'; the sum of their squares is 1.
  struct Shares {
    double down, up;
  };
  Shares shares(const Level& from, const Level& to) const {
    const double q = correlation(from, to);
    if (rule == AncestralRule::posterior) {
      return {kept_share(eta, q), std::min(1.0, eta * std::sqrt((1 - q) * (1 + q)))};
    }
    // phi = s / (1 + s) is the flow's sigma; 1 at pure noise.
    const double s = to.ratio(), phi = s / (1 + s);
    const double all = from.alpha > 0 ? from.ratio() / (1 + from.ratio()) : 1;
    const double down = phi * (1 + (phi / all - 1) * eta);
    const double share = s > 0 ? down / (1 - down) / s : 1;
    return {share, std::sqrt((1 - share) * (1 + share))};
  }
};

using EulerAncestral = Ancestral<Euler>;
using Dpm2Ancestral = Ancestral<Dpm2>;
/// k-diffusion's `sample_dpmpp_2s_ancestral`.
using DpmSingleAncestral = Ancestral<DpmSingle<2>>;

}  // namespace foglift::inline v0::solver
