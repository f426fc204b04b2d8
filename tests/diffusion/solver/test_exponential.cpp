// Covers: exponential quadrature
#include "diffusion/solver/runs.hpp"
#include "foglift/diffusion/solver/dpm_multi.hpp"
#include "foglift/diffusion/solver/dpm_sde.hpp"
#include "foglift/diffusion/solver/dpm_single.hpp"
#include "foglift/diffusion/solver/sa_solver.hpp"
#include "foglift/diffusion/solver/uni_pc.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;
using namespace foglift::solver;

namespace {

/// x0 = lambda^n, whatever x.
struct DataPower {
  int n;
  Tensor<double> operator()(const Tensor<double>& x, const Level& l) const {
    return Tensor<double>(x.shape(), std::pow(l.lambda(), n));
  }
};

/// eps = lambda^n, whatever x.
struct NoisePower {
  int n;
  Tensor<double> operator()(const Tensor<double>& x, const Level& l) const {
    return affine(1 / l.alpha, x, -l.sigma / l.alpha,
                  Tensor<double>(x.shape(), std::pow(l.lambda(), n)));
  }
};

/// q with d/dl (e^{k l} q(l)) = k e^{k l} l^n.
double primitive(int n, double k, double l) {
  return n == 0 ? 1.0 : std::pow(l, n) - n / k * primitive(n - 1, k, l);
}

/// The exact end of the mean of the SDE with x0 = lambda^n, and of the ODE with eps = lambda^n.
double exact_data(int n, double eta, double x, const Level& from, const Level& to) {
  const double k = 1 + eta, h = to.lambda() - from.lambda();
  return to.sigma / from.sigma * std::exp(-eta * h) * x +
         to.alpha *
             (primitive(n, k, to.lambda()) - std::exp(-k * h) * primitive(n, k, from.lambda()));
}
double exact_noise(int n, double eta, double x, const Level& from, const Level& to) {
  const double h = to.lambda() - from.lambda();
  return to.alpha / from.alpha * x +
         (1 + eta) * to.sigma *
             (primitive(n, -1, to.lambda()) - std::exp(h) * primitive(n, -1, from.lambda()));
}

/// The largest error of single steps from exact states: of all steps of the run, but for the first
/// `given`, by the rule for steps of any length. Outputs do not depend on x.
template <class S, class D, class Exact>
double error(const S& solver, const D& data, Index given, const Exact& exact,
             verify::Family family = verify::Family::variance_preserving) {
  const TimeGrid g = runs::irregular(family, 9, -1.5, 1.8);
  const runs::Zeros zeros;
  Run<S, double> run(at_any_length(solver), g);
  double x = 0.7, worst = 0;
  for (std::size_t i = 0; i + 1 < g.size(); ++i) {
    const StepRng rng(Rng(1), 0, static_cast<Index>(i), &zeros);
    const double y = run.step(Tensor<double>({1, 1}, x), g[i], g[i + 1], data, rng).item();
    x = exact(x, g[i], g[i + 1]);
    if (static_cast<Index>(i) >= given) worst = std::max(worst, std::abs(y - x));
  }
  return worst;
}

// States are up to 10, with powers of lambda up to 1.8^3 in weights up to some 30: 1e-12 is some
// 100 roundings.
constexpr double rounding = 1e-12;

/// Exact for degrees below `order`, and not for that degree: from the step `given` on.
template <class S>
void check_data(const S& solver, int order, Index given = 0, double eta = 0) {
  INFO(S::name << " of order " << order);
  for (int n = 0; n <= order; ++n) {
    const auto exact = [&](double x, const Level& from, const Level& to) {
      return exact_data(n, eta, x, from, to);
    };
    const double e = error(solver, DataPower{n}, given, exact),
                 flow = error(solver, DataPower{n}, given, exact, verify::Family::flow);
    INFO("degree " << n << ", error " << e);
    CHECK(((n < order) == (e < rounding) && (n < order) == (flow < rounding)));
  }
}
template <class S>
void check_noise(const S& solver, int order, Index given = 0, double eta = 0) {
  INFO(S::name << " of order " << order);
  for (int n = 0; n <= order; ++n) {
    const auto exact = [&](double x, const Level& from, const Level& to) {
      return exact_noise(n, eta, x, from, to);
    };
    const double e = error(solver, NoisePower{n}, given, exact),
                 ve =
                     error(solver, NoisePower{n}, given, exact, verify::Family::variance_exploding);
    INFO("degree " << n << ", error " << e);
    CHECK(((n < order) == (e < rounding) && (n < order) == (ve < rounding)));
  }
}

constexpr auto exactly = Weights::exact;
constexpr auto noise = Prediction::noise;
constexpr auto lower = Start::lower_order;

}  // namespace

