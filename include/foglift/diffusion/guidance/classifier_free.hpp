#pragma once

#include "foglift/diffusion/guidance/guidance.hpp"

#include <cmath>

namespace foglift {
inline namespace v0 {
namespace guide {

/// u + weight (c - u) for the x0 of a conditional denoiser c and an unconditional one u.
template <class C, class U>
class ClassifierFreeDenoiser {
 public:
  template <class A, class B>
  requires(std::same_as<Kept<A>, C>&& std::same_as<Kept<B>, U>)
      ClassifierFreeDenoiser(A&& conditional, B&& unconditional, double weight)
      : conditional_(std::forward<A>(conditional)),
        unconditional_(std::forward<B>(unconditional)),
        weight_(weight) {}

  /// Guided x0 [B, ...] for x [B, ...]; `levels` is a Level or Levels, as both denoisers take it.
  /// With weight 1 the unconditional denoiser is not asked, with weight 0 the conditional one.
  template <Scalar T, class L>
  requires(Denoiser<C, T>&& Denoiser<U, T> &&
           (std::same_as<L, Level> || (BatchDenoiser<C, T> && BatchDenoiser<U, T>))) Tensor<T>
  operator()(const Tensor<T>& x, const L& levels) const {
    if (weight_ == 0) return foglift::detail::denoised(unconditional_, x, levels);
    Tensor<T> c = foglift::detail::denoised(conditional_, x, levels);
    if (weight_ == 1) return c;
    return affine(weight_, std::move(c), 1 - weight_,
                  foglift::detail::denoised(unconditional_, x, levels));
  }

 private:
  C conditional_;
  U unconditional_;
  double weight_;
};

/// Classifier-free guidance (Ho & Salimans 2021) in the convention u + weight (c - u): weight 1 is
/// off, above 1 sharpens, 0 ignores the condition. (The paper's w is weight - 1.) It acts on x0,
/// where the linear rule is the same as on eps or v, and is finite at every level.
///
///   auto sharper = conditional | guide::ClassifierFree{unconditional, 1.5};
template <class U>
class ClassifierFree {
 public:
  /// Throws ArgumentError for a weight that is not finite.
  template <class B>
  requires std::same_as<Kept<B>, U> ClassifierFree(B&& unconditional, double weight)
      : unconditional_(std::forward<B>(unconditional)), weight_(weight) {
    static_assert(Denoiser<U, float> || Denoiser<U, double>,
                  "guide::ClassifierFree: the unconditional model must be a denoiser, callable as "
                  "(const Tensor<T>& x, Level) -> Tensor<T>");
    if (!std::isfinite(weight))
      raise<ArgumentError>("guide::ClassifierFree: weight = ", weight, ", must be finite");
  }

  template <class D>
  auto wrap(D&& conditional) && {
    return ClassifierFreeDenoiser<Kept<D>, U>(std::forward<D>(conditional),
                                              std::forward<U>(unconditional_), weight_);
  }

 private:
  U unconditional_;
  double weight_;
};

template <class B>
ClassifierFree(B&&, double) -> ClassifierFree<Kept<B>>;

}  // namespace guide
}  // namespace v0
}  // namespace foglift
