#pragma once

#include "foglift/diffusion/corruption/cold.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

namespace foglift::inline v0::corruption {

/// States between two snapshots of dynamics, by an interpolator, as the degradation of the last
/// one. A level's alpha is the share of the way from the first snapshot, where it is 0, to the
/// last one, where sigma is 0 (grid::dynamics); there states are the snapshots themselves, and the
/// interpolator
///
///   interpolate(Tensor<T> first, X last, Levels, StepRng) -> X
///
/// is not asked. X is a Tensor<T>, and a Var<T> for look_ahead_loss.
template <Scalar T, class Interpolate>
class Between {
 public:
  /// `masks`: what is random in the interpolator is drawn by it once for each sample of a run,
  /// instead of anew whenever it is asked. Cold runs are then Euler's rule, on whatever grid, for
  /// the sample's flow dx/di = d/di I(first, F(x, i), i), as the authors of DYffusion read them.
  Between(Tensor<T> first, Interpolate interpolate, std::optional<Rng> masks = {})
      : first_(std::make_shared<const Tensor<T>>(std::move(first))),
        interpolate_(std::move(interpolate)),
        masks_(masks) {}

  const Tensor<T>& first() const { return *first_; }

  /// Of the last snapshots [B, ...]. Throws ShapeError if the first ones have another shape.
  Tensor<T> operator()(const Tensor<T>& last, const Levels& levels, const StepRng& rng) const {
    check(last.shape(), levels);
    const Index batch = last.dim(0), n = last.row_size();
    bool inside = false;
    for (Index b = 0; b < (levels.shared() ? 1 : batch); ++b)
      inside |= levels[b].alpha != 0 && levels[b].sigma != 0;
    Tensor<T> out = inside ? asked(last, levels, rng) : last;
    for (Index b = 0; b < batch; ++b) {
      const Tensor<T>* end = levels[b].alpha == 0 ? first_.get() : &last;
      if (levels[b].alpha == 0 || levels[b].sigma == 0)
        std::copy_n(end->data() + b * n, n, out.data() + b * n);
    }
    return out;
  }
  /// The same on a tape, between the snapshots alone.
  Var<T> operator()(const Var<T>& last, const Levels& levels, const StepRng& rng) const {
    check(last.shape(), levels);
    return asked(last, levels, rng);
  }

  /// Runs begin with the first snapshots. Throws ShapeError for another shape, ArgumentError for a
  /// level on the way.
  Tensor<T> begin(const Shape& shape, const Level& level) const {
    check(shape, level);
    if (level.alpha != 0)
      raise<ArgumentError>("dyffusion: a run from ", level,
                           ", needed alpha = 0, where the first snapshot is");
    return first();
  }

 private:
  void check(const Shape& last, const Levels& levels) const {
    if (last != first().shape() || last.rank() == 0)
      raise<ShapeError>("dyffusion: snapshots ", last, " after snapshots ", first().shape());
    levels.check(last[0], "dyffusion");
  }
  template <class X>
  X asked(const X& last, const Levels& levels, const StepRng& rng) const {
    if (!masks_) return interpolate_(first(), last, levels, rng);
    return interpolate_(first(), last, levels, StepRng(*masks_, rng.first_sample(), 0));
  }

  std::shared_ptr<const Tensor<T>> first_;
  Interpolate interpolate_;
  std::optional<Rng> masks_;
};

/// Forecasts by cold diffusion along the time of dynamics (Ruehling Cachay et al. 2023,
/// "DYffusion"): clean data are the snapshots a horizon ahead, and what degrades them is an
/// interpolator towards the first ones. restore() with a forecaster (x, Level) -> last snapshot is
/// their algorithm 2, with .update = naive its ablation; the last step takes the forecast as it is,
/// as in the authors' program, unless .last is cold. States at whole steps are the forecast of
/// these.
///
///   const auto straight = [](const auto& first, const auto& last, const Levels& at, const auto&) {
///     return affine(constant(first, last), last,
///                   [&](Index b) { return Mix{at[b].sigma, at[b].alpha}; });
///   };
///   const auto half = [](const auto& x, const Level& l) { return scale(1 - l.sigma / 2, x); };
///   const auto cold = corruption::dyffusion(corruption::Between(x, straight));
///   const auto y = restore(cold, half, x.shape(), grid::dynamics(8), rng);
template <Scalar T, class Interpolate>
auto dyffusion(const Between<T, Interpolate>& between) {
  auto out = cold<T>(between, [between](const Shape& shape, const Level& level, const StepRng&) {
    return between.begin(shape, level);
  });
  out.last = decltype(out)::Update::naive;
  return out;
}

}  // namespace foglift::inline v0::corruption
