#pragma once

#include "foglift/autograd/ops/blur.hpp"
#include "foglift/diffusion/guidance/blend.hpp"

#include <utility>

namespace foglift::inline v0::guide {

struct FrequencyOptions {
  double low = 1;   ///< weight of the smooth part of c - u
  double high = 1;  ///< weight of the rest
  double blur = 1;  ///< deviation of the Gaussian that parts them, in positions
};

/// Frequency-decoupled guidance (Sadat et al. 2025) with two bands, u + low G(c - u) + high (c - u
/// - G(c - u)), G a Gaussian blur in place of the paper's Laplacian pyramid. Linear. Both weights 1
/// are off; equal weights are classifier-free guidance. For states [B, L, C] or [B, H, W, C].
template <class U>
class FrequencyDecoupled {
 public:
  static constexpr bool clips = clips_of<U>();
  using Options = FrequencyOptions;

  /// Keeps a copy of the other model (see Kept). Throws ArgumentError unless the weights are finite
  /// and blur positive.
  FrequencyDecoupled(std::type_identity_t<U> unconditional, Options options)
      : unconditional_(std::forward<U>(unconditional)), options_(options) {
    detail::check_weight("guide::FrequencyDecoupled", "low weight", options.low);
    detail::check_weight("guide::FrequencyDecoupled", "high weight", options.high);
    if (!(options.blur > 0))
      raise<ArgumentError>("guide::FrequencyDecoupled: blur = ", options.blur,
                           ", must be positive");
  }

  template <class D, Value X, class L>
    requires(Answers<D, X, L> && Answers<U, X, L>)
  X apply(const D& conditional, const X& x, const L& levels) const {
    const X u = detail::answer(unconditional_, x, levels);
    X c = detail::answer(conditional, x, levels);
    const X smooth = gaussian_blur(affine(1, X(c), -1, u), options_.blur);
    X plain = affine(options_.high, std::move(c), 1 - options_.high, u);
    return affine(1, std::move(plain), options_.low - options_.high, smooth);
  }

  /// The guidance of some samples of its batch.
  auto rows(const Rows& rows) const {
    return FrequencyDecoupled<RowsOf<U>>(rows_of(unconditional_, rows), options_);
  }
  /// f(part) for what PackedWeights looks into.
  template <class F>
  void each_part(const F& f) const {
    f(unconditional_);
  }

 private:
  U unconditional_;
  Options options_;
};

template <class B>
FrequencyDecoupled(B&&, FrequencyOptions) -> FrequencyDecoupled<Kept<B>>;

}  // namespace foglift::inline v0::guide
