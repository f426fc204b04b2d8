#pragma once

#include "foglift/diffusion/inverse/replacement.hpp"

#include <cmath>
#include <utility>

namespace foglift::inline v0::solver {

struct RepaintOptions {
  Index jump = 10;         ///< steps that are taken back and again at a time
  Index resamplings = 10;  ///< how often each of them is taken in all; 1 is Replacement
};

/// RePaint (Lugmayr et al. 2022, algorithm 1 and appendix B): replacement, and at every jump-th
/// level, counted from the last one with noise, the state is noised again by `jump` steps and
/// denoised anew, so that the unknown part meets the known one more than once. The steps that are
/// repeated belong to the step that reaches the level. An inner solver starts anew, on the rest
/// of the grid, with each repetition.
///
///   const solver::Repaint solver(solver::Ddpm{}, known, {.jump = 5, .resamplings = 4});
///   auto x = sample(solver, denoise, shape, grid, rng);
template <class S, Scalar T = float>
class Repaint {
 public:
  using Options = RepaintOptions;
  static constexpr const char* name = "repaint";
  static constexpr int order = always_noisy, weak_order = 1, evaluations = as_needed;

  /// Of one run: the grid, the steps taken, and the inner solver.
  struct Progress {
    TimeGrid grid;
    std::size_t step = 0;
    Run<S, T> inner;
  };

  /// Throws as Known::check does, ArgumentError for a jump or resamplings below 1.
  Repaint(S inner, Known<T> known, Options options = {})
      : inner_(std::move(inner)), known_(std::move(known)), options_(options) {
    known_.check("solver::Repaint");
    if (options_.jump < 1 || options_.resamplings < 1)
      raise<ArgumentError>("solver::Repaint: jump = ", options_.jump,
                           ", resamplings = ", options_.resamplings, ", needed at least 1");
  }

  template <Scalar X>
    requires std::same_as<X, T>
  Progress start(const TimeGrid& grid) const {
    return {grid, 0, Run<S, T>(inner_, grid)};
  }

  template <class D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise,
                 const StepRng& rng, Progress& run) const {
    const std::size_t reached = ++run.step;
    x = known_.put(run.inner.step(std::move(x), from, to, denoise, rng), to, rng);
    const auto jump = static_cast<std::size_t>(options_.jump), last = run.grid.size() - 2;
    if (reached > last || reached < jump || (last - reached) % jump != 0) return x;
    for (Index r = 1; r < options_.resamplings; ++r) {
      const std::size_t first = reached - jump;
      const auto label = [&](std::size_t k) {
        return again + static_cast<std::uint64_t>(r) * run.grid.size() + k;
      };
      x = noised(std::move(x), run.grid[reached], run.grid[first], rng.repeat(label(0)));
      if constexpr (foglift::detail::HasMemory<S, T>)
        run.inner = Run<S, T>(
            inner_,
            TimeGrid(run.grid.begin() + static_cast<std::ptrdiff_t>(first), run.grid.end()));
      for (std::size_t k = first; k < reached; ++k) {
        const StepRng own = rng.repeat(label(1 + k - first));
        x = known_.put(run.inner.step(std::move(x), run.grid[k], run.grid[k + 1], denoise, own),
                       run.grid[k + 1], own);
      }
    }
    return x;
  }

 private:
  static constexpr std::uint64_t again = 0x5245504149;

  /// From a cleaner level to a noisier one: (alpha' / alpha) x + sqrt(sigma'^2 - (alpha' sigma /
  /// alpha)^2) z.
  static Tensor<T> noised(Tensor<T> x, const Level& clean, const Level& noisy, const StepRng& rng) {
    const double q = correlation(noisy, clean);
    const Tensor<T> z = rng.normal<T>(x.shape());
    return affine(noisy.alpha / clean.alpha, std::move(x),
                  noisy.sigma * std::sqrt((1 - q) * (1 + q)), z);
  }

  S inner_;
  Known<T> known_;
  Options options_;
};

}  // namespace foglift::inline v0::solver
