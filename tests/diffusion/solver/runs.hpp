#pragma once

#include "foglift/diffusion/analytic.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/solver/parts/at_any_length.hpp"
#include "foglift/diffusion/verify.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

// What the tests of multistep and exponential solvers share.

namespace foglift::runs {

/// The mixture on which verify::order measures: its denoiser is not linear.
inline const analytic::Mixture& mixture() {
  static const analytic::Mixture data({{0.3, {-1}, 0.16}, {0.7, {1.5}, 0.36}});
  return data;
}

/// Steps in lambda between 0.7 and 1.3 of their mean, from `first` to `last`.
inline TimeGrid irregular(verify::Family family, Index steps, double first = -2.5,
                          double last = 2.5) {
  std::vector<double> at{0};
  for (Index i = 0; i < steps; ++i)
    at.push_back(at.back() + 1 + 0.3 * std::sin(2.3 * static_cast<double>(i * i + 1)));
  TimeGrid out;
  for (const double u : at)
    out.push_back(verify::level(family, std::exp(-(first + (last - first) * u / at.back()))));
  return out;
}

/// A source of noise that is 0: the mean of a stochastic step.
class Zeros final : public NoiseSource {
 public:
  void fill(std::span<double> out, const NoiseRequest&) const override {
    std::fill(out.begin(), out.end(), 0.0);
  }
};

/// x0 of a scalar.
template <class D>
double denoised(const D& data, double x, const Level& level) {
  return Tensor<double>(data(Tensor<double>({1, 1}, x), level)).item();
}

/// The generator of step i of a run by sample_from with Rng(1), for oracles that draw its noise.
inline StepRng step_rng(std::size_t i) {
  return StepRng(Rng(1).stream(foglift::detail::step_stream), 0, static_cast<Index>(i));
}
inline double normal(std::size_t step, std::uint64_t draw = 0) {
  return step_rng(step).normal<double>({1, 1}, draw).item();
}

/// The end of a run from a scalar, by the rule that the solver has at steps of any length.
template <class S, class D>
double end_of(const S& solver, const D& data, double x, const TimeGrid& grid) {
  return sample_from(solver::at_any_length(solver), data, Tensor<double>({1, 1}, x), grid, Rng(1))
      .item();
}

/// Largest difference of two such runs from the same four starts, with the same noise.
template <class A, class B, class D>
double gap(const A& a, const B& b, const D& data, const TimeGrid& grid) {
  const Tensor<double> starts({4, 1}, {-1.8, -0.3, 0.4, 1.5});
  const auto x = sample_from(solver::at_any_length(a), data, starts, grid, Rng(1)),
             y = sample_from(solver::at_any_length(b), data, starts, grid, Rng(1));
  double worst = 0;
  for (Index i = 0; i < 4; ++i) worst = std::max(worst, std::abs(x[i] - y[i]));
  return worst;
}

}  // namespace foglift::runs
