#pragma once

#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/autograd/ops/loss.hpp"
#include "foglift/diffusion/affine.hpp"
#include "foglift/diffusion/solver/parts/step_rng.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace foglift::inline v0::bridge {

/// A walk of so many steps, x' = move(x, k) + sqrt(2 step) z for k = 0, 1, ...: Brownian motion of
/// variance 2 step `steps` in all where move is the identity.
struct Walk {
  Index steps = 20;
  double step = 0.01;

  /// The states of a walk from x [B, ...], steps + 1 of them. Noise is keyed by (rng, sample, k).
  /// Throws ArgumentError for no steps or a step that is not positive.
  template <Scalar T, class Move>
  std::vector<Tensor<T>> states(const Move& move, Tensor<T> x, const Rng& rng,
                                std::uint64_t first_sample = 0) const {
    if (!(steps >= 1 && step > 0 && std::isfinite(step)))
      raise<ArgumentError>("bridge::Walk: ", steps, " steps of ", step, ", needed positive");
    std::vector<Tensor<T>> out;
    out.push_back(std::move(x));
    for (Index k = 0; k < steps; ++k) {
      const auto z = StepRng(rng, first_sample, k).normal<T>(out.back().shape());
      out.push_back(
          affine(1, Tensor<T>(move(std::as_const(out.back()), k)), std::sqrt(2 * step), z));
    }
    return out;
  }
};

/// How a half bridge says where a state came from.
enum class Came {
  /// As that state itself, whose mean is the exact one of a step back with noise of the same size.
  state,
  /// As x' + move(x, k) - move(x', k), which is right to first order in the step and varies less
  /// (De
  /// Bortoli et al. 2021, eq. 12).
  difference
};

/// What the way back from a walk learns, one half of iterative proportional fitting for the
/// Schroedinger bridge (De Bortoli et al. 2021, algorithm 1): of the state x' after step k the mean
/// of the state x before it. The way back counts its steps from its own beginning, k' =
/// steps - 1 - k, and is a move(x, k') itself. Fitted in turn, from data back to noise and again,
/// the walks tend to the bridge between the two laws that is closest to Brownian motion.
///
///   // x0 and y0 are draws of the two laws, `there` and `back` moves over two networks
///   // bridge::HalfBridge<float> half(walk, there, x0, rng);   fits `back`
///   // bridge::HalfBridge<float> other(walk, back, y0, rng);   fits `there`
template <Scalar T>
struct HalfBridge {
  std::vector<Tensor<T>> x;       ///< states [B, ...] for k' = 0, 1, ...
  std::vector<Tensor<T>> target;  ///< the means to move to, likewise

  template <class Move>
  HalfBridge(const Walk& walk, const Move& move, const Tensor<T>& start, const Rng& rng,
             Came came = Came::state, std::uint64_t first_sample = 0) {
    const auto states = walk.states(move, start, rng, first_sample);
    for (Index k = walk.steps - 1; k >= 0; --k) {
      const Tensor<T>&before = states[static_cast<std::size_t>(k)],
            &after = states[static_cast<std::size_t>(k + 1)];
      x.push_back(after);
      if (came == Came::state) {
        target.push_back(before);
        continue;
      }
      const Tensor<T> from = move(before, k), again = move(after, k);
      target.push_back(affine(1, Tensor<T>(after), 1, from, -1, again));
    }
  }

  /// The mean squared error of move(Var<T> x, k'), over all steps, recorded on a tape.
  template <class Move>
  Var<T> loss(Tape<T>& tape, const Move& move) const {
    const double share = 1 / static_cast<double>(x.size());
    Var<T> sum = mul(mse(move(tape.constant(x[0]), Index{0}), target[0]), share);
    for (std::size_t k = 1; k < x.size(); ++k)
      sum = add(sum, mul(mse(move(tape.constant(x[k]), static_cast<Index>(k)), target[k]), share));
    return sum;
  }
};

}  // namespace foglift::inline v0::bridge
