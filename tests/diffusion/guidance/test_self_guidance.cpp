// Covers: self_guidance
#include "foglift/diffusion/analytic/full_gaussian.hpp"
#include "foglift/diffusion/discrete.hpp"
#include "foglift/diffusion/grid/chain.hpp"
#include "foglift/diffusion/inverse/mean_shift.hpp"
#include "foglift/diffusion/inverse/self_guidance.hpp"
#include "foglift/diffusion/sample.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;

namespace {

constexpr Index n = 4;

/// A Gaussian process with the kernel exp(-|i - j| / 2), and its denoiser.
Tensor<double> covariance() {
  Tensor<double> out({n, n});
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < n; ++j) out(i, j) = std::exp(-0.5 * static_cast<double>(std::abs(i - j)));
  return out;
}
const std::vector<double> prior_mean = {0.5, 0.3, -0.2, 0.1};
const auto process = analytic::FullGaussian(prior_mean, covariance());

/// Cells 0 and 1 are known; what stands under the mask may be anything.
template <Scalar T>
solver::Known<T> known() {
  return {Tensor<T>({1, n}, {T(1.5), T(-0.4), std::numeric_limits<T>::quiet_NaN(), T(1e30)}),
          Tensor<T>({1, n}, {1, 1, 0, 0})};
}

}  // namespace

TEST_CASE("self_guidance: the gradient is that of log p(y | x)", "[guidance][self_guidance]") {
  const Level level{0.4, 0.8, 0.6};
  const auto x = Rng(1).normal<double>({3, n});
  for (const bool quantile : {false, true}) {
    const Tensor<double> q({3}, {0.2, 0.5, 0.9});
    const solver::SelfGuidance guidance(process, known<double>(), quantile ? q : Tensor<double>());
    const Tensor<double> gradient = guidance(x, level);
    const auto log_p = [&](const Tensor<double>& at) {
      const Tensor<double> x0 = process(at, level);
      double sum = 0;
      for (Index b = 0; b < 3; ++b)
        for (const auto& [k, y] : {std::pair<Index, double>{0, 1.5}, {1, -0.4}}) {
          const double e = y - x0(b, k);
          sum -= quantile ? std::max(q[b] * e, (q[b] - 1) * e) : e * e;
        }
      return sum;
    };
    CHECK_THAT(guidance.log_p(process(x, level)).item(), WithinRel(log_p(x), 1e-12));
    for (Index i = 0; i < x.size(); ++i) {
      const double h = 1e-5;  // rounding 1e-16 / h, and no third derivatives
      Tensor<double> up = x, down = x;
      up[i] += h, down[i] -= h;
      CHECK_THAT(gradient[i], WithinAbs((log_p(up) - log_p(down)) / (2 * h), 1e-9));
    }
  }
}

TEST_CASE("self_guidance: leads a Gaussian process to its posterior mean, to first order",
          "[guidance][self_guidance]") {
  // The law of y is exp(-s |y - A x|^2): d E[x | y] / ds = 2 C A^T (y - A m) at s = 0. All is
  // linear in the noise, so that the mean of all paths is the path without noise.
  struct None final : NoiseSource {
    void fill(std::span<double> out, const NoiseRequest&) const override {
      std::fill(out.begin(), out.end(), 0.0);
    }
  };
  const None none;
  const auto shift = [&](Index steps) {
    const auto chain = DiscreteSchedule::linear(steps);
    const solver::SelfGuidance guidance(process, known<double>());
    const auto run = [&](double s) {
      const solver::MeanShift rule(guidance,
                                   {.weight = s, .at = solver::MeanShiftOptions::At::state});
      return sample_from(rule, process, Tensor<double>({1, n}), grid::trailing(chain, steps),
                         Rng(3), {.noise = &none});
    };
    return (run(1e-6) - run(0)) / 1e-6;
  };
  const auto C = covariance();
  const Tensor<double> a = shift(100), b = shift(200), c = shift(400);
  for (Index i = 0; i < n; ++i) {
    const double exact = 2 * (C(i, 0) * (1.5 - 0.5) + C(i, 1) * (-0.4 - 0.3));
    // The rule is of first order in its steps. Of errors c h + d h^2, extrapolation leaves 2 d h^2,
    // a third of |a - 3 b + 2 c|; six times that for the terms beyond.
    CHECK_THAT(2 * c[i] - b[i], WithinAbs(exact, 2 * std::abs(a[i] - 3 * b[i] + 2 * c[i])));
    CHECK(std::abs(c[i] - exact) < 0.1 * std::abs(exact));
  }
}

TEST_CASE("self_guidance: bad arguments", "[guidance][self_guidance]") {
  using Guidance = solver::SelfGuidance<analytic::FullGaussian, float>;
  CHECK_THROWS_AS(Guidance(process, known<float>(), Tensor<float>({1}, {1.0F})), ArgumentError);
  const Guidance two(process, known<float>(), Tensor<float>({2}, {0.1F, 0.2F}));
  CHECK_THROWS_AS(two.log_p(Tensor<float>({3, n})), ShapeError);
  auto bad = known<float>();
  bad.mask[2] = 1;
  CHECK_THROWS_AS(Guidance(process, bad), ArgumentError);
}
