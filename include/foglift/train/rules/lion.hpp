#pragma once

#include "foglift/train/descent.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace foglift::inline v0::train {

struct LionOptions {
  double lr = 1e-4;
  double beta1 = 0.9;
  double beta2 = 0.99;
  double weight_decay = 0;

  /// Throws ArgumentError for values outside lr, weight_decay >= 0 and betas in [0, 1).
  void check(const char* where) const {
    check_options(
        where,
        {{"lr", lr}, {"beta1", beta1, 1}, {"beta2", beta2, 1}, {"weight_decay", weight_decay}});
  }
};

namespace rule {

/// Lion (Chen et al. 2023, "Symbolic discovery of optimization algorithms", algorithm 2): every
/// weight moves by lr against the sign of beta1 m + (1 - beta1) g, with decoupled weight decay. The
/// sign of 0 is 0.
template <Scalar T>
struct Lion {
  using Options = LionOptions;
  static constexpr const char* name = "lion";
  static constexpr std::array<const char*, 1> moments{"m"};

  T keep, b1, c1, b2, c2, rate;

  Lion() = default;
  Lion(const Options& o, double lr, std::uint64_t)
      : keep(static_cast<T>(1 - lr * o.weight_decay)),
        b1(static_cast<T>(o.beta1)),
        c1(static_cast<T>(1 - o.beta1)),
        b2(static_cast<T>(o.beta2)),
        c2(static_cast<T>(1 - o.beta2)),
        rate(static_cast<T>(lr)) {}

  template <class L>
  L operator()(L w, L g, L& m) const {
    const L c = fma(b1, m, c1 * g);
    m = fma(b2, m, c2 * g);
    return fma(keep, w, where_less(L(0), c, -rate, where_less(c, L(0), rate, L(0))));
  }
};

}  // namespace rule

/// Lion: steps of one size, so rates are 3 to 10 times smaller than Adam's, and weight decay as
/// much larger.
template <Scalar T = float>
struct Lion : Descent<rule::Lion<T>, T> {
  using Descent<rule::Lion<T>, T>::Descent;
};
Lion(const LionOptions&, std::vector<ParameterGroup> = {}) -> Lion<>;

}  // namespace foglift::inline v0::train
