#pragma once

#include "foglift/core/error.hpp"

#include <algorithm>
#include <concepts>
#include <memory>
#include <utility>

namespace foglift::inline v0 {

/// How training times are spread over [0, 1]: `cdf(t)` is the share of times at most t, `pdf(t)`
/// its derivative, and `quantile(u)` the inverse of the cdf, u in [0, 1], which turns uniform,
/// stratified and antithetic numbers into times. A mean over such times of f(t) / pdf(t) is the
/// mean of f over uniform times.
template <class D>
concept TimeDensity = requires(const D& d, double v) {
  { d.quantile(v) } -> std::convertible_to<double>;
  { d.cdf(v) } -> std::convertible_to<double>;
  { d.pdf(v) } -> std::convertible_to<double>;
} && !requires { requires D::of_log_ratio; };

/// The same three of ln(sigma / alpha), on the whole line: density::Noise makes a TimeDensity of it
/// and a schedule.
template <class D>
concept NoiseDensity = requires(const D& d, double v) {
  { d.quantile(v) } -> std::convertible_to<double>;
  { d.cdf(v) } -> std::convertible_to<double>;
  { d.pdf(v) } -> std::convertible_to<double>;
  requires D::of_log_ratio;
};

namespace density {

/// Equal density on [0, 1].
struct Uniform {
  double quantile(double u) const { return u; }
  double cdf(double t) const { return std::clamp(t, 0.0, 1.0); }
  double pdf(double t) const { return t >= 0 && t <= 1 ? 1 : 0; }
};

/// What a density says of times in [t_min, t_max] alone.
template <TimeDensity D>
class Truncated {
 public:
  /// Throws ArgumentError unless 0 <= t_min < t_max <= 1 and the density has times between.
  Truncated(D inner, double t_min, double t_max)
      : inner_(std::move(inner)),
        t_min_(t_min),
        t_max_(t_max),
        below_(inner_.cdf(t_min)),
        share_(inner_.cdf(t_max) - below_) {
    if (!(t_min >= 0 && t_min < t_max && t_max <= 1 && share_ > 0))
      raise<ArgumentError>("density::Truncated: a share ", share_, " of the times lies in [", t_min,
                           ", ", t_max, "], needed some, and 0 <= t_min < t_max <= 1");
  }
  double quantile(double u) const {
    return std::clamp<double>(inner_.quantile(std::min(1.0, below_ + share_ * u)), t_min_, t_max_);
  }
  double cdf(double t) const { return std::clamp((inner_.cdf(t) - below_) / share_, 0.0, 1.0); }
  double pdf(double t) const { return t >= t_min_ && t <= t_max_ ? inner_.pdf(t) / share_ : 0; }

 private:
  D inner_;
  double t_min_, t_max_, below_, share_;
};

/// Any time density behind one type; copies share it. Empty when made without one.
class Any {
 public:
  Any() = default;
  template <TimeDensity D>
    requires(!std::same_as<D, Any>)
  Any(D inner)  // NOLINT: implicit by design
      : held_(std::make_shared<const Held<D>>(std::move(inner))) {}

  explicit operator bool() const { return held_ != nullptr; }
  /// These throw ArgumentError when empty.
  double quantile(double u) const { return held().quantile(u); }
  double cdf(double t) const { return held().cdf(t); }
  double pdf(double t) const { return held().pdf(t); }

 private:
  struct Interface {
    virtual ~Interface() = default;
    virtual double quantile(double u) const = 0;
    virtual double cdf(double t) const = 0;
    virtual double pdf(double t) const = 0;
  };
  template <class D>
  struct Held final : Interface {
    explicit Held(D d) : inner(std::move(d)) {}
    double quantile(double u) const override { return inner.quantile(u); }
    double cdf(double t) const override { return inner.cdf(t); }
    double pdf(double t) const override { return inner.pdf(t); }
    D inner;
  };
  const Interface& held() const {
    if (!held_) raise<ArgumentError>("density::Any: asked while empty");
    return *held_;
  }

  std::shared_ptr<const Interface> held_;
};

}  // namespace density
}  // namespace foglift::inline v0
