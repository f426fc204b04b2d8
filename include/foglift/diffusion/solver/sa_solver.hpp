#pragma once

#include "foglift/diffusion/solver/parts/exponential.hpp"
#include "foglift/diffusion/solver/parts/multistep.hpp"
#include "foglift/diffusion/solver/parts/solver.hpp"

#include <limits>

namespace foglift::inline v0::solver {

/// tau of SaSolver: `inside` for steps that begin at sigma / alpha in [min_ratio, max_ratio],
/// `outside` elsewhere.
struct TauInterval {
  double inside = 1;
  double min_ratio = 0, max_ratio = std::numeric_limits<double>::infinity();
  double outside = 0;

  double operator()(const Level& from) const {
    const double s = from.ratio();
    return s >= min_ratio && s <= max_ratio ? inside : outside;
  }
};

/// SA-Solver (Xue et al. 2023, algorithm 1): stochastic Adams predictor of P outputs and corrector
/// of C (0: none), the one at the corrector's end among them, for the SDE tau^2 times as noisy as
/// the time reversal; both use the same noise. tau(from) may change from step to step. The weights
/// are the exact integrals. With tau = 1 and no corrector, P = 2 is the "2M heun", P = 3 the "3M"
/// SDE rule; with tau = 0, P and C = P + 1 are UniPC. Weak order 2 at most, wherever tau > 0.
template <int P = 3, int C = 4, class Tau = TauInterval>
struct SaSolver {
  static_assert(P >= 1 && P <= 4 && C >= 0 && C <= 5 && C != 1,
                "SaSolver: 1 to 4 outputs to predict, none or 2 to 5 to correct");
  Tau tau{};
  Start begin = Start::lower_order;
  Ending end = Ending::full_order;
  Outputs outputs = Outputs::by_length;

  static constexpr const char* name = "sa-solver";
  /// Of the noise-free rule; its first step is of order 1, or 2 if corrected.
  static constexpr int order = C == 0 ? std::min(P, 2) : std::min({P + 1, C, 3});
  static constexpr int weak_order = std::min(order, 2), evaluations = 1;

  template <Scalar T>
  auto start(const TimeGrid& grid) const {
    return start_multistep<P, C, T>(grid);
  }
  /// Throws ArgumentError unless tau(from) is finite.
  template <Scalar T, Denoiser<T> D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise,
                 const StepRng& rng,
                 MultistepMemory<T, kept_outputs<std::size_t{P}, std::size_t{C}>>& memory) const {
    const double now = tau(from);
    const Exponential rule{
        .prediction = Prediction::data, .weights = Weights::exact, .eta = now * now};
    return multistep<P, C>(rule, {begin, end, outputs}, std::move(x), from, to, denoise, rng,
                           memory);
  }
};

}  // namespace foglift::inline v0::solver