TEST_CASE("exponential: single steps are exact for polynomials", "[diffusion][solver]") {
  check_data(DpmSingle<1>{}, 1);
  check_data(DpmSingle<2, exactly>{}, 2);
  check_data(DpmSingle<2, exactly>{.stages = {.r1 = 0.8}}, 2);
  check_data(DpmSingle<3, exactly>{}, 3);
  check_data(DpmSingle<3, exactly>{.stages = {.r1 = 0.4, .r2 = 0.9}}, 3);
  check_data(DpmSingle<2>{}, 1);  // a cheaper weight of the slope
  check_data(DpmSingle<3>{}, 2);  // two outputs
  check_noise(DpmSingle<1>{.prediction = noise}, 1);
  check_noise(DpmSingle<2, exactly>{.prediction = noise}, 2);
  check_noise(DpmSingle<3, exactly>{.prediction = noise}, 3);
  check_noise(DpmSingle<3>{.prediction = noise}, 2);
}

TEST_CASE("exponential: many steps are exact for polynomials", "[diffusion][solver]") {
  // From the first step, which the default start makes exact too.
  check_data(DpmMulti<1>{}, 1);
  check_data(DpmMulti<2, exactly>{}, 2);
  check_data(DpmMulti<3, exactly>{}, 3);
  check_noise(DpmMulti<2, exactly>{.prediction = noise}, 2);
  check_noise(DpmMulti<3, exactly>{.prediction = noise}, 3);
  check_noise(Deis<1>{}, 1);
  check_noise(Deis<2>{}, 2);
  check_noise(Deis<3>{}, 3);
  check_data(UniP<3, exactly>{}, 3);
  // With fewer outputs, or with cheaper weights of two, only once all outputs are there.
  check_data(DpmMulti<3>{.begin = lower}, 3, 2);
  check_data(UniP<4>{}, 4, 3);
  check_noise(Deis<4>{}, 4, 3);
  check_noise(UniP<4>{.prediction = noise, .begin = lower}, 4, 3);
  check_data(DpmMulti<3>{.begin = lower}, 1, 0);
  // Published weights: exact for constants (two outputs), and for lines (three).
  check_data(DpmMulti<2>{}, 1);
  check_data(DpmMulti<3, Weights::as_published>{}, 2, 2);
  check_noise(DpmMulti<3, Weights::as_published>{.prediction = noise}, 2, 2);
  check_data(UniP<2, Weights::bh1>{}, 1);
}

TEST_CASE("exponential: means of stochastic steps are exact for polynomials",
          "[diffusion][solver]") {
  for (const double eta : {0.0, 0.4, 1.0, 2.5}) {
    check_data(SdeDpmMulti<1>{.eta = eta}, 1, 0, eta);
    check_data(SdeDpmMulti<2, exactly>{.eta = eta}, 2, 1, eta);
    check_data(SdeDpmMulti<3, exactly>{.eta = eta}, 3, 2, eta);
    check_data(SdeDpmMulti<3, Weights::as_published>{.eta = eta}, 2, 2, eta);
    check_noise(SdeDpmMulti<2, exactly>{.eta = eta, .prediction = noise}, 2, 1, eta);
    check_noise(SdeDpmMulti<3, exactly>{.eta = eta, .prediction = noise}, 3, 2, eta);
    check_data(SaSolver<4, 0>{.tau = {std::sqrt(eta)}}, 4, 3, eta);
    check_data(DpmSde<exactly>{.eta = eta}, 2, 0, eta);
    check_data(DpmSde<Weights::midpoint>{.eta = eta}, 1, 0, eta);
  }
}

