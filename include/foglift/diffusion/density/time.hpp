#pragma once

#include "foglift/diffusion/density/density.hpp"
#include "foglift/diffusion/density/normal.hpp"

#include <cmath>
#include <numbers>

namespace foglift::inline v0::density {

namespace detail {
/// The x in [lo, hi] at which an increasing function is u, by halving down to the last bit.
template <class F>
double inverse(const F& increasing, double u, double lo, double hi) {
  for (;;) {
    const double mid = 0.5 * (lo + hi);
    if (!(mid > lo && mid < hi)) return mid;
    (increasing(mid) < u ? lo : hi) = mid;
  }
}
}  // namespace detail

/// ln(t / (1 - t)) is normal of mean m and standard deviation s (Esser et al. 2024, eq. 19).
class LogitNormal {
 public:
  struct Options {
    double m = 0, s = 1;
  };
  LogitNormal() : LogitNormal(Options{}) {}
  /// Throws ArgumentError unless s > 0 and m is finite.
  explicit LogitNormal(Options o)
      : m_(foglift::detail::finite(o.m, "density::LogitNormal: m")),
        s_(foglift::detail::positive(o.s, "density::LogitNormal: s")) {}
  double quantile(double u) const { return 1 / (1 + std::exp(-(m_ + s_ * normal_quantile(u)))); }
  double cdf(double t) const { return t <= 0 ? 0 : t >= 1 ? 1 : normal_cdf(z(t)); }
  double pdf(double t) const {
    return t <= 0 || t >= 1 ? 0 : normal_pdf(z(t)) / (s_ * t * (1 - t));
  }

 private:
  double z(double t) const { return (std::log(t) - std::log1p(-t) - m_) / s_; }
  double m_, s_;
};

/// More times in the middle (scale > 0) or at the ends (scale < 0): t = 1 - u - scale (cos^2(pi u /
/// 2) - 1 + u) for uniform u (Esser et al. 2024, eq. 20); with u for 1 - u, which is the same
/// density, t = u - scale (sin^2(pi u / 2) - u).
class Mode {
 public:
  struct Options {
    double scale = 1.29;
  };
  Mode() : Mode(Options{}) {}
  /// Throws ArgumentError unless -1 <= scale <= 2 / (pi - 2), where t grows with u.
  explicit Mode(Options o) : scale_(o.scale) {
    if (!(scale_ >= -1 && scale_ <= 2 / (std::numbers::pi - 2)))
      raise<ArgumentError>("density::Mode: scale = ", scale_, ", must be in [-1, 1.75]");
  }
  double quantile(double u) const {
    const double sine = std::sin(0.5 * std::numbers::pi * u);
    return u - scale_ * (sine * sine - u);
  }
  double cdf(double t) const {
    if (t <= 0 || t >= 1) return t <= 0 ? 0 : 1;
    return detail::inverse([this](double u) { return quantile(u); }, t, 0, 1);
  }
  double pdf(double t) const {
    if (!(t >= 0 && t <= 1)) return 0;
    const double u = cdf(t);
    return 1 / (1 + scale_ - 0.5 * std::numbers::pi * scale_ * std::sin(std::numbers::pi * u));
  }

 private:
  double scale_;
};

/// On the straight path alpha = 1 - t, sigma = t: the log-SNR of the cosine schedule, tan(pi u / 2)
/// = t / (1 - t) (Esser et al. 2024, eq. 21).
struct CosMap {
  double quantile(double u) const {
    const double angle = 0.5 * std::numbers::pi * u;
    return std::sin(angle) / (std::sin(angle) + std::cos(angle));
  }
  double cdf(double t) const {
    return t <= 0 ? 0 : t >= 1 ? 1 : std::atan2(t, 1 - t) * 2 * std::numbers::inv_pi;
  }
  double pdf(double t) const {
    return t >= 0 && t <= 1 ? 2 * std::numbers::inv_pi / (t * t + (1 - t) * (1 - t)) : 0;
  }
};

}  // namespace foglift::inline v0::density
