#pragma once

#include "foglift/diffusion/solver/parts/exponential.hpp"
#include "foglift/diffusion/solver/parts/solver.hpp"

#include <algorithm>

namespace foglift::inline v0::solver {

/// DPM-Solver (Lu et al. 2022a: Prediction::noise) and DPM-Solver++ (Lu et al. 2022b: data) in
/// single steps of `Order` evaluations: "2S" and "3S". Weights::midpoint is the one published as
/// midpoint (2S) and "dpm" (3S), exact the one published as Taylor or Heun. RES-2S is DpmSingle<2,
/// Weights::exact>; order 1 is DDIM. Steps from pure noise and to clean data are DDIM's. Any stages
/// have the order: at those of order 3 other than r2 = 2/3 the published Taylor form has 2, and the
/// state at r2 is made otherwise here (Stages::lead).
template <int Order = 2, Weights weights = Weights::midpoint>
struct DpmSingle {
  static_assert(Order >= 1 && Order <= 3, "DpmSingle: orders 1 to 3");
  static_assert(weights == Weights::exact || weights == Weights::midpoint,
                "DpmSingle: exact or midpoint weights");
  Prediction prediction = Prediction::data;
  Stages stages = default_stages<Order>;

  static constexpr const char* name = "dpm single step";
  static constexpr int order = Order, weak_order = no_noise, evaluations = Order;

  /// Throws ArgumentError unless 0 < r1 (< r2 in order 3) <= 1. In order 3 midpoint weights, of two
  /// outputs, need r2 = 2/3; exact ones need it or an r1 that is not 2/3 (1/200 away), where no
  /// weights of any kind have order 3.
  template <Scalar T, Denoiser<T> D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise,
                 const StepRng& rng) const {
    const double r1 = stages.r1, r2 = stages.r2;
    if (!(Order == 1 || (r1 > 0 && r1 <= 1)) || !(Order < 3 || (r1 < r2 && r2 <= 1)))
      raise<ArgumentError>("DpmSingle: stages at ", r1, " and ", r2, ", needed 0 < r1 < r2 <= 1");
    if (Order == 3 && weights == Weights::midpoint && std::abs(r2 - 2.0 / 3) > 1e-12)
      raise<ArgumentError>("DpmSingle: last stage at ", r2, "; two outputs need it at 2/3");
    if (Order == 3 && stages.lead() != 1 && std::abs(r1 - 2.0 / 3) < 0.005)
      raise<ArgumentError>("DpmSingle: stages at ", r1, " and ", r2,
                           "; order 3 needs the last at 2/3 or the first away from it");
    const Exponential rule{.prediction = prediction, .weights = weights};
    Tensor<T> x0 = ask(denoise, x, from);
    const Quadrature whole = rule.over(from, to);
    if (whole.endless) return first_order(whole, std::move(x), x0, from, to, rng);
    const Tensor<T> m0 = output(prediction, x, std::move(x0), from);
    return single_step<Order>(rule, std::move(x), m0, from, to, denoise, stages);
  }
};

/// DpmSingle with the orders 3, 3, ..., 3 and then what is left of a given number of evaluations:
/// 2, 1 where it is a multiple of 3, else its remainder (Lu et al. 2022a, appendix D.2,
/// "DPM-Solver-fast"; `dpm_fast`). Its last step of order 1 leaves an error of order 2; it has none
/// where `evaluations` leaves 2 over 3. A step to clean data is of order 1 with 1 evaluation.
struct DpmFast {
  /// Evaluations of the run, on a grid of steps(budget) steps.
  Index budget = 3;
  Prediction prediction = Prediction::data;

  static constexpr const char* name = "dpm fast";
  static constexpr int order = 2, weak_order = no_noise, evaluations = 3;

  /// Steps that the grid must have: budget / 3 + 1, without the last where nothing is left for it.
  static Index steps(Index budget) {
    if (budget < 1) raise<ArgumentError>("DpmFast: ", budget, " evaluations, needed at least 1");
    return budget / 3 + 1;
  }

  /// Order of step i (from 0) of the plan.
  static int order_of(Index step, Index budget) {
    const Index last = steps(budget) - 1, rest = budget % 3;
    if (rest > 0) return step == last ? static_cast<int>(rest) : 3;
    return step == last ? 1 : step == last - 1 ? 2 : 3;
  }

  /// Steps taken so far.
  struct Plan {
    Index step = 0;
  };

  /// Throws ArgumentError unless the grid has steps(budget) steps.
  template <Scalar T>
  Plan start(const TimeGrid& grid) const {
    if (static_cast<Index>(grid.size()) != steps(budget) + 1)
      raise<ArgumentError>("DpmFast: ", grid.size(), " levels for ", budget,
                           " evaluations, needed ", steps(budget) + 1);
    return {};
  }

  template <Scalar T, Denoiser<T> D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise,
                 const StepRng& rng, Plan& plan) const {
    switch (order_of(plan.step++, budget)) {
      case 1:
        return DpmSingle<1>{prediction}.step(std::move(x), from, to, denoise, rng);
      case 2:
        return DpmSingle<2>{prediction}.step(std::move(x), from, to, denoise, rng);
      default:
        return DpmSingle<3>{prediction}.step(std::move(x), from, to, denoise, rng);
    }
  }
};

}  // namespace foglift::inline v0::solver
