#pragma once

#include "foglift/autograd/packed_weights.hpp"
#include "foglift/core/float_mode.hpp"
#include "foglift/diffusion/grid/groups.hpp"
#include "foglift/diffusion/solver/parts/step_rng.hpp"

#include <array>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace foglift::inline v0 {

struct SampleOptions {
  /// Index of the batch's first sample in the run: shards drawn apart, each with its own first
  /// sample, are the rows of one run, bit for bit.
  std::uint64_t first_sample = 0;
  /// Look for infinities and NaN after every step.
  bool check_finite = true;
  /// Where the noise of the steps comes from, nullptr: fresh in every step. A BrownianPath keeps it
  /// the same for all numbers of steps. The state that a run starts from is drawn from the run's
  /// generator either way.
  const NoiseSource* noise = nullptr;
  /// What may be left of the data where the grid of sample() begins, alpha / sigma, see
  /// grid::signal_left: a run from noise alone misses it. At 1 that is half of the variance of the
  /// state, for data of variance 1; data of deviation s bear 1 / s. Infinity: anything.
  double max_signal = 1;
};

/// What an observer is told after a step: step `step` of `steps` (from 0), the level reached (of a
/// run on GroupGrids that of the first group), the state there [B, ...], and what was first said of
/// the data in the step, at the level left.
template <class X, class E>
struct StateView {
  Index step, steps;
  const Level& level;
  const X& x;
  const E& x0;
};
template <Scalar T>
using StepView = StateView<Tensor<T>, Tensor<T>>;

/// The observer that is not there.
struct NoObserver {};

/// Tells the networks in a denoiser which levels runs will be at: they embed the times of a grid at
/// once, and keep the rows as long as the promise of their weights. A run does it for itself. Who
/// draws many small batches spares each run its preparations:
///
///   PackedWeights packed(denoise);
///   precompute(packed, denoise, grid);
///   for (;;) outputs.push_back(sample(solver::Ddim{}, denoise, {1, 24}, grid, Rng(seed++)));
template <class Model>
void precompute(PackedWeights& promise, const Model& model, const TimeGrid& grid) {
  const FlushDenormals flush;  // as in a step, for the same bits
  if constexpr (requires { model.precompute(promise, grid); })
    model.precompute(promise, grid);
  else if constexpr (requires { model.each_part([](const auto&) {}); })
    model.each_part([&](const auto& part) { precompute(promise, part, grid); });
}

namespace detail {

/// Streams of the run's generator.
inline constexpr std::uint64_t prior_stream = 0, step_stream = 1;

/// The numbers that the states are drawn with in which a run begins.
inline StepRng prior_rng(const Rng& rng, const SampleOptions& options) {
  return StepRng(rng.stream(prior_stream), options.first_sample, 0);
}

/// Throws NumericError for a state that is not finite; integers always are.
template <Element T>
void check_finite(const Tensor<T>& x, const char* name, Index step, Index steps, double t,
                  std::uint64_t first_sample) {
  if constexpr (Scalar<T>) {
    const Index n = x.row_size();
    for (Index b = 0; b < batch_of(x); ++b) {
      bool finite = true;
      for (Index i = b * n; i < (b + 1) * n; ++i) finite &= std::isfinite(x[i]);
      if (!finite)
        raise<NumericError>("sample: ", name, " gave a number that is not finite in step ", step,
                            " of ", steps, ", from t = ", t, ", sample ",
                            first_sample + static_cast<std::uint64_t>(b));
    }
  }
}

/// The levels of each step of a run, from(i) and to(i): one for the batch.
class BatchPath {
 public:
  BatchPath(const TimeGrid& grid, Index) : grid_(grid) {}

  Index steps() const { return static_cast<Index>(grid_.size()) - 1; }
  const Level& from(Index i) const { return grid_[static_cast<std::size_t>(i)]; }
  const Level& to(Index i) const { return from(i + 1); }
  /// A level to show or to name.
  const Level& shown(Index i) const { return from(i); }

 private:
  const TimeGrid& grid_;
};

/// The same for a run on a grid for each group. from and to hold until the next step.
class GroupPath {
 public:
  GroupPath(const GroupGrids& groups, Index batch) : groups_(groups), batch_(batch) { fill(0); }

  Index steps() const { return groups_.steps(); }
  Levels from(Index i) const { return levels(i); }
  Levels to(Index i) {
    fill(i + 1);
    return levels(i + 1);
  }
  /// That of the first group.
  const Level& shown(Index i) const { return groups_.at(0, i); }

 private:
  Levels levels(Index i) const {
    return {std::span<const Level>(each_[static_cast<std::size_t>(i % 2)]), groups_.groups()};
  }
  void fill(Index i) {
    auto& each = each_[static_cast<std::size_t>(i % 2)];
    each.clear();
    for (Index b = 0; b < batch_; ++b)
      for (Index g = 0; g < groups_.groups(); ++g) each.push_back(groups_.at(g, i));
  }

  const GroupGrids& groups_;
  Index batch_;
  std::array<std::vector<Level>, 2> each_;  // of even and odd levels
};

inline BatchPath path(const TimeGrid& grid, Index batch) { return {grid, batch}; }
inline GroupPath path(const GroupGrids& grids, Index batch) { return {grids, batch}; }

/// The loop of every run: x = step(x, i, noise), then after(i, x).
template <class X, class Step, class After>
X walk(X x, Index steps, const Rng& rng, const SampleOptions& options, const Step& step,
       const After& after) {
  for (Index i = 0; i < steps; ++i) {
    const StepRng noise(rng.stream(step_stream), options.first_sample, i, options.noise);
    {
      const FlushDenormals flush;
      x = step(std::move(x), i, noise);
    }
    after(i, std::as_const(x));
  }
  return x;
}

inline void check_begin(const Level& first, const SampleOptions& options) {
  const double left = first.alpha / first.sigma;
  if (!(left <= options.max_signal))
    raise<ArgumentError>(
        "sample: the grid begins at ", first, ", where alpha / sigma = ", left,
        " of the data is left, and samples begin with noise alone; needed at most ",
        options.max_signal,
        ": begin the grid at more noise, give sample_from() or edit() a state of "
        "that level, or raise SampleOptions::max_signal");
}

/// Throws ArgumentError for a grid that begins where too much of the data is left to begin there
/// from noise.
inline void check_start(const TimeGrid& grid, const SampleOptions& options) {
  grid::check(grid);
  check_begin(grid.front(), options);
}
inline void check_start(const GroupGrids& groups, const SampleOptions& options) {
  for (Index g = 0; g < groups.groups(); ++g) check_begin(groups.at(g, 0), options);
}

}  // namespace detail
}  // namespace foglift::inline v0
