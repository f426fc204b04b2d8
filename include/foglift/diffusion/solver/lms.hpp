#pragma once

#include "foglift/diffusion/solver/parts/multistep.hpp"
#include "foglift/diffusion/solver/parts/solver.hpp"
#include "foglift/diffusion/solver/parts/straight.hpp"

namespace foglift::inline v0::solver {

/// Linear multistep rule in s = sigma / alpha (Adams-Bashforth on steps of any length; "LMS"): the
/// polynomials are integrated in closed form. Single steps at the start,
/// where they are short, are those of the Runge-Kutta rule, with four evaluations each.
template <int Order = 4>
struct Lms {
  static_assert(Order >= 1 && Order <= 4, "Lms: orders 1 to 4");
  Start begin = Start::by_length;
  Ending end = Ending::full_order;

  static constexpr const char* name = "lms";
  static constexpr int order = Order, weak_order = no_noise, evaluations = 1;

  template <Scalar T>
  auto start(const TimeGrid& grid) const {
    return start_multistep<Order, 0, T>(grid);
  }
  template <Scalar T, Denoiser<T> D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise,
                 const StepRng& rng, MultistepMemory<T, std::size_t{Order}>& memory) const {
    return multistep<Order>(Straight{}, {begin, end, Outputs::all}, std::move(x), from, to, denoise,
                            rng, memory);
  }
};

namespace detail {
/// Adams-Bashforth weights for equal steps, on a grid of any steps: of second order.
template <Start from_start>
struct FixedWeights {
  static constexpr int order = 2, weak_order = no_noise, evaluations = 1;

  template <Scalar T>
  auto start(const TimeGrid& grid) const {
    return start_multistep<4, 0, T>(grid);
  }
  template <Scalar T, Denoiser<T> D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise,
                 const StepRng& rng, MultistepMemory<T, 4>& memory) const {
    return multistep<4>(Straight{.fixed_weights = true}, {.begin = from_start}, std::move(x), from,
                        to, denoise, rng, memory);
  }
};
}  // namespace detail

/// PNDM (Liu et al. 2022, algorithm 2): the mean of the last four eps with the Adams-Bashforth
/// weights of equal steps (PLMS), in DDIM's step; the first three steps by the Runge-Kutta rule,
/// with four evaluations each. Fourth order on steps equal in sigma / alpha alone, second on
/// others; Lms has the weights for unequal steps. The middle of a Runge-Kutta step is halfway in
/// sigma / alpha, where DDIM's step is a straight line; it is published as halfway in time.
struct Pndm : detail::FixedWeights<Start::single_step> {
  static constexpr const char* name = "pndm";
};

/// iPNDM (Zhang & Chen 2023, appendix): PNDM that starts with the weights of fewer outputs, so that
/// every step has one evaluation. Its variable-step form ("iPNDM_v") is Lms with
/// Start::lower_order.
struct Ipndm : detail::FixedWeights<Start::lower_order> {
  static constexpr const char* name = "ipndm";
};

}  // namespace foglift::inline v0::solver
