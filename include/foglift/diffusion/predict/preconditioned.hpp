#pragma once

#include "foglift/diffusion/predict/basic.hpp"

#include <algorithm>
#include <utility>

namespace foglift::inline v0::predict {

namespace detail {
/// ln(sigma / alpha), kept between -80 and 80: finite at both ends.
inline double log_ratio(const Level& l) { return -std::clamp(l.lambda(), -80.0, 80.0); }
}  // namespace detail

/// F of Karras et al. 2022, table 1: with s = sigma / alpha and d = sigma_data, the standard
/// deviation of the data, x0 = c_skip x / alpha + c_out F(c_in x / alpha, c_noise), c_skip = d^2 /
/// (s^2 + d^2), c_out = s d / sqrt(s^2 + d^2), c_in = 1 / sqrt(s^2 + d^2), c_noise = ln(s) / 4. The
/// network's input and target have unit variance at every level. With d = 1 and alpha^2 + sigma^2 =
/// 1, F is -v. In terms of N^2 = sigma^2 + d^2 alpha^2 everything is finite.
class Edm {
 public:
  struct Options {
    double sigma_data = 0.5;
  };
  Edm() : Edm(Options{}) {}
  /// Throws ArgumentError unless sigma_data is positive and finite.
  explicit Edm(Options o)
      : d_(foglift::detail::positive(o.sigma_data, "predict::Edm: sigma_data")) {}

  Mix target(const Level& l) const {
    const double N = norm(l);
    return {l.sigma / (d_ * N), -d_ * l.alpha / N};
  }
  Mix x0(const Level& l) const {
    const double N = norm(l);
    return {d_ * d_ * l.alpha / (N * N), d_ * l.sigma / N};
  }
  Mix eps(const Level& l) const {
    const double N = norm(l);
    return {l.sigma / (N * N), -d_ * l.alpha / N};
  }
  /// c_in / alpha.
  double scale(const Level& l) const { return 1 / norm(l); }
  double condition(const Level& l) const { return 0.25 * detail::log_ratio(l); }

  double sigma_data() const { return d_; }

  std::string description() const { return described("edm", d_); }

 private:
  double norm(const Level& l) const { return std::hypot(l.sigma, d_ * l.alpha); }

  double d_;
};

/// Epsilon as the networks of Ho et al. 2020 and Song et al. 2021 (VP) are asked in Karras et al.
/// 2022, table 1: c_in = 1 / sqrt(1 + s^2), the state at unit norm, and the noise told as (M - 1)
/// t.
struct VpNetwork : Epsilon {
  double steps = 1000;  ///< M
  double scale(const Level& l) const { return 1 / std::hypot(l.alpha, l.sigma); }
  double condition(const Level& l) const { return (steps - 1) * l.t; }
  std::string description() const { return described("vp_network", steps); }
};

/// F = -eps as the networks of Song et al. 2021 (VE) are asked in Karras et al. 2022, table 1:
/// c_out = s, c_in = 1, and the noise told as ln(s / 2). At alpha = 0, where x / alpha is nothing,
/// x is not shown.
struct VeNetwork {
  static constexpr bool needs_signal = true;
  Mix target(const Level&) const { return {0, -1}; }
  Mix x0(const Level& l) const {
    return l.alpha > 0 ? Mix{1 / l.alpha, l.sigma / l.alpha} : Mix{0, 0};
  }
  Mix eps(const Level&) const { return {0, -1}; }
  double scale(const Level& l) const { return l.alpha > 0 ? 1 / l.alpha : 0; }
  double condition(const Level& l) const { return detail::log_ratio(l) - std::log(2.0); }
  std::string description() const { return "ve_network"; }
};

/// A parameterization whose network is told `condition(level)` of the noise instead of the time,
/// such as a step number.
///
///   predict::Conditioned(predict::Velocity{}, [](const Level& l) { return 1000 * l.t; })
template <class P, class F>
class Conditioned : public P {
 public:
  Conditioned(P parameterization, F condition)
      : P(std::move(parameterization)), condition_(std::move(condition)) {}
  double condition(const Level& l) const { return condition_(l); }

  std::string description() const
    requires Described<P>
  {
    return P::description() + ", conditioned";
  }

 private:
  F condition_;
};

}  // namespace foglift::inline v0::predict
