#pragma once

#include "foglift/diffusion/solver/heun.hpp"
#include "foglift/diffusion/solver/parts/at_ratio.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace foglift::inline v0::solver {

/// Noise added from min_ratio up to max_ratio and taken away again in `steps` steps, `times` times,
/// in ratios sigma / alpha. 0 steps: as many as the grid has levels between the two, at least 1.
struct RestartInterval {
  Index steps = 0, times = 3;
  double min_ratio = 0.1, max_ratio = 1;
};

/// Restart sampling (Xu et al. 2023, algorithm 1): a deterministic one-step solver which, at the
/// level of the grid closest to the begin of an interval, goes back up by fresh noise and down
/// again on Karras steps (rho = 7), several times. What that costs more is not in `evaluations`. It
/// contracts the errors made before; its own vanish with the grid where an interval's steps grow
/// with it.
///
///   solver::Restart<> solver{.intervals = {{.times = 5, .min_ratio = 0.05, .max_ratio = 0.3}}};
template <class Inner = Heun>
struct Restart {
  static_assert(deterministic<Inner>, "Restart: the solver inside draws noise by itself");
  Inner inner = {};
  std::vector<RestartInterval> intervals = {RestartInterval{}};
  double noise_scale = 1;

  static constexpr const char* name = "restart";
  static constexpr int order = Inner::order, weak_order = Inner::order,
                       evaluations = Inner::evaluations;

  struct Memory {
    struct Loop {
      std::size_t after = 0;  // the level of the grid it starts from
      Index times = 0;
      TimeGrid levels;  // from max_ratio down to that level
    };
    std::vector<Loop> loops;
    std::size_t step = 0;
  };

  /// An interval is skipped where the grid has no noisy level, but its first, below max_ratio.
  /// Throws ArgumentError for an interval that is empty, and for a noise_scale that is negative or
  /// not finite.
  template <Scalar T>
  Memory start(const TimeGrid& grid) const {
    if (!(noise_scale >= 0 && std::isfinite(noise_scale)))
      raise<ArgumentError>("restart: noise_scale = ", noise_scale, ", must be finite, at least 0");
    Memory memory;
    for (const RestartInterval& r : intervals) {
      if (!(r.steps >= 0 && r.times >= 0 && r.min_ratio > 0 && r.min_ratio < r.max_ratio &&
            std::isfinite(r.max_ratio)))
        raise<ArgumentError>("restart: ", r.steps, " steps, ", r.times, " times, between ratios ",
                             r.min_ratio, " and ", r.max_ratio,
                             "; needed steps, times >= 0, 0 < min_ratio < max_ratio, finite");
      memory.loops.push_back(loop(r, grid));
    }
    return memory;
  }

  template <Scalar T, Denoiser<T> D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise,
                 const StepRng& rng, Memory& memory) const {
    x = inner.step(std::move(x), from, to, denoise, rng);
    ++memory.step;
    std::uint64_t draw = 0;
    for (const auto& loop : memory.loops) {
      if (loop.after != memory.step) continue;
      const Level& top = loop.levels.front();
      const double s = to.ratio(), rise = std::sqrt((top.ratio() - s) * (top.ratio() + s));
      for (Index k = 0; k < loop.times; ++k) {
        const Tensor<T> z = rng.normal<T>(x.shape(), ++draw);
        x = affine(top.alpha / to.alpha, std::move(x), top.alpha * rise * noise_scale, z);
        for (std::size_t i = 0; i + 1 < loop.levels.size(); ++i)
          x = inner.step(std::move(x), loop.levels[i], loop.levels[i + 1], denoise, rng);
      }
    }
    return x;
  }

 private:
  static typename Memory::Loop loop(const RestartInterval& r, const TimeGrid& grid) {
    std::size_t nearest = 0;
    double distance = std::numeric_limits<double>::infinity(), low = distance;
    for (std::size_t i = 1; i < grid.size(); ++i) {
      const double s = grid[i].ratio(), d = std::abs(s - r.min_ratio);
      if (s > 0 && d < distance) distance = d, nearest = i, low = s;
    }
    if (!(low < r.max_ratio)) return {};
    Index steps = r.steps;
    if (steps == 0)
      for (std::size_t i = 0; i < nearest; ++i)
        if (grid[i].alpha > 0 && grid[i].ratio() < r.max_ratio) ++steps;
    steps = std::max<Index>(steps, 1);
    TimeGrid levels;
    const double first = std::pow(r.max_ratio, 1.0 / 7), last = std::pow(low, 1.0 / 7);
    for (Index i = 0; i < steps; ++i) {
      const double u = static_cast<double>(i) / static_cast<double>(steps);
      levels.push_back(at_ratio(grid[nearest], std::pow(first + u * (last - first), 7)));
    }
    levels.push_back(grid[nearest]);
    return {nearest, r.times, std::move(levels)};
  }
};

}  // namespace foglift::inline v0::solver
