#pragma once

#include "foglift/diffusion/guidance/blend.hpp"

#include <utility>

namespace foglift::inline v0::guide {

/// Weights of the two conditions of guide::TwoConditions; both 1 are off.
struct TwoWeights {
  double first = 1, second = 1;
};

/// Guidance by two conditions (Brooks et al. 2023, "InstructPix2Pix", eq. 3), for a denoiser of
/// both, one of the first alone (an image, say) and one of neither:
///   none + first_weight (first - none) + second_weight (both - first).
/// Both weights 1 are off. Linear: it acts on x0 as on eps.
///
///   auto edit = both | guide::TwoConditions{image, none, {.first = 1.5, .second = 7.5}};
template <class A, class N>
class TwoConditions {
 public:
  static constexpr bool clips = clips_of<A>() || clips_of<N>();

  /// Keeps copies of the other models (see Kept). Throws ArgumentError for weights that are not
  /// finite.
  TwoConditions(std::type_identity_t<A> first, std::type_identity_t<N> none, TwoWeights weights)
      : first_(std::forward<A>(first)), none_(std::forward<N>(none)), weights_(weights) {
    static_assert(
        (Denoiser<A, float> || Denoiser<A, double>) && (Denoiser<N, float> || Denoiser<N, double>),
        "guide::TwoConditions: both other models must be denoisers, callable as (const "
        "Tensor<T>& x, Level) -> Tensor<T>");
    detail::check_weight("guide::TwoConditions", "first weight", weights.first);
    detail::check_weight("guide::TwoConditions", "second weight", weights.second);
  }

  template <class D, Value X, class L>
    requires(Answers<D, X, L> && Answers<A, X, L> && Answers<N, X, L>)
  X apply(const D& both, const X& x, const L& levels) const {
    const double w = weights_.first, v = weights_.second;
    X said = detail::answer(both, x, levels);
    X mixed = affine(v, std::move(said), w - v, detail::answer(first_, x, levels));
    return affine(1, std::move(mixed), 1 - w, detail::answer(none_, x, levels));
  }

  /// The guidance of some samples of its batch.
  auto rows(const Rows& rows) const {
    return TwoConditions<RowsOf<A>, RowsOf<N>>(rows_of(first_, rows), rows_of(none_, rows),
                                               weights_);
  }
  /// f(part) for what PackedWeights looks into.
  template <class F>
  void each_part(const F& f) const {
    f(first_);
    f(none_);
  }

 private:
  A first_;
  N none_;
  TwoWeights weights_;
};

template <class E, class F>
TwoConditions(E&&, F&&, TwoWeights) -> TwoConditions<Kept<E>, Kept<F>>;

}  // namespace foglift::inline v0::guide
