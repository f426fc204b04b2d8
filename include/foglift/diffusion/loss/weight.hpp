#pragma once

#include "foglift/diffusion/predict/convert.hpp"

#include <cmath>
#include <concepts>
#include <numbers>
#include <utility>

namespace foglift::inline v0 {
namespace weight {

/// A training weight at one level, of the squared error of x0 and of eps together:
///   x0 |x0' - x0|^2 + eps |eps' - eps|^2.
/// At given x the two errors are one, alpha dx0 = -sigma deps, so |deps|^2 = snr |dx0|^2; said in
/// the one that is small where the other is large, every weight is finite at both ends, and no 0/0
/// arises. The library's are functions of sigma / alpha, and so hold for every path.
struct Errors {
  double x0 = 0, eps = 0;
};

}  // namespace weight

/// A callable Level -> weight::Errors.
template <class W>
concept LossWeight = requires(const W& w, const Level& level) {
  { w(level) } -> std::same_as<weight::Errors>;
};

namespace weight {

/// The weight of the squared error of a parameterization's f, a callable Level -> double for
/// LossOptions::level_weight. 0 where f says nothing of the error that counts: Epsilon of x0 at
/// alpha = 0, X0 of eps at sigma = 0, near which the weight grows without bound.
///
///   auto weight = weight::of_output(weight::MinSnr(5), predict::Velocity{});
///   auto loss = denoise.loss(tape, x0, rng, {.step = step}, {.level_weight = weight});
template <LossWeight W, Parameterization P>
auto of_output(W weight, P parameterization) {
  return [w = std::move(weight), p = std::move(parameterization)](const Level& level) {
    const Errors e = w(level);
    const double x0 = p.x0(level).b, eps = p.eps(level).b;
    return e.x0 * (x0 * x0) + e.eps * (eps * eps);
  };
}

/// |deps|^2, "simple" (Ho et al. 2020, eq. 14), whatever is predicted. The same is sigma^2 on the
/// error of the score (Song & Ermon 2019) and alpha^2 / sigma^2 on that of x0 (Karras et al. 2022,
/// table 1: VP and VE).
struct Epsilon {
  Errors operator()(const Level&) const { return {0, 1}; }
};
using Simple = Epsilon;

/// |dx0|^2.
struct X0 {
  Errors operator()(const Level&) const { return {1, 0}; }
};

/// snr + 1 on x0 (Salimans & Ho 2022, section 4): |dx0|^2 + |deps|^2.
struct SnrPlusOne {
  Errors operator()(const Level&) const { return {1, 1}; }
};

/// |dv|^2, v = alpha eps - sigma x0. From alpha dx0 = -sigma deps: dv = (alpha^2 + sigma^2) / alpha
/// deps, so |dv|^2 = (alpha^2 + sigma^2) (|dx0|^2 + |deps|^2).
struct Velocity {
  Errors operator()(const Level& l) const {
    const double square = l.alpha * l.alpha + l.sigma * l.sigma;
    return {square, square};
  }
};

/// |du|^2, u = eps - x0, flow matching (Lipman et al. 2023): du = (alpha + sigma) / alpha deps. On
/// alpha = 1 - sigma it is sigma^-2 on x0, the "sigma_sqrt" weight of Esser et al. 2024's code.
struct FlowVelocity {
  Errors operator()(const Level& l) const {
    const double sum = l.alpha + l.sigma;
    const double w = sum * sum / (l.alpha * l.alpha + l.sigma * l.sigma);
    return {w, w};
  }
};

/// 2 / (pi (1 - 2 s + 2 s^2)) on |du|^2, s = sigma / (alpha + sigma) (Esser et al. 2024, eq. 21, as
/// a weight at uniform times).
struct CosMap {
  Errors operator()(const Level& l) const {
    const double u = FlowVelocity{}(l).x0;  // 1 / (1 - 2 s + 2 s^2)
    return {2 * std::numbers::inv_pi * u * u, 2 * std::numbers::inv_pi * u * u};
  }
};

/// (s^2 + d^2) / (s d)^2 on x0, s = sigma / alpha, d = sigma_data: 1 on predict::Edm's F (Karras et
/// al. 2022, eq. 8).
class Edm {
 public:
  /// Throws ArgumentError unless sigma_data is positive.
  explicit Edm(double sigma_data = 0.5) : x0_(1 / (sigma_data * sigma_data)) {
    if (!(sigma_data > 0 && std::isfinite(x0_) && x0_ > 0))
      raise<ArgumentError>("weight::Edm: sigma_data = ", sigma_data, ", must be positive");
  }
  Errors operator()(const Level&) const { return {x0_, 1}; }

 private:
  double x0_;
};

/// min(snr, gamma) on x0 (Hang et al. 2023).
class MinSnr {
 public:
  /// Throws ArgumentError unless gamma > 0.
  explicit MinSnr(double gamma = 5) : gamma_(detail::positive(gamma, "weight::MinSnr: gamma")) {}
  Errors operator()(const Level& l) const {
    const bool capped = l.alpha * l.alpha > gamma_ * l.sigma * l.sigma;
    return capped ? Errors{gamma_, 0} : Errors{0, 1};
  }

 private:
  double gamma_;
};

/// snr gamma / (snr + gamma) on x0, that is 1 / (s^2 + 1 / gamma), s = sigma / alpha (Crowson et
/// al. 2024). With p = alpha^2 / (alpha^2 + gamma sigma^2) and q = 1 - p it is gamma p on x0 and q
/// on eps: shared out as gamma p^2 and q^2.
class SoftMinSnr {
 public:
  /// Throws ArgumentError unless gamma > 0.
  explicit SoftMinSnr(double gamma = 4)
      : gamma_(detail::positive(gamma, "weight::SoftMinSnr: gamma")) {}
  Errors operator()(const Level& l) const {
    const double signal = l.alpha * l.alpha, noise = gamma_ * l.sigma * l.sigma;
    const double p = signal / (signal + noise), q = noise / (signal + noise);
    return {gamma_ * p * p, q * q};
  }

 private:
  double gamma_;
};

/// max(snr, 1) on x0 (Salimans & Ho 2022, section 4, "truncated SNR").
struct TruncatedSnr {
  Errors operator()(const Level& l) const {
    return l.alpha >= l.sigma ? Errors{0, 1} : Errors{1, 0};
  }
};

/// 1 / (k + snr)^gamma on eps (Choi et al. 2022, eq. 9, "P2"). 0 at sigma = 0 for gamma > 0.
class P2 {
 public:
  struct Options {
    double k = 1, gamma = 1;
  };
  P2() : P2(Options{}) {}
  /// Throws ArgumentError unless k > 0 and gamma >= 0.
  explicit P2(Options o)
      : k_(detail::positive(o.k, "weight::P2: k")),
        gamma_(detail::not_negative(o.gamma, "weight::P2: gamma")) {}
  Errors operator()(const Level& l) const {
    const double signal = l.alpha * l.alpha, noise = l.sigma * l.sigma;
    return {0, std::pow(noise / (k_ * noise + signal), gamma_)};
  }

 private:
  double k_, gamma_;
};

}  // namespace weight
}  // namespace foglift::inline v0
