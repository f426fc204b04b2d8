#pragma once

#include "foglift/autograd/value.hpp"
#include "foglift/diffusion/denoiser.hpp"

#include <concepts>
#include <type_traits>
#include <utility>

namespace foglift::inline v0::guide {

/// Whether a denoiser or a guidance cuts off what the model says (D::clips): no rule that runs a
/// sampler backwards can undo that.
template <class D>
constexpr bool clips_of() {
  if constexpr (requires { std::remove_cvref_t<D>::clips; })
    return std::remove_cvref_t<D>::clips;
  else
    return false;
}

namespace detail {
/// Any denoiser would do: what `apply` is tried with.
struct Probe {
  template <Value X>
  X operator()(const X& x, const Levels&) const {
    return x;
  }
};

template <class G, class D, class X, class L>
concept Applies =
    requires(const G& g, const std::remove_reference_t<D>& d, const X& x, const L& levels) {
      { g.apply(d, x, levels) } -> std::convertible_to<X>;
    };
}  // namespace detail

/// A rule that makes an x0 of a denoiser's: apply(denoise, x, levels) is the guided x0, shape of x;
/// `levels` is a Level or Levels, x a Tensor or, where the rule can be differentiated, a Var. It
/// acts on x0 and never on the state, so every solver can use it, and is finite at alpha = 0 and at
/// sigma = 0. No sample's result depends on another's. One that knows what of it belongs to which
/// sample of a batch, if anything, says so by rows(rows) (KnowsRows); of others, and of those made
/// of a user's functions, nothing is assumed.
template <class G>
concept Guidance = detail::Applies<std::remove_cvref_t<G>, detail::Probe, Tensor<float>, Level> ||
                   detail::Applies<std::remove_cvref_t<G>, detail::Probe, Tensor<double>, Level>;

/// A denoiser under a guidance, itself a denoiser: of whatever both take.
template <class D, class G>
class Guided {
 public:
  static constexpr bool clips = clips_of<D>() || clips_of<G>();

  Guided(std::type_identity_t<D> denoise, std::type_identity_t<G> guidance)
      : denoise_(std::forward<D>(denoise)), guidance_(std::forward<G>(guidance)) {}

  /// Guided x0 [B, ...] for x [B, ...] at one level.
  template <Scalar T>
    requires detail::Applies<G, D, Tensor<T>, Level>
  Tensor<T> operator()(const Tensor<T>& x, const Level& level) const {
    return guidance_.apply(denoise_, x, level);
  }
  /// The same at one level or a level for each sample.
  template <Scalar T>
    requires detail::Applies<G, D, Tensor<T>, Levels>
  Tensor<T> operator()(const Tensor<T>& x, const Levels& levels) const {
    return guidance_.apply(denoise_, x, levels);
  }
  template <Scalar T>
    requires detail::Applies<G, D, Var<T>, Levels>
  Var<T> operator()(const Var<T>& x, const Levels& levels) const {
    return guidance_.apply(denoise_, x, levels);
  }

  /// The guided denoiser of some samples of its batch.
  auto rows(const Rows& rows) const
    requires KnowsRows<G>
  {
    return Guided<RowsOf<D>, RowsOf<G>>(rows_of(denoise_, rows), rows_of(guidance_, rows));
  }
  /// f(part) for what PackedWeights looks into.
  template <class F>
  void each_part(const F& f) const {
    f(denoise_);
    f(guidance_);
  }

 private:
  D denoise_;
  G guidance_;
};

namespace detail {
/// Says by static_assert what a guidance that has check<D>() misses in a denoiser.
template <class G, class D>
constexpr void check_for() {
  if constexpr (requires { G::template check<D>(); }) G::template check<D>();
}
}  // namespace detail

/// The guided denoiser, which keeps copies of both (see Kept); rules apply from left to right, each
/// to what the ones before it made:
///   auto sharper = conditional | guide::ClassifierFree{unconditional, 1.5} | guide::Clip{};
template <class D, class G>
  requires Guidance<G>
auto operator|(D&& denoise, G&& guidance) {
  static_assert(Denoiser<D, float> || Denoiser<D, double>,
                "the left side of | must be a denoiser, callable as (const Tensor<T>& x, Level) -> "
                "Tensor<T>, the posterior mean of x0");
  detail::check_for<std::remove_cvref_t<G>, D>();
  return Guided<Kept<D>, std::remove_cvref_t<G>>(std::forward<D>(denoise),
                                                 std::forward<G>(guidance));
}

}  // namespace foglift::inline v0::guide
