#pragma once

#include "foglift/diffusion/denoiser.hpp"

#include <utility>

namespace foglift {
inline namespace v0 {
namespace guide {

namespace detail {
/// Any denoiser would do: what `wrap` is tried with.
struct Probe {
  template <Scalar T>
  Tensor<T> operator()(const Tensor<T>& x, const Levels&) const {
    return x;
  }
};
}  // namespace detail

/// A rule that makes a denoiser of a denoiser: wrap(d) is written with d | guidance.
template <class G>
concept Guidance = requires(std::remove_cvref_t<G> g, detail::Probe d) {
  { std::move(g).wrap(std::move(d)) } -> Denoiser;
};

/// The guided denoiser. Named denoisers are referred to and must outlive it, temporaries are kept:
///   auto sharper = model | guide::ClassifierFree{unconditional, 1.5};
template <class D, class G>
requires Guidance<G>
auto operator|(D&& denoise, G&& guidance) {
  static_assert(Denoiser<D, float> || Denoiser<D, double>,
                "the left side of | must be a denoiser, callable as (const Tensor<T>& x, Level) -> "
                "Tensor<T>, the posterior mean of x0");
  return std::remove_cvref_t<G>(std::forward<G>(guidance)).wrap(std::forward<D>(denoise));
}

}  // namespace guide
}  // namespace v0
}  // namespace foglift
