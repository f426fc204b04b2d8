#pragma once

#include "foglift/diffusion/guidance/blend.hpp"

#include <utility>

namespace foglift::inline v0::guide {

namespace detail {
/// A denoiser that knows what it said of one state, and is asked for the others.
template <class D, Value X>
struct Recall {
  const D& denoise;
  const X& x;
  const X& x0;

  template <class L>
    requires Answers<D, X, L>
  X operator()(const X& y, const L& levels) const {
    return &y == &x ? x0 : X(denoise(y, levels));
  }
  template <Value Y, class L>
    requires(!std::same_as<X, Y> && Answers<D, Y, L>)
  Y operator()(const Y& y, const L& levels) const {
    return denoise(y, levels);
  }
};
}  // namespace detail

/// Two guidances side by side, each on the denoiser itself, their changes of x0 added:
///   x0 + (g(x0) - x0) + (h(x0) - x0),
/// where d | g | h lets h see what g made. Written g + h:
///   auto guided = c | (guide::ClassifierFree{u, 7.5} + guide::away_from(perturbed, 3.0));
template <class G, class H>
class Sum {
 public:
  static constexpr bool clips = clips_of<G>() || clips_of<H>();

  Sum(G g, H h) : g_(std::forward<G>(g)), h_(std::forward<H>(h)) {}

  template <class D>
  static constexpr void check() {
    detail::check_for<G, D>();
    detail::check_for<H, D>();
  }

  template <class D, Value X, class L>
    requires(Answers<D, X, L> && detail::Applies<G, detail::Recall<D, X>, X, L> &&
             detail::Applies<H, detail::Recall<D, X>, X, L>)
  X apply(const D& denoise, const X& x, const L& levels) const {
    const X x0 = detail::answer(denoise, x, levels);
    const detail::Recall<D, X> recall{denoise, x, x0};
    X g = g_.apply(recall, x, levels);
    X both = affine(1, std::move(g), 1, X(h_.apply(recall, x, levels)));
    return affine(1, std::move(both), -1, x0);
  }

  /// The guidance of some samples of its batch.
  auto rows(const Rows& rows) const
    requires(KnowsRows<G> && KnowsRows<H>)
  {
    return Sum<RowsOf<G>, RowsOf<H>>(rows_of(g_, rows), rows_of(h_, rows));
  }
  /// f(part) for what PackedWeights looks into.
  template <class F>
  void each_part(const F& f) const {
    f(g_);
    f(h_);
  }

 private:
  G g_;
  H h_;
};

template <class G, class H>
  requires(Guidance<G> && Guidance<H>)
auto operator+(G&& g, H&& h) {
  return Sum<std::remove_cvref_t<G>, std::remove_cvref_t<H>>(std::forward<G>(g),
                                                             std::forward<H>(h));
}

}  // namespace foglift::inline v0::guide
