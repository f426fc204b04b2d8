#pragma once

#include "foglift/diffusion/density/density.hpp"
#include "foglift/diffusion/density/gamma_rate.hpp"

#include <algorithm>
#include <utility>

namespace foglift::inline v0::density {

/// A density of ln(sigma / alpha) as one of the times of a schedule, truncated to what the schedule
/// reaches: the times at which it has the density's noise.
///
///   density::Noise(density::LogNormal(), schedule::Cosine())
template <NoiseDensity D, DifferentiableSchedule S>
class Noise {
 public:
  /// Throws ArgumentError if the schedule reaches none of the density's noise.
  Noise(D noise, S schedule)
      : noise_(std::move(noise)),
        schedule_(std::move(schedule)),
        below_(noise_.cdf(-schedule_.at(0).lambda())),
        share_(noise_.cdf(-schedule_.at(1).lambda()) - below_) {
    if (!(share_ > 0))
      raise<ArgumentError>("density::Noise: a share ", share_,
                           " of the density lies between the schedule's ends, needed some");
  }
  double quantile(double u) const {
    return schedule_.time(-noise_.quantile(std::min(1.0, below_ + share_ * u)));
  }
  double cdf(double t) const {
    if (t <= 0 || t >= 1) return t <= 0 ? 0 : 1;
    return std::clamp((noise_.cdf(-schedule_.at(t).lambda()) - below_) / share_, 0.0, 1.0);
  }
  /// pdf(l) dl/dt with l = gamma / 2; 0 where the density of l is 0, whatever the schedule's rate.
  double pdf(double t) const {
    if (!(t >= 0 && t <= 1)) return 0;
    const double at_noise = noise_.pdf(-schedule_.at(t).lambda());
    return at_noise > 0 ? at_noise / share_ * 0.5 * gamma_rate(schedule_, t) : 0;
  }

 private:
  D noise_;
  S schedule_;
  double below_, share_;
};

}  // namespace foglift::inline v0::density
