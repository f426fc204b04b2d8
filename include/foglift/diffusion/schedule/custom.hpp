#pragma once

#include "foglift/diffusion/schedule/dual.hpp"
#include "foglift/diffusion/schedule/schedule.hpp"

#include <concepts>
#include <utility>

namespace foglift::inline v0::schedule {

/// Any alpha(t) and sigma(t), written once for every kind of number, so that their derivatives are
/// found too; time() is found by bisection.
///
///   schedule::Custom mine([](auto t) { return 1 - t * t; }, [](auto t) { return sin(t); });
template <class Alpha, class Sigma>
class Custom {
  static_assert(std::invocable<const Alpha&, Dual> && std::invocable<const Sigma&, Dual>,
                "schedule::Custom: alpha and sigma are called with numbers that carry their "
                "derivative; write them as [](auto t) { ... }, with + - * / and the functions of "
                "schedule/dual.hpp");

 public:
  /// Throws ArgumentError unless alpha, sigma >= 0 are finite and sigma / alpha grows, at 1025
  /// equally spaced times.
  Custom(Alpha alpha, Sigma sigma) : alpha_(std::move(alpha)), sigma_(std::move(sigma)) {
    Level before;
    for (int i = 0; i <= 1024; ++i) {
      const Level l = at(i / 1024.0);
      if (!(l.alpha >= 0 && l.sigma >= 0 && l.alpha + l.sigma > 0 &&
            std::isfinite(l.alpha + l.sigma)))
        raise<ArgumentError>("schedule::Custom: ", l, ", needed alpha, sigma >= 0, finite");
      if (i > 0 && !(l.sigma * before.alpha > before.sigma * l.alpha))
        raise<ArgumentError>("schedule::Custom: sigma / alpha does not grow from ", before, " to ",
                             l);
      before = l;
    }
  }

  Level at(double t) const {
    detail::check_time(t, "schedule::Custom::at");
    return {t, Dual(alpha_(Dual(t, 1))).value, Dual(sigma_(Dual(t, 1))).value};
  }
  LevelRate derivative(double t) const {
    return {Dual(alpha_(Dual(t, 1))).slope, Dual(sigma_(Dual(t, 1))).slope};
  }
  double time(double lambda) const {
    if (std::isnan(lambda)) raise<ArgumentError>("schedule::Custom::time: lambda is NaN");
    return detail::falling_to(lambda, [&](double t) { return at(t).lambda(); });
  }

 private:
  Alpha alpha_;
  Sigma sigma_;
};

}  // namespace foglift::inline v0::schedule
