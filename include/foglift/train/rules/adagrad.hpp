#pragma once

#include "foglift/train/descent.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace foglift::inline v0::train {

struct AdagradOptions {
  double lr = 1e-2;
  double lr_decay = 0;
  double eps = 1e-10;
  double weight_decay = 0;

  /// Throws ArgumentError for a negative option and eps = 0, which would divide 0 by 0.
  void check(const char* where) const {
    check_options(
        where, {{"lr", lr}, {"lr_decay", lr_decay}, {"eps", eps}, {"weight_decay", weight_decay}});
    if (eps == 0) raise<ArgumentError>(where, ": eps = 0, must be positive");
  }
};

namespace rule {

/// Adagrad (Duchi et al. 2011), as torch.optim: s = s + g^2, w = w - lr g / (sqrt(s) + eps), with
/// the rate of update k divided by 1 + (k - 1) lr_decay; weight_decay adds weight_decay * w to g.
template <Scalar T>
struct Adagrad {
  using Options = AdagradOptions;
  static constexpr const char* name = "adagrad";
  static constexpr std::array<const char*, 1> moments{"s"};

  T l2, eps, rate;

  Adagrad() = default;
  Adagrad(const Options& o, double lr, std::uint64_t updates)
      : l2(static_cast<T>(o.weight_decay)),
        eps(static_cast<T>(o.eps)),
        rate(static_cast<T>(lr / (1 + static_cast<double>(updates - 1) * o.lr_decay))) {}

  template <class L>
  L operator()(L w, L g, L& s) const {
    g = fma(l2, w, g);
    s = fma(g, g, s);
    return fma(-rate, g / (sqrt(s) + eps), w);
  }
};

}  // namespace rule

/// Adagrad: the sum of all squares in the denominator, so rates fall by themselves.
template <Scalar T = float>
struct Adagrad : Descent<rule::Adagrad<T>, T> {
  using Descent<rule::Adagrad<T>, T>::Descent;
};
Adagrad(const AdagradOptions&, std::vector<ParameterGroup> = {}) -> Adagrad<>;

}  // namespace foglift::inline v0::train
