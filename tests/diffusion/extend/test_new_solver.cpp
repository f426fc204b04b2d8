// Covers: sample solver
// A user's solver, in this file alone.
#include "foglift/diffusion/analytic.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "foglift/diffusion/verify.hpp"
#include "support/catch.hpp"

#include <optional>
#include <utility>

using namespace foglift;

namespace {

/// The two-step rule of Adams & Bashforth for dz/ds = eps, z = x / alpha, s = sigma / alpha, with
/// steps of any lengths h: z' = z + h (1 + r / 2) eps - h r / 2 eps_last, r = h / h_last. The first
/// step, and one from pure noise, are Euler's.
struct AdamsBashforth {
  static constexpr const char* name = "adams bashforth";
  static constexpr int order = 2, weak_order = solver::no_noise, evaluations = 1;

  template <Scalar T>
  struct Last {
    double h = 0;
    Tensor<T> eps;
  };
  template <Scalar T>
  Last<T> start(const TimeGrid&) const {
    return {};
  }

  template <Scalar T, Denoiser<T> D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise, const StepRng&,
                 Last<T>& last) const {
    const Tensor<T> x0 = denoise(x, from);
    Tensor<T> eps = affine(1 / from.sigma, x, -from.alpha / from.sigma, x0);
    if (from.alpha == 0) return affine(to.alpha, x0, to.sigma, eps);
    const double h = to.ratio() - from.ratio(), r = last.h != 0 ? h / last.h : 0;
    x = affine(to.alpha / from.alpha, std::move(x), to.alpha * h * (1 + r / 2), eps);
    if (r != 0) x = affine(1, std::move(x), -to.alpha * h * r / 2, last.eps);
    last = {h, std::move(eps)};
    return x;
  }
};

}  // namespace

TEST_CASE("extend: a user's solver has its order and samples", "[extend][solver]") {
  CHECK_THAT(verify::order(AdamsBashforth{}).slope(), Catch::Matchers::WithinAbs(2, 0.1));
  for (const verify::Finding& finding : verify::identities(AdamsBashforth{})) {
    INFO(finding.name + ": " + finding.found);
    CHECK(finding.holds);
  }
  // N(2, 0.25) in 100 steps of second order, 4 standard errors of 4000 samples
  const auto data = analytic::gaussian({.mean = 2, .variance = 0.25});
  const auto x = sample<double>(AdamsBashforth{}, data, {4000, 1},
                                grid::uniform(schedule::Cosine{}, 100), Rng(7));
  double mean = 0, square = 0;
  for (const double v : x) {
    mean += v / 4000;
    square += (v - 2) * (v - 2) / 4000;
  }
  CHECK_THAT(mean, Catch::Matchers::WithinAbs(2, 0.032));
  CHECK_THAT(square, Catch::Matchers::WithinAbs(0.25, 0.023));
}
