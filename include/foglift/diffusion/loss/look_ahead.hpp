#pragma once

#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/autograd/ops/loss.hpp"
#include "foglift/diffusion/affine.hpp"
#include "foglift/diffusion/corruption/dyffusion.hpp"
#include "foglift/diffusion/grid/grid.hpp"
#include "foglift/diffusion/times.hpp"

#include <vector>

namespace foglift::inline v0 {

struct LookAheadOptions {
  /// How a forecast is compared with the last snapshot.
  enum class Distance { absolute, squared };
  Distance distance = Distance::absolute;
  double first = 0.5;   ///< weight of the forecast from a state
  double second = 0.5;  ///< weight of the forecast from the state after it; 0: there is none
  Times times = Times::stratified;
};

/// The loss of DYffusion's forecaster (Ruehling Cachay et al. 2023, algorithm 1, stage 2, with the
/// look-ahead of the authors' program). A step n of the grid is drawn for each sample; z is the
/// state there between the first snapshot and the last, x = F(z), and z' the state at step n + 1
/// between the first snapshot and x. The loss is first * |x - last| + second * |F(z') - last|, the
/// second mean being over the samples whose z' is not yet the forecast itself. Gradients reach F
/// through z' too, by the interpolator, whose own weights should be frozen (train::frozen).
///
///   forecast(Var<T> x, Levels, StepRng) -> Var<T>
///
/// All that is random is keyed by (rng, slot, step), and drawn apart for each call; slots are
/// consecutive, as those of train::Examples are. Throws ArgumentError for negative weights, and
/// what `between` and the grid throw.
template <Scalar T, class Interpolate, class Forecast>
Var<T> look_ahead_loss(Tape<T>& tape, const corruption::Between<T, Interpolate>& between,
                       const Forecast& forecast, const Tensor<T>& last, const TimeGrid& grid,
                       const Rng& rng, const Draws& draws, const LookAheadOptions& options = {}) {
  if (!(options.first >= 0 && options.second >= 0))
    raise<ArgumentError>("look_ahead_loss: weights ", options.first, " and ", options.second,
                         ", needed at least 0");
  grid::check(grid);
  const Index batch = detail::batch_of(last), steps = static_cast<Index>(grid.size()) - 1;
  const StepRng own(rng.stream(1), batch > 0 ? draws.slot(0) : 0, Index{draws.step});
  std::vector<Level> now, next;
  std::vector<double> ahead;  // 1 where there is a state to look ahead to
  double count = 0;
  for (const double u : draw_times(options.times, rng.stream(0), batch, draws)) {
    const auto n = static_cast<std::size_t>(u * static_cast<double>(steps));
    const bool any = static_cast<Index>(n) + 1 < steps;
    now.push_back(grid[n]);
    next.push_back(grid[any ? n + 1 : n]);
    ahead.push_back(any ? 1 : 0);
    count += ahead.back();
  }
  const auto distance = [&](const Var<T>& x, const Tensor<T>& y) {
    return options.distance == LookAheadOptions::Distance::absolute ? l1(x, y) : mse(x, y);
  };
  const auto weight = [](double w) { return static_cast<T>(w); };
  const Var<T> x =
      forecast(tape.constant(between(last, now, own.repeat(0))), Levels(now), own.repeat(1));
  const Var<T> loss = mul(distance(x, last), weight(options.first));
  if (count == 0 || options.second == 0) return loss;
  const Var<T> again = forecast(between(x, next, own.repeat(2)), Levels(next), own.repeat(3));
  const auto seen = [&](Index b) { return ahead[static_cast<std::size_t>(b)]; };
  const Var<T> second = distance(scale(again, batch, seen), scale(last, batch, seen));
  return add(loss, mul(second, weight(options.second * static_cast<double>(batch) / count)));
}

}  // namespace foglift::inline v0
