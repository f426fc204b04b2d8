#pragma once

#include "foglift/diffusion/solver/parts/exponential.hpp"
#include "foglift/diffusion/solver/parts/multistep.hpp"
#include "foglift/diffusion/solver/parts/solver.hpp"

namespace foglift::inline v0::solver {

/// DPM-Solver++ (Lu et al. 2022b, algorithm 2; Prediction::data) and DPM-Solver (noise) in many
/// steps of one evaluation: "2M" and "3M". Adams-Bashforth in lambda on top of the exact linear
/// part. With Weights::exact, order 2 is "2M heun" and the RES multistep rule, orders 2 and 3 with
/// Prediction::noise are DEIS in log rho. The third order has exact weights; Weights::as_published
/// are those of print and public code, of second order. Single steps at the start,
/// where they are short, cost Order - 1 more evaluations in each of the first Order - 1 steps.
template <int Order = 2, Weights weights = Weights::midpoint>
struct DpmMulti {
  static_assert(Order >= 1 && Order <= 3, "DpmMulti: orders 1 to 3");
  Prediction prediction = Prediction::data;
  Start begin = Start::by_length;
  Ending end = Ending::full_order;
  Outputs outputs = Outputs::by_length;

  static constexpr const char* name = "dpm multistep";
  static constexpr int order = weights == Weights::as_published && Order > 2 ? 2 : Order;
  static constexpr int weak_order = no_noise, evaluations = 1;

  template <Scalar T>
  auto start(const TimeGrid& grid) const {
    return start_multistep<Order, 0, T>(grid);
  }
  template <Scalar T, Denoiser<T> D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise,
                 const StepRng& rng, MultistepMemory<T, std::size_t{Order}>& memory) const {
    const Exponential rule{.prediction = prediction, .weights = weights};
    return multistep<Order>(rule, {begin, end, outputs}, std::move(x), from, to, denoise, rng,
                            memory);
  }
};

/// The same for the reverse SDE: "2M SDE", "3M SDE" (Lu et al. 2022b, eq. 18 and after; eta = 1 is
/// the time reversal). However many outputs, its weak order is 2: noise enters x0 in between. A
/// step to clean data adds no noise. Published third-order weights are
/// Weights::as_published, of weak order 2 as well (`sample_dpmpp_3m_sde` has them for three
/// outputs, and exact ones for two). With the default start the noise-free error is of order 2;
/// Start::single_step makes the first steps without noise, in stages.
template <int Order = 2, Weights weights = Weights::midpoint>
struct SdeDpmMulti {
  static_assert(Order >= 1 && Order <= 3, "SdeDpmMulti: orders 1 to 3");
  double eta = 1;
  Prediction prediction = Prediction::data;
  Start begin = Start::lower_order;
  Ending end = Ending::full_order;
  Outputs outputs = Outputs::by_length;

  static constexpr const char* name = "sde dpm multistep";
  static constexpr int order = Order < 2 ? 1 : 2, weak_order = order, evaluations = 1;

  template <Scalar T>
  auto start(const TimeGrid& grid) const {
    return start_multistep<Order, 0, T>(grid);
  }
  /// Throws ArgumentError unless eta is finite, at least 0.
  template <Scalar T, Denoiser<T> D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise,
                 const StepRng& rng, MultistepMemory<T, std::size_t{Order}>& memory) const {
    const Exponential rule{.prediction = prediction, .weights = weights, .eta = eta};
    return multistep<Order>(rule, {begin, end, outputs}, std::move(x), from, to, denoise, rng,
                            memory);
  }
};

/// DEIS with a polynomial in log rho, rho = sigma / alpha (Zhang & Chen 2023, section 3.3,
/// "rho-AB"): eps is interpolated by the last `Order` outputs. Since log rho = -lambda it is
/// DPM-Solver in many steps with exact weights.
template <int Order = 3>
struct Deis {
  static_assert(Order >= 1 && Order <= 4, "Deis: orders 1 to 4");
  Start begin = Start::by_length;
  Ending end = Ending::full_order;

  static constexpr const char* name = "deis";
  static constexpr int order = Order, weak_order = no_noise, evaluations = 1;

  template <Scalar T>
  auto start(const TimeGrid& grid) const {
    return start_multistep<Order, 0, T>(grid);
  }
  template <Scalar T, Denoiser<T> D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise,
                 const StepRng& rng, MultistepMemory<T, std::size_t{Order}>& memory) const {
    const Exponential rule{.prediction = Prediction::noise, .weights = Weights::exact};
    return multistep<Order>(rule, {begin, end, Outputs::all}, std::move(x), from, to, denoise, rng,
                            memory);
  }
};

}  // namespace foglift::inline v0::solver
