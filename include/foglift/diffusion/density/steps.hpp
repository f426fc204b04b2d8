#pragma once

#include "foglift/core/shape.hpp"
#include "foglift/diffusion/density/density.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace foglift::inline v0::density {

/// Times k / T of the steps k = 1 ... T of a chain: step k takes the share that a density has
/// between (k - 1) / T and k / T. pdf is the step's probability times T.
template <TimeDensity D = Uniform>
class Steps {
 public:
  /// Throws ArgumentError unless there is a step.
  explicit Steps(Index steps, D inner = D())
      : inner_(std::move(inner)), T_(static_cast<double>(steps)) {
    if (steps < 1) raise<ArgumentError>("density::Steps: ", steps, " steps, needed at least 1");
  }
  double quantile(double u) const {
    // the first step k with u < cdf(k / T): shares are taken from their left ends on
    const double k = std::floor(inner_.quantile(u) * T_) + 1;
    return std::clamp(k, 1.0, T_) / T_;
  }
  double cdf(double t) const {
    // t may be k / T rounded down
    const double k = std::floor(t * T_ * (1 + 1e-12));
    return k <= 0 ? 0 : k >= T_ ? 1 : inner_.cdf(k / T_);
  }
  double pdf(double t) const {
    const double k = std::round(t * T_);
    if (!(k >= 1 && k <= T_)) return 0;
    return T_ * ((k < T_ ? inner_.cdf(k / T_) : 1) - (k > 1 ? inner_.cdf((k - 1) / T_) : 0));
  }

 private:
  D inner_;
  double T_;
};

}  // namespace foglift::inline v0::density
