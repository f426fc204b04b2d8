// Covers: learned_variance predict/flow previous_mean
#include "foglift/core/rng.hpp"
#include "foglift/diffusion/discrete.hpp"
#include "foglift/diffusion/parameterization.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;

namespace {

const double quarter = std::acos(0.0);

/// alpha = 2 cos, sigma = 3 sin of a quarter turn: not variance preserving, known derivatives.
struct Ellipse {
  Level at(double t) const { return {t, 2 * std::cos(quarter * t), 3 * std::sin(quarter * t)}; }
  double time(double lambda) const { return std::atan(2.0 / 3.0 * std::exp(-lambda)) / quarter; }
  LevelRate derivative(double t) const {
    return {-2 * quarter * std::sin(quarter * t), 3 * quarter * std::cos(quarter * t)};
  }
};

/// sigma = sqrt(t), whose derivative is infinite at t = 0.
struct Root {
  Level at(double t) const { return {t, std::sqrt(1 - t), std::sqrt(t)}; }
  double time(double) const { return 0; }
  LevelRate derivative(double t) const { return {-0.5 / std::sqrt(1 - t), 0.5 / std::sqrt(t)}; }
};

static_assert(Parameterization<predict::PathVelocity<Ellipse>> &&
              Parameterization<predict::PreviousMean<DiscreteSchedule>>);

/// Both directions of a parameterization for data and noise at a level.
template <class P>
void check_both_ways(const P& p, const Level& l, double tolerance) {
  const Tensor<double> x0({1, 2}, {0.7, -1.2}), eps({1, 2}, {-0.4, 1.9});
  const auto x = affine(l.alpha, x0, l.sigma, eps), f = predict::target(p, x0, eps, l);
  const auto data = predict::to_x0(p, x, f, l), noise = predict::to_eps(p, x, f, l);
  for (Index i = 0; i < 2; ++i) {
    CHECK_THAT(data[i], WithinAbs(x0[i], tolerance));
    CHECK_THAT(noise[i], WithinAbs(eps[i], tolerance));
  }
}

}  // namespace

TEST_CASE("path velocity: the slope of a sample's path", "[diffusion][parameterization]") {
  // Central differences with h = 1e-5: h^2 f''' / 6 + eps / h ~ 1e-10.
  const Ellipse s;
  const predict::PathVelocity p(s);
  const double x0 = 0.7, eps = -0.4, h = 1e-5;
  for (const double t : {0.02, 0.3, 0.77, 0.99}) {
    const auto at = [&](double u) { return s.at(u).alpha * x0 + s.at(u).sigma * eps; };
    const Mix f = p.target(s.at(t));
    CHECK_THAT(f.a * x0 + f.b * eps, WithinAbs((at(t + h) - at(t - h)) / (2 * h), 1e-8));
    check_both_ways(p, s.at(t), 1e-13);
  }
  check_both_ways(p, s.at(0), 1e-15);
  check_both_ways(p, s.at(1), 1e-15);
}

TEST_CASE("path velocity: finite where a derivative is not", "[diffusion][parameterization]") {
  const predict::PathVelocity p(Root{});
  check_both_ways(p, Root{}.at(0.3), 1e-14);
  const Level clean{0, 1, 0}, noise{1, 0, 1};
  CHECK(p.target(clean).a == 0);
  CHECK(p.target(clean).b == 0);
  CHECK(p.x0(clean).a == 1);
  CHECK(p.x0(clean).b == 0);
  for (const Level& l : {clean, noise})
    for (const Mix& m : {p.target(l), p.x0(l), p.eps(l)})
      CHECK((std::isfinite(m.a) && std::isfinite(m.b)));
}

