#pragma once

#include "foglift/train/descent.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace foglift::inline v0::train {

struct RmsPropOptions {
  double lr = 1e-2;
  double alpha = 0.99;
  double eps = 1e-8;
  double momentum = 0;
  double weight_decay = 0;

  /// Throws ArgumentError for values outside lr, eps, weight_decay >= 0, alpha and momentum in [0,
  /// 1).
  void check(const char* where) const {
    check_options(where, {{"lr", lr},
                          {"alpha", alpha, 1},
                          {"eps", eps},
                          {"momentum", momentum, 1},
                          {"weight_decay", weight_decay}});
  }
};

namespace rule {

/// RMSprop (Tieleman & Hinton 2012), as torch.optim: steps of g over the root of its mean square v,
/// summed with momentum in b; weight_decay adds weight_decay * w to g.
template <Scalar T>
struct RmsProp {
  using Options = RmsPropOptions;
  static constexpr const char* name = "rmsprop";
  static constexpr std::array<const char*, 2> moments{"v", "b"};

  T l2, keep, add, eps, momentum, rate;

  RmsProp() = default;
  RmsProp(const Options& o, double lr, std::uint64_t)
      : l2(static_cast<T>(o.weight_decay)),
        keep(static_cast<T>(o.alpha)),
        add(static_cast<T>(1 - o.alpha)),
        eps(static_cast<T>(o.eps)),
        momentum(static_cast<T>(o.momentum)),
        rate(static_cast<T>(lr)) {}

  template <class L>
  L operator()(L w, L g, L& v, L& b) const {
    g = fma(l2, w, g);
    v = fma(keep, v, add * (g * g));
    b = fma(momentum, b, g / (sqrt(v) + eps));
    return fma(-rate, b, w);
  }
};

}  // namespace rule

/// RMSprop.
template <Scalar T = float>
struct RmsProp : Descent<rule::RmsProp<T>, T> {
  using Descent<rule::RmsProp<T>, T>::Descent;
};
RmsProp(const RmsPropOptions&, std::vector<ParameterGroup> = {}) -> RmsProp<>;

}  // namespace foglift::inline v0::train
