#pragma once

#include "foglift/train/optimizer.hpp"

#include <array>
#include <cmath>

namespace foglift {
inline namespace v0 {
namespace train {

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
    if (!(lr >= 0 && beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1 && eps >= 0 &&
          weight_decay >= 0))
      raise<ArgumentError>(where, ": lr ", lr, ", beta1 ", beta1, ", beta2 ", beta2, ", eps ", eps,
                           ", weight_decay ", weight_decay,
                           "; needed lr, eps, weight_decay >= 0 and betas in [0, 1)");
  }
};

/// Adam (Kingma & Ba 2015, algorithm 1), with weight decay in the gradient, or decoupled from it
/// (Loshchilov & Hutter 2019, algorithm 2). As torch.optim: m and v are corrected for their bias,
/// eps is added to the corrected root.
template <Scalar T, bool decoupled>
class AdamRule {
 public:
  using value_type = T;
  using Settings = AdamSettings<decoupled>;
  static constexpr const char* name = decoupled ? "adamw" : "adam";
  static constexpr std::array<const char*, 2> moments{"m", "v"};

  std::vector<Slot<T>> slots;

  const Settings& options() const { return options_; }
  double learning_rate() const { return options_.lr; }

  /// One update of every parameter that has a gradient, in one pass a tensor. Throws before any
  /// weight changes: ArgumentError for an lr that is negative or not finite, see check_gradients,
  /// and ShapeError if the moments are those of another model.
  template <nn::Module M>
  void step(M& model, const Gradients<T>& grads, double lr) {
    update(name, model, grads, lr, moments.size(), slots,
           [&](Tensor<T>& w, const Tensor<T>& g, Slot<T>& slot) { apply(w, g, slot, lr); });
  }
  template <nn::Module M>
  void step(M& model, const Gradients<T>& grads) {
    step(model, grads, options_.lr);
  }

 protected:
  explicit AdamRule(const Settings& options) : options_(options) { options_.check(name); }

 private:
  void apply(Tensor<T>& weights, const Tensor<T>& gradient, Slot<T>& slot, double lr) const {
    const auto k = static_cast<double>(slot.updates);
    const double decay = lr * options_.weight_decay;
    const auto keep = static_cast<T>(decoupled ? 1 - decay : 1);
    const auto l2 = static_cast<T>(decoupled ? 0 : options_.weight_decay);
    const auto b1 = static_cast<T>(options_.beta1), c1 = static_cast<T>(1 - options_.beta1);
    const auto b2 = static_cast<T>(options_.beta2), c2 = static_cast<T>(1 - options_.beta2);
    const auto rate = static_cast<T>(lr / (1 - std::pow(options_.beta1, k)));
    const auto root = static_cast<T>(1 / std::sqrt(1 - std::pow(options_.beta2, k)));
    const auto eps = static_cast<T>(options_.eps);
    T *const w = weights.data(), *const m = slot.moments[0].data(),
             *const v = slot.moments[1].data();
    const T* const g = gradient.data();
    for_each_run(weights.size(), [=](Index first, Index last) {
      for (Index i = first; i < last; ++i) {
        const T gi = g[i] + l2 * w[i];
        m[i] = b1 * m[i] + c1 * gi;
        v[i] = b2 * v[i] + c2 * (gi * gi);
        w[i] = keep * w[i] - rate * m[i] / (std::sqrt(v[i]) * root + eps);
      }
    });
  }

  Settings options_;
};

}  // namespace detail

using AdamOptions = detail::AdamSettings<false>;
using AdamWOptions = detail::AdamSettings<true>;

/// Adam; weight_decay > 0 adds weight_decay * w to the gradient.
///
///   train::Adam opt({.lr = 2e-4});
///   opt.step(net, tape.backward(loss));
template <Scalar T = float>
class Adam : public detail::AdamRule<T, false> {
 public:
  explicit Adam(const AdamOptions& options = {}) : detail::AdamRule<T, false>(options) {}
};

/// Adam with decoupled weight decay: each step multiplies w by 1 - lr * weight_decay.
template <Scalar T = float>
class AdamW : public detail::AdamRule<T, true> {
 public:
  explicit AdamW(const AdamWOptions& options = {}) : detail::AdamRule<T, true>(options) {}
};

}  // namespace train
}  // namespace v0
}  // namespace foglift
