#pragma once

#include "foglift/diffusion/schedule/schedule.hpp"

#include <algorithm>
#include <limits>
#include <numbers>
#include <utility>

namespace foglift::inline v0::schedule {

/// A curve lambda(t) = ln(alpha / sigma) that falls with t, its derivative, and its inverse,
/// clamped to [0, 1].
template <class C>
concept LogSnrCurve = requires(const C& c, double v) {
  { c.lambda(v) } -> std::convertible_to<double>;
  { c.slope(v) } -> std::convertible_to<double>;
  { c.time(v) } -> std::convertible_to<double>;
};

/// The variance-preserving schedule of a curve: alpha^2 = 1 / (1 + e^(-2 lambda)), sigma^2 = 1 / (1
/// + e^(2 lambda)) (Kingma et al. 2021, eq. 4). Its rate is beta = -2 sigma^2 lambda'.
template <LogSnrCurve Curve>
class LogSnr {
 public:
  explicit LogSnr(Curve curve = Curve()) : curve_(std::move(curve)) {}

  const Curve& curve() const { return curve_; }
  Level at(double t) const {
    detail::check_time(t, "schedule::LogSnr::at");
    const double lambda = curve_.lambda(t);
    return {t, 1 / std::sqrt(1 + std::exp(-2 * lambda)), 1 / std::sqrt(1 + std::exp(2 * lambda))};
  }
  double rate(double t) const {
    const double sigma = at(t).sigma;
    return sigma > 0 ? -2 * sigma * sigma * curve_.slope(t) : 0;
  }
  /// alpha' = alpha sigma^2 lambda', sigma' = -sigma alpha^2 lambda'.
  LevelRate derivative(double t) const {
    const Level l = at(t);
    const double slope = curve_.slope(t);
    return {l.alpha * l.sigma * l.sigma * slope, -l.sigma * l.alpha * l.alpha * slope};
  }
  double time(double lambda) const {
    if (std::isnan(lambda)) raise<ArgumentError>("schedule::LogSnr::time: lambda is NaN");
    return std::clamp(curve_.time(lambda), 0.0, 1.0);
  }

  std::string description() const
    requires Described<Curve>
  {
    return curve_.description();
  }

 private:
  Curve curve_;
};

/// Ends of a curve; lambda from `max` at t = 0 to `min` at t = 1.
struct LogSnrRange {
  double min = -10, max = 10;
};

namespace detail {
inline LogSnrRange checked(LogSnrRange range, const char* where) {
  if (!(range.max > range.min && std::isfinite(range.max - range.min)))
    raise<ArgumentError>(where, ": lambda from ", range.max, " to ", range.min,
                         ", needed max > min, finite");
  return range;
}
}  // namespace detail

/// lambda in a straight line: the VDM's fixed schedule (Kingma et al. 2021, section 6.3).
class UniformCurve {
 public:
  explicit UniformCurve(LogSnrRange range = {-2.5, 6.65})
      : range_(detail::checked(range, "schedule::UniformLogSnr")) {}
  double lambda(double t) const { return range_.max * (1 - t) + range_.min * t; }
  double slope(double) const { return range_.min - range_.max; }
  double time(double lambda) const { return (range_.max - lambda) / (range_.max - range_.min); }

  std::string description() const { return described("uniform_log_snr", range_.max, range_.min); }

 private:
  LogSnrRange range_;
};

/// e^(-lambda) = tan(a + (b - a) t) scaled: the continuous cosine schedule, cut to a range of
/// lambda (Ho & Salimans 2021; Hoogeboom et al. 2023, algorithm of "simple diffusion"). The range
/// is that of lambda = log-SNR / 2.
class TruncatedCosineCurve {
 public:
  explicit TruncatedCosineCurve(LogSnrRange range = {-7.5, 7.5}) {
    detail::checked(range, "schedule::TruncatedCosine");
    first_ = std::atan(std::exp(-range.max));
    last_ = std::atan(std::exp(range.min));  // the distance of the last angle from pi / 2
    span_ = std::numbers::pi / 2 - first_ - last_;
  }
  double lambda(double t) const { return -std::log(tangent(t)); }
  /// d ln(tan u) = du / (sin u cos u).
  double slope(double t) const {
    const double tan = tangent(t);
    return -span_ * (tan + 1 / tan);
  }
  double time(double lambda) const {
    if (lambda > 0) return (std::atan(std::exp(-lambda)) - first_) / span_;
    return 1 - (std::atan(std::exp(lambda)) - last_) / span_;
  }

