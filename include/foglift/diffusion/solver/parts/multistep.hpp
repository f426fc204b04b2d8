#pragma once

#include "foglift/diffusion/solver/parts/history.hpp"
#include "foglift/diffusion/solver/parts/quadrature.hpp"

#include <algorithm>
#include <cmath>

namespace foglift::inline v0::solver {

/// How a method of several past outputs begins, when it has none: with steps of their own in
/// stages, which cost more evaluations and keep the order, or with fewer outputs: the first step is
/// Euler's rule, whose one error limits any method without a corrector to order 2. by_length:
/// single steps where they are short, at most short_step in lambda, fewer outputs where they are
/// long, since there is no order to keep and the evaluations are better spent on more steps.
enum class Start { by_length, single_step, lower_order };
inline constexpr double short_step = 0.3;

/// How it ends: as before, or with the orders ..., 2, 1. A step to clean data is of first order
/// either way where the method's clock is infinite there.
enum class Ending { full_order, lower_order };

/// Outputs of x0 that a step of a method of two or more takes: all, or, where it is longer than
/// long_step in lambda (half of that with noise), two at most by Weights::midpoint. x0 is about a
/// sigmoid of lambda (for Gaussian data 1 / (1 + e^(-2 lambda) / v), whose poles are pi / 2 away
/// from any lambda), and polynomials do not foresee it by half of that: with 5 Karras steps 3M is
/// 1.25 off the law of N(1, 0.25), 2M by exact weights 0.27, by midpoint 0.07. eps, which gains
/// little on long steps, stays interpolated by all.
enum class Outputs { by_length, all };
inline constexpr double long_step = 0.8;

/// The options of multistep().
struct MultistepOptions {
  Start begin = Start::by_length;
  Ending end = Ending::full_order;
  Outputs outputs = Outputs::by_length;
};

/// The memory of a multistep method of K outputs.
template <Scalar T, std::size_t K>
struct MultistepMemory {
  History<T, K> history;
  /// Of the state, by the outputs of the history as it will be after the next one is made.
  std::array<double, K> correction{};
  Index left = 0;        // steps to come
  bool started = false;  // past the single steps
};

/// Outputs that a predictor of P and a corrector of C of them (0: none) need to keep.
template <std::size_t P, std::size_t C>
inline constexpr std::size_t kept_outputs = C == 0 ? P : std::max(P + 1, C);

template <std::size_t P, std::size_t C, Scalar T>
MultistepMemory<T, kept_outputs<P, C>> start_multistep(const TimeGrid& grid) {
  return {{}, {}, static_cast<Index>(grid.size()) - 1, false};
}

/// Outputs of one step that stand closer together than this part of it count as one, the latest.
/// Their difference is slope only while it is large beside the errors of the outputs, which the
/// weights multiply by the inverse gap: rounding (two levels 1e-6 apart cost a float run three
/// digits), what a corrector changed in between (UniPC and SA-Solver, where the error of two levels
/// 1e-6 apart was 1e3 in double), noise. The rule is one order lower for a step or two.
inline constexpr double least_gap = 0.01;

/// Where the end of a step and the outputs that it interpolates stand.
template <std::size_t K>
struct Nodes {
  std::array<double, K + 1> positions{1};  // the end, then outputs, the latest first
  std::array<std::size_t, K> index{};      // of positions[n + 1], in the history
  std::size_t count = 0;                   // of outputs