TEST_CASE("previous mean: the regression of the earlier state on the later",
          "[diffusion][parameterization]") {
  // Given x0, a step x = a x' + b e from x' = alpha' x0 + sigma' e' makes both Gaussian: the mean
  // of x' given x is alpha' x0 + Cov(x', x) / Var(x) (x - alpha x0), Cov = a sigma'^2.
  const Index steps = 12;
  const auto chain = DiscreteSchedule::linear(steps, {.first = 0.05, .last = 0.3});
  const predict::PreviousMean p(chain, steps);
  for (const Index i : {Index{0}, Index{1}, Index{6}, Index{11}}) {
    const Level l = chain.step(i), to = i > 0 ? chain.step(i - 1) : Level{0, 1, 0};
    CHECK_THAT(p.previous(l).sigma, WithinAbs(to.sigma, 1e-14));
    const double a = std::sqrt(1 - chain.beta(i)), x0 = 0.7, eps = -0.4;
    const double x = l.alpha * x0 + l.sigma * eps;
    const double mean =
        to.alpha * x0 + a * to.sigma * to.sigma / (l.sigma * l.sigma) * (x - l.alpha * x0);
    const Mix f = p.target(l);
    CHECK_THAT(f.a * x0 + f.b * eps, WithinAbs(mean, 1e-13));
    check_both_ways(p, l, 1e-11);  // divides by pull, above 0.01
  }
  // The published coefficients, Ho et al. eq. 7.
  const Level l = chain.step(6);
  const double ab = chain.alpha_bar(6), before = chain.alpha_bar(5), beta = chain.beta(6);
  const Tensor<double> x({1, 1}, 1.3);
  const double x0 = 0.2, f = std::sqrt(before) * beta / (1 - ab) * x0 +
                             std::sqrt(1 - beta) * (1 - before) / (1 - ab) * 1.3;
  CHECK_THAT(predict::to_x0(p, x, Tensor<double>({1, 1}, f), l).item(), WithinAbs(x0, 1e-12));
}

TEST_CASE("previous mean: any path and finite at both ends", "[diffusion][parameterization]") {
  const predict::PreviousMean p(Ellipse{}, 10);
  for (const double t : {0.1, 0.5, 0.9}) check_both_ways(p, Ellipse{}.at(t), 1e-11);
  for (const Level& l : {Level{0, 1, 0}, Level{1, 0, 1}})
    for (const Mix& m : {p.target(l), p.x0(l), p.eps(l)})
      CHECK((std::isfinite(m.a) && std::isfinite(m.b)));
  CHECK(p.target(Level{0, 1, 0}).a == 1);
  CHECK_THROWS_AS(predict::PreviousMean(Ellipse{}, 0), ArgumentError);
}

TEST_CASE("variance range: between beta tilde and beta of the chain",
          "[diffusion][parameterization]") {
  const auto chain = DiscreteSchedule::linear(50);
  for (const Index i : {Index{1}, Index{7}, Index{49}}) {
    const predict::VarianceRange range(chain.step(i), chain.step(i - 1));
    const double beta = chain.beta(i);
    const double tilde = beta * (1 - chain.alpha_bar(i - 1)) / (1 - chain.alpha_bar(i));
    CHECK_THAT(range.log_variance(1), WithinAbs(std::log(beta), 1e-12));
    CHECK_THAT(range.log_variance(-1), WithinAbs(std::log(tilde), 1e-12));
    CHECK_THAT(range.log_variance(0.5),
               WithinAbs(0.75 * std::log(beta) + 0.25 * std::log(tilde), 1e-12));
  }
  // Variance exploding: the step adds the difference of variances.
  const predict::VarianceRange ve({0.5, 1, 3}, {0.4, 1, 2});
  CHECK_THAT(ve.log_variance(1), WithinAbs(std::log(9.0 - 4.0), 1e-14));
  CHECK_THAT(ve.log_variance(-1), WithinAbs(std::log(5.0 * 4 / 9), 1e-14));
  const predict::VarianceRange last(chain.step(0), Level{0, 1, 0});
  CHECK(last.log_variance(1) == -std::numeric_limits<double>::infinity());
  CHECK_THROWS_AS(predict::VarianceRange(chain.step(3), chain.step(3)), ArgumentError);
  CHECK_THROWS_AS(predict::VarianceRange(chain.step(3), (Level{1, 0, 1})), ArgumentError);
}
