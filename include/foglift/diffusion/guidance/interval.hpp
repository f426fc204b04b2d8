#pragma once

#include "foglift/diffusion/guidance/blend.hpp"

#include <cmath>
#include <limits>
#include <utility>

namespace foglift::inline v0::guide {

/// Noise levels, both ends included. Levels and not step numbers, so that it means the same for
/// every number of steps and every grid.
struct Range {
  /// What lo and hi are values of: sigma / alpha, lambda = ln(alpha / sigma), or t.
  enum class Of { ratio, lambda, time };

  double lo = 0, hi = std::numeric_limits<double>::infinity();
  Of of = Of::ratio;

  bool contains(const Level& l) const {
    const double v = of == Of::ratio ? l.ratio() : of == Of::lambda ? l.lambda() : l.t;
    return lo <= v && v <= hi;
  }
};

/// A guidance that acts inside a range of noise levels (Kynkaanniemi et al. 2024, "Applying
/// Guidance in a Limited Interval", with a range of sigma / alpha); outside, the denoiser is as it
/// was. Of samples with levels on both sides each gets its own.
///
///   auto guided = conditional | guide::Interval{{.lo = 0.28, .hi = 5.4},
///                                               guide::ClassifierFree{unconditional, 3.0}};
template <class G>
class Interval {
 public:
  static constexpr bool clips = clips_of<G>();

  /// Throws ArgumentError unless lo <= hi.
  Interval(Range range, G guidance) : range_(range), guidance_(std::forward<G>(guidance)) {
    static_assert(Guidance<G>, "guide::Interval: what acts inside the range must be a guidance");
    if (!(range_.lo <= range_.hi))
      raise<ArgumentError>("guide::Interval: from ", range_.lo, " to ", range_.hi,
                           ", needed lo <= hi");
  }

  template <class D>
  static constexpr void check() {
    detail::check_for<G, D>();
  }

  template <class D, Value X, class L>
    requires(Answers<D, X, L> && detail::Applies<G, D, X, L>)
  X apply(const D& denoise, const X& x, const L& levels) const {
    const Levels each(levels);
    const Tensor<scalar_of<X>>& state = value_of(x);
    const Index rows =
        each.rows(foglift::detail::batch_of(state), state.row_size(), "guide::Interval");
    bool all = true, none = true;
    for (Index r = 0; r < rows; ++r) (range_.contains(each[r]) ? none : all) = false;
    if (none) return detail::answer(denoise, x, levels);
    X guided = guidance_.apply(denoise, x, levels);
    if (all) return guided;
    return affine(std::move(guided), detail::answer(denoise, x, levels), rows,
                  [&](Index r) { return range_.contains(each[r]) ? Mix{1, 0} : Mix{0, 1}; });
  }

  /// The guidance of some samples of its batch.
  auto rows(const Rows& rows) const
    requires KnowsRows<G>
  {
    return Interval<RowsOf<G>>(range_, rows_of(guidance_, rows));
  }
  /// f(part) for what PackedWeights looks into.
  template <class F>
  void each_part(const F& f) const {
    f(guidance_);
  }

 private:
  Range range_;
  G guidance_;
};

}  // namespace foglift::inline v0::guide
