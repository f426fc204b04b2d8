#pragma once

#include "foglift/diffusion/solver/history.hpp"
#include "foglift/diffusion/solver/quadrature.hpp"

#include <algorithm>

namespace foglift {
inline namespace v0 {
namespace solver {

/// How a method of several past outputs begins, when it has none: with steps of their own in
/// stages, which cost more evaluations and keep the order, or with fewer outputs: the first step is
/// Euler's rule, whose one error limits any method without a corrector to order 2.
enum class Start { single_step, lower_order };

/// How it ends: as before, or with the orders ..., 2, 1. A step to clean data is of first order
/// either way where the method's clock is infinite there.
enum class Ending { full_order, lower_order };

/// The memory of a multistep method of K outputs.
template <Scalar T, std::size_t K>
struct MultistepMemory {
  History<T, K> history;
  /// Of the state, by the outputs of the history as it will be after the next one is made.
  std::array<double, K> correction{};
  Index left = 0;  // steps to come
};

/// Outputs that a predictor of P and a corrector of C of them (0: none) need to keep.
template <std::size_t P, std::size_t C>
inline constexpr std::size_t kept_outputs = C == 0 ? P : std::max(P + 1, C);

template <std::size_t P, std::size_t C, Scalar T>
MultistepMemory<T, kept_outputs<P, C>> start_multistep(const TimeGrid& grid) {
  return {{}, {}, static_cast<Index>(grid.size()) - 1};
}

/// One step of a linear multistep method (Adams-Bashforth, Adams-Moulton) in the rule's clock, with
/// one evaluation. The predictor interpolates the last P outputs. The corrector of the step before
/// (Zhao et al. 2023, algorithm 1, "UniC") interpolates C outputs, the one just made at its end and
/// C - 1 past ones: it is the predicted state plus a combination of outputs, so one pass over the
/// state corrects it, and takes the step. The state after the last step stays as predicted.
///
/// Rule: over(from, to) -> Quadrature, position(level, back, from, to) with `back` the number of
/// steps since, and single<P>(x, m0, from, to, denoise) for Start::single_step; one without
/// `single` begins with fewer outputs. Endless steps are of first order, and leave no output
/// behind.
template <std::size_t P, std::size_t C = 0, class Rule, Scalar T, class D>
Tensor<T> multistep(const Rule& rule, Start start, Ending ending, Tensor<T> x, const Level& from,
                    const Level& to, const D& denoise, const StepRng& rng,
                    MultistepMemory<T, kept_outputs<P, C>>& memory) {
  constexpr std::size_t K = kept_outputs<P, C>;
  static_assert(P >= 1 && K <= most_nodes, "multistep: 1 to 4 outputs, 5 with a corrector");
  const auto left = static_cast<std::size_t>(std::max<Index>(memory.left--, 1));
  const Quadrature step = rule.over(from, to);
  Tensor<T> x0 = foglift::detail::denoised(denoise, x, from);
  if (step.endless) return first_order(step, std::move(x), x0, from, to, rng);

  auto& history = memory.history;
  history.push(from, output(step.prediction, x, std::move(x0), from));
  const std::size_t most = ending == Ending::lower_order ? left : K;
  if constexpr (requires { rule.template single<int{P}>(std::move(x), x0, from, to, denoise); })
    if (start == Start::single_step && history.size() < std::min(P, most))
      return rule.template single<int{P}>(std::move(x), history[0].output, from, to, denoise);

  const std::size_t made = std::min(K, history.size());  // the compiler can not know that it fits
  std::array<double, K + 1> positions{1};                // the end, then the outputs there are
  for (std::size_t k = 0; k < made; ++k)
    positions[k + 1] = k == 0 ? 0.0 : rule.position(history[k].level, k, from, to);
  std::array<double, P> past{};
  std::copy_n(positions.begin() + 1, P, past.begin());
  const std::array<double, P> w = step.weights(past, std::min({P, history.size(), most}));

  std::array<Term<T>, K + 1> terms;
  for (std::size_t k = 0; k < made; ++k)
    terms[k] = {step.keep * memory.correction[k] + (k < P ? step.gain * w[k] : 0.0),
                &history[k].output};
  if constexpr (C > 0) {
    std::array<double, C> with_end{};
    std::copy_n(positions.begin(), C, with_end.begin());
    const auto v = step.weights(with_end, 1 + std::min({C - 1, history.size(), most}));
    for (std::size_t k = 0; k < K; ++k)
      memory.correction[k] =
          step.gain * ((k < C ? v[k] : 0.0) - (k > 0 && k <= P ? w[k - 1] : 0.0));
  }
  Tensor<T> z;
  if (step.noise != 0) {
    z = rng.increment<T>(x.shape(), from.snr(), to.snr());
    terms[K] = {step.noise, &z};
  }
  return combine(step.keep, std::move(x), terms);
}

}  // namespace solver
}  // namespace v0
}  // namespace foglift