TEST_CASE("exponential: variance of a step is what the marginals leave", "[diffusion][solver]") {
  // With x0 = 0 and x ~ N(0, sigma^2), x' ~ N(0, sigma'^2): keep^2 sigma^2 + noise^2 = sigma'^2. In
  // noise form the same holds with eps = 0, x0 = x / alpha in between: x' / alpha' gains eta (s^2 -
  // s'^2), the path variance of the SDE with that eta.
  const TimeGrid g = runs::irregular(verify::Family::flow, 7);
  for (const double eta : {0.3, 1.0, 2.0})
    for (std::size_t i = 0; i + 1 < g.size(); ++i) {
      const Level &from = g[i], &to = g[i + 1];
      const Quadrature d = Exponential{.eta = eta}.over(from, to),
                       n = Exponential{.prediction = noise, .eta = eta}.over(from, to);
      const auto square = [](double v) { return v * v; };
      CHECK_THAT(square(d.keep * from.sigma) + square(d.noise), WithinRel(square(to.sigma), 1e-13));
      CHECK_THAT(square(n.noise / to.alpha),
                 WithinRel(eta * (square(from.ratio()) - square(to.ratio())), 1e-12));
    }
  CHECK(Exponential{}.over(g[0], g[1]).noise == 0);
  CHECK(Exponential{.prediction = noise}.over(g[0], g[1]).noise == 0);
  CHECK_THROWS_AS((Exponential{.eta = -0.1}.over(g[0], g[1])), ArgumentError);
  CHECK_THROWS_AS((Exponential{.eta = HUGE_VAL}.over(g[0], g[1])), ArgumentError);
}

TEST_CASE("exponential: endless steps are the limits of long ones", "[diffusion][solver]") {
  const Level middle{0.5, 0.6, 0.8}, cleaner{0.4, 0.8, 0.6}, noise_only{1, 0, 2};
  const auto same = [](const Quadrature& limit, const Quadrature& near) {
    CHECK_THAT(near.keep, WithinAbs(limit.keep, 1e-7));
    CHECK_THAT(near.gain * near.moments[0], WithinAbs(limit.gain * limit.moments[0], 1e-7));
    CHECK_THAT(near.noise, WithinAbs(limit.noise, 1e-7));
    CHECK(limit.endless);
    CHECK(limit.moments[0] == 1);
    CHECK_FALSE(near.endless);
  };
  for (const double eta : {0.0, 0.5, 1.0}) {
    const Exponential rule{.eta = eta};
    same(rule.over(middle, grid::clean), rule.over(middle, {0, 1, 1e-9}));
    // from pure noise: q^eta vanishes slowly for small eta
    const Quadrature limit = rule.over(noise_only, cleaner);
    same(limit, rule.over({1, eta == 0.5 ? 1e-20 : 1e-9, 2}, cleaner));
    CHECK_THAT(limit.keep, WithinAbs(eta == 0 ? 0.3 : 0.0, 1e-15));
    CHECK_THAT(limit.noise, WithinAbs(eta == 0 ? 0.0 : 0.6, 1e-15));
    // eps can not be told from x there: the step is the same in both forms
    const Exponential other{.prediction = noise, .eta = eta};
    CHECK(other.over(middle, grid::clean).prediction == Prediction::data);
    CHECK(other.over(middle, grid::clean).keep == 0);
    CHECK(other.over(noise_only, cleaner).keep == limit.keep);
    CHECK(other.over(noise_only, cleaner).noise == limit.noise);
  }
  // A noise-free step of first order to a level with almost no noise, from outputs in eps
  const Quadrature near = Exponential{.prediction = noise}.over(middle, {0, 1, 1e-12});
  CHECK_THAT(near.keep, WithinRel(1 / 0.6, 1e-12));
  CHECK_THAT(near.gain * near.moments[0], WithinRel(-0.8 / 0.6, 1e-11));
}
