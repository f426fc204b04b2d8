#pragma once

#include "foglift/train/descent.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

namespace foglift::inline v0::train {

namespace detail {

template <bool decoupled>
struct AdamSettings {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = decoupled ? 0.01 : 0;

  /// Throws ArgumentError for values outside lr >= 0, beta in [0, 1), eps >= 0, weight_decay >= 0.
  void check(const char* where) const {
    check_options(where, {{"lr", lr},
                          {"beta1", beta1, 1},
                          {"beta2", beta2, 1},
                          {"eps", eps},
                          {"weight_decay", weight_decay}});
  }
};

}  // namespace detail

using AdamOptions = detail::AdamSettings<false>;
using AdamWOptions = detail::AdamSettings<true>;

namespace rule {

/// Adam (Kingma & Ba 2015, algorithm 1), with weight decay in the gradient, or decoupled from it
/// (Loshchilov & Hutter 2019, algorithm 2). As torch.optim: m and v are corrected for their bias,
/// eps is added to the corrected root.
template <Scalar T, bool decoupled>
struct Adam {
  using Options = train::detail::AdamSettings<decoupled>;
  static constexpr const char* name = decoupled ? "adamw" : "adam";
  static constexpr std::array<const char*, 2> moments{"m", "v"};

  T keep, l2, b1, c1, b2, c2, rate, eps;

  Adam() = default;
  Adam(const Options& o, double lr, std::uint64_t updates) {
    const auto k = static_cast<double>(updates);
    keep = static_cast<T>(decoupled ? 1 - lr * o.weight_decay : 1);
    l2 = static_cast<T>(decoupled ? 0 : o.weight_decay);
    b1 = static_cast<T>(o.beta1), c1 = static_cast<T>(1 - o.beta1);
    b2 = static_cast<T>(o.beta2), c2 = static_cast<T>(1 - o.beta2);
    // rate m' / (sqrt(v') + eps) of the corrected m' and v', in terms of m and sqrt(v) + eps.
    const double root = std::sqrt(1 - std::pow(o.beta2, k));
    rate = static_cast<T>(lr / (1 - std::pow(o.beta1, k)) * root);
    eps = static_cast<T>(o.eps * root);
  }

  template <class L>
  L operator()(L w, L g, L& m, L& v) const {
    if constexpr (!decoupled) g = fma(l2, w, g);
    m = fma(b1, m, c1 * g);
    v = fma(b2, v, c2 * (g * g));
    if constexpr (decoupled) w = keep * w;
    return fma(-rate, m / (sqrt(v) + eps), w);
  }
};

}  // namespace rule

/// Adam; weight_decay > 0 adds weight_decay * w to the gradient.
///
///   train::Adam opt({.lr = 2e-4});
///   opt.step(net, tape.backward(loss));
template <Scalar T = float>
struct Adam : Descent<rule::Adam<T, false>, T> {
  using Descent<rule::Adam<T, false>, T>::Descent;
};
Adam(const AdamOptions&, std::vector<ParameterGroup> = {}) -> Adam<>;

/// Adam with decoupled weight decay: each step multiplies w by 1 - lr * weight_decay.
template <Scalar T = float>
struct AdamW : Descent<rule::Adam<T, true>, T> {
  using Descent<rule::Adam<T, true>, T>::Descent;
};
AdamW(const AdamWOptions&, std::vector<ParameterGroup> = {}) -> AdamW<>;

}  // namespace foglift::inline v0::train
