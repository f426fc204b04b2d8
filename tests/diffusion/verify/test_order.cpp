// Covers: order problem weak_order
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/diffusion/solver/ddpm.hpp"
#include "foglift/diffusion/solver/heun.hpp"
#include "foglift/diffusion/verify.hpp"
#include "support/catch.hpp"

using namespace foglift;

TEST_CASE("verify: exact flow of Gaussian data", "[diffusion][verify]") {
  // Closed form: z - m scales as sqrt(v + s^2). 5 units of lambda in 5000 steps of fourth order.
  const auto data = analytic::gaussian({.mean = 2, .variance = 0.25});
  for (const auto family : {verify::Family::variance_preserving, verify::Family::flow,
                            verify::Family::variance_exploding}) {
    const Level from = verify::level(family, 12.0), to = verify::level(family, 0.08);
    const Tensor<double> x({2, 1}, {-1.0, 3.0});
    const auto y = verify::exact_flow(data, x, from, to);
    const double scale = std::sqrt((0.25 + 0.08 * 0.08) / (0.25 + 144));
    for (Index i = 0; i < 2; ++i) {
      const double expected = to.alpha * (2 + scale * (x[i] / from.alpha - 2));
      CHECK_THAT(y[i], WithinAbs(expected, 1e-11));
      CHECK_THAT(verify::exact_flow(data, y, to, from)[i], WithinAbs(x[i], 1e-9));
    }
  }
}

TEST_CASE("verify: levels of a family have its identity", "[diffusion][verify]") {
  for (const double s : {1e-3, 0.7, 40.0}) {
    const Level p = verify::level(verify::Family::variance_preserving, s),
                f = verify::level(verify::Family::flow, s),
                e = verify::level(verify::Family::variance_exploding, s);
    CHECK_THAT(p.alpha * p.alpha + p.sigma * p.sigma, WithinAbs(1, 1e-15));
    CHECK_THAT(f.alpha + f.sigma, WithinAbs(1, 1e-15));
    CHECK(e.alpha == 1);
    for (const Level& l : {p, f, e}) CHECK_THAT(l.ratio(), WithinRel(s, 1e-14));
  }
}

namespace {
/// A solver of order 1 that claims nothing: Euler's rule, with an error of its own put in.
struct Wrong {
  [[maybe_unused]] static constexpr const char* name = "wrong";
  [[maybe_unused]] static constexpr int order = 1, weak_order = 0, evaluations = 1;
  double bias;
  template <Scalar T, class D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& d,
                 const StepRng& rng) const {
    const Tensor<T> x0 = d(x, from);
    return affine(1, solver::transfer(std::move(x), x0, from, to, to.sigma, 0, rng),
                  bias * (to.lambda() - from.lambda()), x0);
  }
};
}  // namespace

TEST_CASE("verify: order tells a consistent rule from one that is not", "[diffusion][verify]") {
  CHECK_THAT(verify::order(Wrong{0}).slope(), WithinAbs(1, 0.05));
  CHECK_THAT(verify::order(Wrong{0.3}).slope(), WithinAbs(0, 0.05));
  CHECK_THAT(verify::order(solver::Heun{}).slope(), WithinAbs(2, 0.1));
  CHECK_THROWS_AS(verify::order(solver::Ddpm{}), ArgumentError);
  // Order does not depend on the family for a rule that sees ratios alone; nor do its errors.
  const auto a = verify::order(solver::Ddim{}),
             b = verify::order(solver::Ddim{}, {.family = verify::Family::flow});
  for (std::size_t i = 0; i < a.errors.size(); ++i)
    CHECK_THAT(b.errors[i], WithinRel(a.errors[i], 1e-9));
}

TEST_CASE("verify: exact starts are taken", "[diffusion][verify]") {
  // With every step replaced by the exact solution nothing is left but rounding.
  const auto all =
      verify::order(solver::Ddim{}, {.coarsest = 5, .doublings = 1, .exact_starts = 10});
  CHECK(all.errors[0] < 1e-11);
  CHECK(all.errors[1] < 1e-11);
}

namespace {
struct Twice {
  static constexpr const char* name = "twice";
  static constexpr int order = 0, weak_order = 1, evaluations = 1;
  Tensor<double> step(Tensor<double> x, const Level&, const Level&, const analytic::Gaussian&,
                      const StepRng& rng) const {
    const Shape per_sample{x.dim(0), 1};
    return affine(0.5, std::move(x), 1, rng.normal<double>(per_sample, 0), 2,
                  rng.increment<double>(per_sample, 1, 2, 1));
  }
};
struct Squares {
  static constexpr const char* name = "squares";
  static constexpr int order = 0, weak_order = 1, evaluations = 1;
  Tensor<double> step(Tensor<double> x, const Level&, const Level&, const analytic::Gaussian&,
                      const StepRng& rng) const {
    const auto z = rng.normal<double>({x.dim(0), 1});
    for (Index i = 0; i < x.size(); ++i) x[i] = x[i] * x[i] + z[i];
    return x;
  }
};
}  // namespace

TEST_CASE("verify: moments against those of independent runs", "[diffusion][verify]") {
  // A rule that draws twice a step, x' = x / 2 + z_0 + 2 z_1, from N(3, 4) over two steps: mean
  // 3 / 4, variance 4 / 16 + 5 / 4 + 5.
  const TimeGrid g = verify::time_grid(verify::Family::flow, verify::Spacing::karras, 2, 5, 0.1);
  const auto m = verify::moments(Twice{}, analytic::gaussian({}), g, {3, 4});
  CHECK_THAT(m.mean, WithinAbs(0.75, 1e-12));
  CHECK_THAT(m.variance, WithinAbs(0.25 + 1.25 + 5, 1e-12));

  CHECK_THROWS_AS(verify::moments(Squares{}, analytic::gaussian({}), g, {3, 4}), ArgumentError);
}

TEST_CASE("verify: weak order of ancestral sampling", "[diffusion][verify]") {
  const auto c = verify::weak_order(solver::Ddpm{});
  CHECK_THAT(c.slope(), WithinAbs(1, 0.1));
  CHECK(c.steps.back() == 320);
  CHECK_THAT(c.errors.back(), WithinRel(1.6e-2, 0.05));  // tabulated to two digits
}
