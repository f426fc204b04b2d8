#pragma once

#include "foglift/diffusion/predict/convert.hpp"
#include "foglift/diffusion/predict/preconditioned.hpp"

#include <algorithm>
#include <utility>

namespace foglift::inline v0::predict {

/// F of a consistency function whose boundary is at the ratio m = min_ratio (Song et al. 2023,
/// appendix C): with s = sigma / alpha and d = sigma_data, x0 = c_skip x / alpha + c_out F(c_in x /
/// alpha, c_noise),
///   c_skip = d^2 / ((s - m)^2 + d^2),  c_out = (s - m) d / sqrt(s^2 + d^2),
/// so that x0 is x / alpha at m and below whatever F is. With m = 0 it is predict::Edm; Velocity
/// and FlowVelocity have the boundary at clean data, too. F has no limit as a target at m, where 0
/// stands for it.
class Boundary {
 public:
  struct Options {
    double min_ratio = 0.002, sigma_data = 0.5;
  };
  Boundary() : Boundary(Options{}) {}
  /// Throws ArgumentError unless sigma_data is positive, min_ratio not negative, both finite.
  explicit Boundary(Options o)
      : m_(foglift::detail::not_negative(o.min_ratio, "predict::Boundary: min_ratio")),
        d_(foglift::detail::positive(o.sigma_data, "predict::Boundary: sigma_data")) {}

  Mix target(const Level& l) const {
    const double w = beyond(l), sum = w * w + d_ * d_ * l.alpha * l.alpha;
    return w > 0 ? Mix{w * norm(l) / (d_ * sum), -d_ * l.alpha * l.sigma * norm(l) / (sum * w)}
                 : Mix{0, 0};
  }
  Mix x0(const Level& l) const {
    const double w = beyond(l), sum = w * w + d_ * d_ * l.alpha * l.alpha;
    return {d_ * d_ * l.alpha / sum, w * d_ / norm(l)};
  }
  Mix eps(const Level& l) const {
    if (!(l.sigma > 0)) return {0, 0};
    const Mix m = x0(l);
    return {(1 - l.alpha * m.a) / l.sigma, -l.alpha * m.b / l.sigma};
  }
  double scale(const Level& l) const { return 1 / norm(l); }
  double condition(const Level& l) const { return 0.25 * detail::log_ratio(l); }

  double sigma_data() const { return d_; }
  std::string description() const { return described("boundary", m_, d_); }

 private:
  double beyond(const Level& l) const { return std::max(0.0, l.sigma - m_ * l.alpha); }
  double norm(const Level& l) const { return std::hypot(l.sigma, d_ * l.alpha); }

  double m_, d_;
};

/// What a parameterization P says of x0, led to x at clean data as latent consistency models do it
/// (Luo et al. 2023, section 4.1): c_skip x + c_out x0_P, with u = scaling t and d = sigma_data,
///   c_skip = d^2 / (u^2 + d^2),  c_out = u / sqrt(u^2 + d^2).
/// scaling is that of t in [0, 1]: 10 for each of 1000 steps.
template <Parameterization P>
class LatentConsistency {
 public:
  static constexpr bool needs_signal = predict::needs_signal<P>;

  explicit LatentConsistency(P inner = {}, double scaling = 10'000, double sigma_data = 0.5)
      : inner_(std::move(inner)),
        scaling_(foglift::detail::positive(scaling, "predict::LatentConsistency: scaling")),
        d_(foglift::detail::positive(sigma_data, "predict::LatentConsistency: sigma_data")) {}

  Mix x0(const Level& l) const {
    const double u = scaling_ * l.t, skip = d_ * d_ / (u * u + d_ * d_),
                 out = u / std::hypot(u, d_);
    const Mix m = inner_.x0(l);
    return {skip + out * m.a, out * m.b};
  }
  Mix eps(const Level& l) const {
    if (!(l.sigma > 0)) return {0, 0};
    const Mix m = x0(l);
    return {(1 - l.alpha * m.a) / l.sigma, -l.alpha * m.b / l.sigma};
  }
  /// 0 where the network is not asked.
  Mix target(const Level& l) const {
    const Mix m = x0(l);
    return m.b != 0 ? Mix{(1 - l.alpha * m.a) / m.b, -l.sigma * m.a / m.b} : Mix{0, 0};
  }
  double scale(const Level& l) const { return input_scale(inner_, l); }
  double condition(const Level& l) const { return predict::condition(inner_, l); }
  std::string description() const
    requires Described<P>
  {
    return described("latent_consistency", scaling_, d_) + " of " + inner_.description();
  }

 private:
  P inner_;
  double scaling_, d_;
};

}  // namespace foglift::inline v0::predict
