#pragma once

#include "foglift/train/optimizer.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <type_traits>

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

  /// One update of every parameter that has a gradient, and of the average if there is one, in one
  /// pass over the model: opt.step(net, grads, lr, {.ema = &ema, .decay = 0.999}). Throws before
  /// any weight changes: ArgumentError for an lr that is negative or not finite, see
  /// check_gradients, and ShapeError if the moments or the average are those of another model.
  template <nn::Module M>
  void step(M& model, const Gradients<T>& grads, double lr,
            const std::type_identity_t<Average<M>>& average = {}) {
    move(model, grads, lr, average);
  }
  template <nn::Module M>
  void step(M& model, const Gradients<T>& grads) {
    step(model, grads, options_.lr);
  }

 protected:
  explicit AdamRule(const Settings& options) : options_(options) { options_.check(name); }

 private:
  void move(const ModelRef& model, const Gradients<T>& grads, double lr,
            const AnyAverage& average) {
    update(name, model, grads, lr, moments.size(), slots, average,
           [&](std::uint64_t updates) { return Kernel(options_, lr, updates); });
  }

  struct Kernel {
    T keep, l2, b1, c1, b2, c2, rate, eps;

    Kernel() = default;
    Kernel(const Settings& o, double lr, std::uint64_t updates) {
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

    template <class At, class Piece>
    kernels::Lanes<T> operator()(const At& at, const Piece& piece, Index i,
                                 kernels::Lanes<T> w) const {
      using L = kernels::Lanes<T>;
      T *const pm = piece.moments[0] + i, *const pv = piece.moments[1] + i;
      L g = at.load(piece.g + i);
      if constexpr (!decoupled) g = fma(L(l2), w, g);
      const L m = fma(L(b1), at.load(pm), L(c1) * g);
      const L v = fma(L(b2), at.load(pv), L(c2) * (g * g));
      at.store(m, pm);
      at.store(v, pv);
      if constexpr (decoupled) w = L(keep) * w;
      return fma(L(-rate), m / (sqrt(v) + L(eps)), w);
    }
  };

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
  explicit Adam(std::initializer_list<detail::NoElement>) : Adam() {}
};

/// Adam with decoupled weight decay: each step multiplies w by 1 - lr * weight_decay.
template <Scalar T = float>
class AdamW : public detail::AdamRule<T, true> {
 public:
  explicit AdamW(const AdamWOptions& options = {}) : detail::AdamRule<T, true>(options) {}
  explicit AdamW(std::initializer_list<detail::NoElement>) : AdamW() {}
};

}  // namespace train
}  // namespace v0
}  // namespace foglift
