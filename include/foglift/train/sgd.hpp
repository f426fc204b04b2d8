#pragma once

#include "foglift/train/optimizer.hpp"

#include <array>
#include <cstdint>
#include <initializer_list>
#include <type_traits>

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
  explicit Sgd(std::initializer_list<detail::NoElement>) : Sgd() {}

  const SgdOptions& options() const { return options_; }
  double learning_rate() const { return options_.lr; }

  /// One update of every parameter that has a gradient, and of the average if there is one, in one
  /// pass over the model. Throws before any weight changes: ArgumentError for an lr that is
  /// negative or not finite, see check_gradients, and ShapeError if the moments or the average are
  /// those of another model.
  template <nn::Module M>
  void step(M& model, const Gradients<T>& grads, double lr,
            const std::type_identity_t<Average<M>>& average = {}) {
    move(model, grads, lr, average);
  }
  template <nn::Module M>
  void step(M& model, const Gradients<T>& grads) {
    step(model, grads, options_.lr);
  }

 private:
  void move(const ModelRef& model, const Gradients<T>& grads, double lr,
            const detail::AnyAverage& average) {
    detail::update(name, model, grads, lr, moments.size(), slots, average,
                   [&](std::uint64_t) { return Kernel(options_, lr); });
  }

  struct Kernel {
    T momentum, l2, rate, ahead, now;

    Kernel() = default;
    Kernel(const SgdOptions& o, double lr)
        : momentum(static_cast<T>(o.momentum)),
          l2(static_cast<T>(o.weight_decay)),
          rate(static_cast<T>(lr)),
          ahead(o.nesterov ? momentum : T(1)),
          now(o.nesterov ? T(1) : T(0)) {}

    template <class At, class Piece>
    kernels::Lanes<T> operator()(const At& at, const Piece& piece, Index i,
                                 kernels::Lanes<T> w) const {
      using L = kernels::Lanes<T>;
      T* const pb = piece.moments[0] + i;
      const L g = fma(L(l2), w, at.load(piece.g + i));
      const L b = fma(L(momentum), at.load(pb), g);
      at.store(b, pb);
      return w - L(rate) * fma(L(ahead), b, L(now) * g);
    }
  };

  SgdOptions options_;
};

}  // namespace train
}  // namespace v0
}  // namespace foglift
