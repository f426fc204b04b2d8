#pragma once

#include "foglift/train/optimizer.hpp"

#include <array>

namespace foglift {
inline namespace v0 {
namespace train {

struct SgdOptions {
  double lr = 1e-2;
  double momentum = 0;
  double weight_decay = 0;
  bool nesterov = false;
};

/// Gradient descent with momentum, as torch.optim.SGD without dampening: b = momentum * b + g, then
/// w -= lr * b, or w -= lr * (g + momentum * b) with Nesterov's look-ahead (Sutskever et al. 2013).
/// weight_decay adds weight_decay * w to the gradient.
template <Scalar T = float>
class Sgd {
 public:
  using value_type = T;
  static constexpr const char* name = "sgd";
  static constexpr std::array<const char*, 1> moments{"b"};

  std::vector<Slot<T>> slots;

  /// Throws ArgumentError for a negative option, momentum >= 1, or nesterov without momentum.
  explicit Sgd(const SgdOptions& options = {}) : options_(options) {
    const SgdOptions& o = options;
    if (!(o.lr >= 0 && o.momentum >= 0 && o.momentum < 1 && o.weight_decay >= 0))
      raise<ArgumentError>("sgd: lr ", o.lr, ", momentum ", o.momentum, ", weight_decay ",
                           o.weight_decay, "; needed all >= 0 and momentum < 1");
    if (o.nesterov && o.momentum == 0) raise<ArgumentError>("sgd: nesterov needs a momentum > 0");
  }

  const SgdOptions& options() const { return options_; }
  double learning_rate() const { return options_.lr; }

  /// One update of every parameter that has a gradient. Throws before any weight changes:
  /// ArgumentError for an lr that is negative or not finite, see check_gradients, and ShapeError if
  /// the moments are those of another model.
  template <nn::Module M>
  void step(M& model, const Gradients<T>& grads, double lr) {
    detail::update(name, model, grads, lr, moments.size(), slots,
                   [&](Tensor<T>& w, const Tensor<T>& g, Slot<T>& slot) { apply(w, g, slot, lr); });
  }
  template <nn::Module M>
  void step(M& model, const Gradients<T>& grads) {
    step(model, grads, options_.lr);
  }

 private:
  void apply(Tensor<T>& weights, const Tensor<T>& gradient, Slot<T>& slot, double lr) const {
    const auto momentum = static_cast<T>(options_.momentum);
    const auto l2 = static_cast<T>(options_.weight_decay), rate = static_cast<T>(lr);
    const T ahead = options_.nesterov ? momentum : T(1), now = options_.nesterov ? T(1) : T(0);
    T *const w = weights.data(), *const b = slot.moments[0].data();
    const T* const g = gradient.data();
    detail::for_each_run(weights.size(), [=](Index first, Index last) {
      for (Index i = first; i < last; ++i) {
        const T gi = g[i] + l2 * w[i];
        b[i] = momentum * b[i] + gi;
        w[i] -= rate * (now * gi + ahead * b[i]);
      }
    });
  }

  SgdOptions options_;
};

}  // namespace train
}  // namespace v0
}  // namespace foglift
