#pragma once

#include "foglift/train/descent.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace foglift::inline v0::train {

struct SgdOptions {
  double lr = 1e-2;
  double momentum = 0;
  double weight_decay = 0;
  bool nesterov = false;

  /// Throws ArgumentError for a negative option, momentum >= 1, or nesterov without momentum.
  void check(const char* where) const {
    check_options(where, {{"lr", lr}, {"momentum", momentum, 1}, {"weight_decay", weight_decay}});
    if (nesterov && momentum == 0) raise<ArgumentError>(where, ": nesterov needs a momentum > 0");
  }
};

namespace rule {

/// Gradient descent with momentum, as torch.optim.SGD without dampening: b = momentum * b + g, then
/// w -= lr * b, or w -= lr * (g + momentum * b) with Nesterov's look-ahead (Sutskever et al. 2013).
template <Scalar T>
struct Sgd {
  using Options = SgdOptions;
  static constexpr const char* name = "sgd";
  static constexpr std::array<const char*, 1> moments{"b"};

  T momentum, l2, rate, ahead, now;

  Sgd() = default;
  Sgd(const Options& o, double lr, std::uint64_t)
      : momentum(static_cast<T>(o.momentum)),
        l2(static_cast<T>(o.weight_decay)),
        rate(static_cast<T>(lr)),
        ahead(o.nesterov ? momentum : T(1)),
        now(o.nesterov ? T(1) : T(0)) {}

  template <class L>
  L operator()(L w, L g, L& b) const {
    g = fma(l2, w, g);
    b = fma(momentum, b, g);
    return w - rate * fma(ahead, b, now * g);
  }
};

}  // namespace rule

/// Gradient descent; weight_decay adds weight_decay * w to the gradient.
template <Scalar T = float>
struct Sgd : Descent<rule::Sgd<T>, T> {
  using Descent<rule::Sgd<T>, T>::Descent;
};
Sgd(const SgdOptions&, std::vector<ParameterGroup> = {}) -> Sgd<>;

}  // namespace foglift::inline v0::train