  template <class Rule, Scalar T>
  Nodes(const Rule& rule, const History<T, K>& history, std::size_t most, const Level& from,
        const Level& to) {
    for (std::size_t k = 0; k < std::min(most, history.size()); ++k) {
      const double at = k == 0 ? 0.0 : rule.position(history[k].level, k, from, to);
      if (k > 0 && std::abs(at - positions[count]) < least_gap) continue;
      index[count] = k;
      positions[++count] = at;
    }
  }
  template <std::size_t N>
  std::array<double, N> first(std::size_t begin) const {
    std::array<double, N> out{};
    std::copy_n(positions.begin() + static_cast<std::ptrdiff_t>(begin), N, out.begin());
    return out;
  }
};

/// One step of a linear multistep method (Adams-Bashforth, Adams-Moulton) in the rule's clock, with
/// one evaluation. The predictor interpolates the last P outputs. The corrector of the step before
/// (Zhao et al. 2023, algorithm 1, "UniC") interpolates C outputs, the one just made at its end and
/// C - 1 past ones: it is the predicted state plus a combination of outputs, so one pass over the
/// state corrects it, and takes the step. The state after the last step stays as predicted.
///
/// Rule: over(from, to) -> Quadrature, position(level, back, from, to) with `back` the number of
/// steps since, and single<P>(x, m0, from, to, denoise) for single steps at the start; one without
/// `single` begins with fewer outputs. Endless steps are of first order, and leave no output
/// behind.
template <std::size_t P, std::size_t C = 0, class Rule, Scalar T, class D>
Tensor<T> multistep(const Rule& rule, const MultistepOptions& options, Tensor<T> x,
                    const Level& from, const Level& to, const D& denoise, const StepRng& rng,
                    MultistepMemory<T, kept_outputs<P, C>>& memory) {
  constexpr std::size_t K = kept_outputs<P, C>;
  static_assert(P >= 1 && K <= most_nodes, "multistep: 1 to 4 outputs, 5 with a corrector");
  const auto left = static_cast<std::size_t>(std::max<Index>(memory.left--, 1));
  Quadrature step = rule.over(from, to);
  Tensor<T> x0 = ask(denoise, x, from);
  if (step.endless) return first_order(step, std::move(x), x0, from, to, rng);

  auto& history = memory.history;
  history.push(from, output(step.prediction, x, std::move(x0), from));
  const std::size_t made = std::min(K, history.size());  // the compiler can not know that it fits
  // A corrector's outputs must be there in the next step too.
  const Nodes<K> nodes(rule, history, C > 0 ? K - 1 : K, from, to);
  const double length = std::abs(std::log(correlation(from, to)));
  std::size_t most = options.end == Ending::lower_order ? left : K;
  const double longest = step.noise == 0 ? long_step : long_step / 2;
  if (P > 1 && options.outputs == Outputs::by_length && step.prediction == Prediction::data &&
      length > longest) {
    most = std::min<std::size_t>(most, 2);
    if (P > 2 || step.form == Weights::exact) step.form = Weights::midpoint;
  }
  const std::size_t used = std::min({P, nodes.count, most});
  [[maybe_unused]] const bool single = options.begin == Start::single_step ||
                                       (options.begin == Start::by_length && length <= short_step);
  if constexpr (requires { rule.template single<int{P}>(std::move(x), x0, from, to, denoise); })
    if (single && !memory.started && used < std::min(P, most))
      return rule.template single<int{P}>(std::move(x), history[0].output, from, to, denoise);

  memory.started = true;
  const std::array<double, P> w = step.weights(nodes.template first<P>(1), used);
  std::array<double, K> predictor{};  // by the history
  for (std::size_t n = 0; n < used; ++n) predictor[nodes.index[n]] = w[n];
  std::array<Term<T>, K + 1> terms;
  for (std::size_t k = 0; k < made; ++k)
    terms[k] = {step.keep * memory.correction[k] + step.gain * predictor[k], &history[k].output};
  if constexpr (C > 0) {
    const std::size_t past = std::min({C - 1, nodes.count, most});
    const std::array<double, C> v = step.weights(nodes.template first<C>(0), 1 + past);
    std::array<double, K> corrector{v[0]};
    for (std::size_t n = 0; n < past; ++n) corrector[nodes.index[n] + 1] = v[n + 1];
    for (std::size_t k = 0; k < K; ++k)
      memory.correction[k] = step.gain * (corrector[k] - (k > 0 ? predictor[k - 1] : 0.0));
  }
  Tensor<T> z;
  if (step.noise != 0) {
    z = rng.increment<T>(x.shape(), from.snr(), to.snr());
    terms[K] = {step.noise, &z};
  }
  return combine(step.keep, std::move(x), terms);
}

}  // namespace foglift::inline v0::solver
