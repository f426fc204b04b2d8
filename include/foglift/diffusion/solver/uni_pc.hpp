#pragma once

#include "foglift/diffusion/solver/parts/exponential.hpp"
#include "foglift/diffusion/solver/parts/multistep.hpp"
#include "foglift/diffusion/solver/parts/solver.hpp"

namespace foglift::inline v0::solver {

/// UniPC (Zhao et al. 2023, algorithms 1, 5 and 6): the predictor UniP of `Order` outputs and the
/// corrector UniC, which takes the next output, made at the predicted state, as one more. A step
/// has one evaluation; with the corrector the order is one higher. The function B(h) of the paper
/// has no effect where it solves for the weights of three outputs or more, which then are the exact
/// ones; with two, where it sets rho = 1/2, Weights::bh2 and bh1 are its two choices. UniP of order
/// 2 (bh2) is DpmMulti<2>, of order 3 DpmMulti<3>. The state after the last step is not corrected.
template <int Order = 2, Weights weights = Weights::bh2, bool corrector = true>
struct UniPc {
  static_assert(Order >= 1 && Order <= 4, "UniPc: orders 1 to 4");
  static_assert(weights != Weights::as_published, "UniPc: weights bh1, bh2 or exact");
  Prediction prediction = Prediction::data;
  Start begin = Start::by_length;
  Ending end = Ending::full_order;
  Outputs outputs = Outputs::by_length;

  static constexpr std::size_t corrected = corrector ? Order + 1 : 0;
  static constexpr const char* name = corrector ? "unipc" : "unip";
  static constexpr int order = corrector && Order < 4 ? Order + 1 : Order;
  static constexpr int weak_order = no_noise, evaluations = 1;

  template <Scalar T>
  auto start(const TimeGrid& grid) const {
    return start_multistep<Order, corrected, T>(grid);
  }
  template <Scalar T, Denoiser<T> D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise,
                 const StepRng& rng,
                 MultistepMemory<T, kept_outputs<std::size_t{Order}, corrected>>& memory) const {
    const Exponential rule{.prediction = prediction, .weights = weights};
    return multistep<Order, corrected>(rule, {begin, end, outputs}, std::move(x), from, to, denoise,
                                       rng, memory);
  }
};

/// The predictor alone.
template <int Order = 2, Weights weights = Weights::bh2>
using UniP = UniPc<Order, weights, false>;

}  // namespace foglift::inline v0::solver
