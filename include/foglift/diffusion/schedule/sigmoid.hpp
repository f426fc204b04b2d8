#pragma once

#include "foglift/diffusion/schedule/linear.hpp"

#include <algorithm>
#include <limits>

namespace foglift::inline v0::schedule {

namespace detail {
inline double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
/// ln(1 + e^x).
inline double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }
}  // namespace detail

/// beta(t) rises from beta_min to beta_max along a sigmoid from -6 to 6 (the "sigmoid" betas of
/// diffusers, after Xu et al. 2022, in continuous time).
class SigmoidRate : public RateSchedule<SigmoidRate> {
 public:
  explicit SigmoidRate(RateRange range = {.beta_min = 0.1, .beta_max = 20})
      : RateSchedule(range, "schedule::SigmoidRate"),
        min_(range.beta_min),
        rise_(range.beta_max - range.beta_min) {}

  double integral(double t) const {
    return min_ * t + rise_ / 12 * (detail::softplus(12 * t - 6) - detail::softplus(-6));
  }
  double rate(double t) const { return min_ + rise_ * detail::sigmoid(12 * t - 6); }
  double time(double lambda) const {
    const double B = detail::integrated_rate(lambda, "schedule::SigmoidRate::time");
    return detail::falling_to(-B, [&](double t) { return -integral(t); });
  }

  std::string description() const { return described("sigmoid_rate", min_, min_ + rise_); }

 private:
  double min_, rise_;
};

/// alpha^2 = (S(1) - S(t)) / (S(1) - S(0)), S(t) = sigmoid((start + (end - start) t) / tau) (Jabri
/// et al. 2023, algorithm 2). alpha is exactly 0 at t = 1, where rate(t) is +inf.
class Sigmoid {
 public:
  static constexpr bool zero_terminal_snr = true;

  struct Options {
    double start = -3, end = 3, tau = 1;
  };
  Sigmoid() : Sigmoid(Options{}) {}
  /// Throws ArgumentError unless start < end, tau > 0, all finite.
  explicit Sigmoid(Options o) : first_(o.start / o.tau), last_(o.end / o.tau) {
    if (!(o.tau > 0 && first_ < last_ && std::isfinite(last_ - first_)))
      raise<ArgumentError>("schedule::Sigmoid: from ", o.start, " to ", o.end, ", tau ", o.tau,
                           "; needed start < end, tau > 0, finite");
  }

  Level at(double t) const {
    detail::check_time(t, "schedule::Sigmoid::at");
    const double u = place(t), all = rise(first_, last_);
    // 1 - t keeps the digits of alpha near t = 1.
    const double rest = last_ - (last_ - first_) * (1 - t);
    return {t, std::sqrt(rise(rest, last_) / all), std::sqrt(rise(first_, u) / all)};
  }
  /// beta = S' / (S(1) - S(t)).
  double rate(double t) const {
    if (t == 1) return std::numeric_limits<double>::infinity();
    const double u = place(t), s = detail::sigmoid(u);
    return (last_ - first_) * s * (1 - s) / rise(last_ - (last_ - first_) * (1 - t), last_);
  }
  LevelRate derivative(double t) const {
    const Level l = at(t);
    const double s = detail::sigmoid(place(t));
    const double half = 0.5 * (last_ - first_) * s * (1 - s) / rise(first_, last_);
    return {-half / l.alpha, half / l.sigma};
  }
  /// S(t) = S(0) + sigma^2 (S(1) - S(0)), from the end where sigma^2 or alpha^2 is small.
  double time(double lambda) const {
    const double B = detail::integrated_rate(lambda, "schedule::Sigmoid::time");
    const double all = rise(first_, last_), signal = std::exp(-B), noise = -std::expm1(-B);
    // With d the distance of S from an end e: logit(S) - logit(e) = ln(1 + d / (S(e) (1 - S(e) -
    // d))).
    const auto distance = [](double edge, double d) {
      const double s = detail::sigmoid(edge);
      return std::log1p(d / (s * (1 - s - d)));
    };
    const double width = last_ - first_;
    if (noise < 0.5) return std::min(1.0, distance(first_, all * noise) / width);
    return std::max(0.0, 1 - distance(-last_, all * signal) / width);
  }

  std::string description() const { return described("sigmoid", first_, last_); }

 private:
  double place(double t) const { return first_ + (last_ - first_) * t; }
  /// sigmoid(b) - sigmoid(a) without cancellation.
  static double rise(double a, double b) {
    return std::sinh((b - a) / 2) / (2 * std::cosh(a / 2) * std::cosh(b / 2));
  }
  double first_, last_;
};

}  // namespace foglift::inline v0::schedule