  std::string description() const { return described("truncated_cosine", lambda(0), lambda(1)); }

 private:
  /// tan of the angle at t, from the closer of 0 and pi / 2.
  double tangent(double t) const {
    return t < 0.5 ? std::tan(first_ + span_ * t) : 1 / std::tan(last_ + span_ * (1 - t));
  }
  double first_ = 0, last_ = 0, span_ = 0;
};

/// lambda = (1 - t) a(t) + t b(t): interpolated in time between two curves, as the shifted cosines
/// of Hoogeboom et al. 2023 (section 3.1) between two resolutions. By bisection backwards.
template <LogSnrCurve Curve>
class Interpolated {
 public:
  /// `first_shift` and `last_shift` are added to lambda at t = 0 and at t = 1: ln(d / side) for an
  /// image of `side` and a schedule made for images of d. Throws ArgumentError if the sum would
  /// rise anywhere.
  Interpolated(Curve curve, double first_shift, double last_shift)
      : curve_(std::move(curve)), first_(first_shift), change_(last_shift - first_shift) {
    for (int i = 0; i <= 256; ++i)
      if (!(slope(i / 256.0) < 0))
        raise<ArgumentError>("schedule::Interpolated: shifts of lambda ", first_shift, " and ",
                             last_shift, " make it rise at t = ", i / 256.0);
  }
  double lambda(double t) const { return curve_.lambda(t) + first_ + change_ * t; }
  double slope(double t) const { return curve_.slope(t) + change_; }
  double time(double value) const {
    return detail::falling_to(value, [&](double t) { return lambda(t); });
  }

  std::string description() const
    requires Described<Curve>
  {
    return described("interpolated", first_, first_ + change_, "of", curve_.description());
  }

 private:
  Curve curve_;
  double first_, change_;
};

/// lambda = mu/2 + b/2 sgn(1/2 - t) (-ln(1 - 2 |1/2 - t|)): log-SNR is Laplace distributed for
/// uniform t (Hang et al. 2024, table 1, mean mu and scale b of the log-SNR), cut where |1/2 - t|
/// is 1/2 - cut.
class LaplaceCurve {
 public:
  struct Options {
    double mean = 0, scale = 0.5, cut = 1e-3;
  };
  LaplaceCurve() : LaplaceCurve(Options{}) {}
  /// Throws ArgumentError unless scale > 0, 0 < cut < 1/2, the mean finite.
  explicit LaplaceCurve(Options o) : mean_(o.mean / 2), scale_(o.scale / 2), cut_(o.cut) {
    if (!(o.scale > 0 && o.cut > 0 && o.cut < 0.5 && std::isfinite(o.scale + o.mean)))
      raise<ArgumentError>("schedule::Laplace: mean ", o.mean, ", scale ", o.scale, ", cut ", o.cut,
                           "; needed scale > 0, 0 < cut < 1/2, finite");
  }
  double lambda(double t) const {
    const double u = inner(t);
    return u < 0.5 ? mean_ - scale_ * std::log(2 * u) : mean_ + scale_ * std::log(2 * (1 - u));
  }
  double slope(double t) const {
    const double u = inner(t);
    return -scale_ * (1 - 2 * cut_) / std::min(u, 1 - u);
  }
  double time(double lambda) const {
    const double part = 0.5 * std::exp(-std::abs(lambda - mean_) / scale_);
    return ((lambda > mean_ ? part : 1 - part) - cut_) / (1 - 2 * cut_);
  }

  std::string description() const { return described("laplace", 2 * mean_, 2 * scale_, cut_); }

 private:
  double inner(double t) const { return cut_ + (1 - 2 * cut_) * t; }
  double mean_, scale_, cut_;
};

using UniformLogSnr = LogSnr<UniformCurve>;
using TruncatedCosine = LogSnr<TruncatedCosineCurve>;
using Laplace = LogSnr<LaplaceCurve>;

}  // namespace foglift::inline v0::schedule
