// Covers: dpm_multi multistep quadrature
#include "diffusion/solver/runs.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/diffusion/solver/ddpm.hpp"
#include "foglift/diffusion/solver/dpm_multi.hpp"
#include "foglift/diffusion/solver/dpm_single.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;
using namespace foglift::solver;

namespace {

constexpr auto exactly = Weights::exact;
constexpr auto published = Weights::as_published;
constexpr auto noise = Prediction::noise;
constexpr auto lower = Start::lower_order;

/// A run as published (Lu et al. 2022a and b, k-diffusion), in scalars, with the orders 1, 2, ...,
/// `order`. `heun` and `second` (2 for exact weights, 1 as published) choose the weights.
struct Published {
  int order;
  bool heun = false;
  double second = 2;
  bool in_noise = false;
  double eta = 0;

  double run(double x, const TimeGrid& g) const {
    std::vector<double> m, l;
    for (std::size_t i = 0; i + 1 < g.size(); ++i) {
      const Level &from = g[i], &to = g[i + 1];
      const double x0 = runs::denoised(runs::mixture(), x, from);
      m.push_back(in_noise ? (x - from.alpha * x0) / from.sigma : x0);
      l.push_back(from.lambda());
      const double h = to.lambda() - from.lambda();
      // first and second differences, and the functions that they are multiplied by
      double d1 = 0, d2 = 0;
      const int used = std::min(order, static_cast<int>(i) + 1);
      if (used >= 2) d1 = (m[i] - m[i - 1]) / ((l[i] - l[i - 1]) / h);
      if (used >= 3) {
        const double r0 = (l[i] - l[i - 1]) / h, r1 = (l[i - 1] - l[i - 2]) / h;
        const double d10 = (m[i] - m[i - 1]) / r0, d11 = (m[i - 1] - m[i - 2]) / r1;
        d1 = d10 + r0 / (r0 + r1) * (d10 - d11);
        d2 = (d10 - d11) / (r0 + r1);
      }
      const bool middle = used == 2 && !heun;
      if (in_noise) {
        const double e = std::expm1(h), phi2 = e / h - 1, phi3 = phi2 / h - 0.5;
        x = to.alpha / from.alpha * x -
            (1 + eta) * to.sigma * (e * m[i] + (middle ? 0.5 * e : phi2) * d1 + second * phi3 * d2);
        if (eta > 0) x += to.sigma * std::sqrt(eta * std::expm1(2 * h)) * runs::normal(i);
      } else {
        const double H = (1 + eta) * h, e = -std::expm1(-H), phi2 = 1 - e / H,
                     phi3 = phi2 / H - 0.5;
        x = to.sigma / from.sigma * std::exp(-eta * h) * x +
            to.alpha * (e * m[i] + (middle ? 0.5 * e : phi2) * d1 - second * phi3 * d2);
        if (eta > 0) x += to.sigma * std::sqrt(-std::expm1(-2 * eta * h)) * runs::normal(i);
      }
    }
    return x;
  }
};

// Values below 10, 12 steps that damp, weights that lose 1 / h^2 = 10 digits' worth in the
// oracle's phi3.
constexpr double rounding = 1e-12;

template <class S>
void check(const S& solver, const Published& p) {
  for (const auto family : {verify::Family::variance_preserving, verify::Family::flow,
                            verify::Family::variance_exploding})
    for (const double x : {-1.7, 0.1, 2.2}) {
      const TimeGrid g = runs::irregular(family, 12);
      CHECK_THAT(runs::end_of(solver, runs::mixture(), x, g), WithinAbs(p.run(x, g), rounding));
    }
}

}  // namespace

TEST_CASE("dpm multi: deterministic runs as published", "[diffusion][solver]") {
  check(DpmMulti<1>{}, {.order = 1});
  check(DpmMulti<2>{.begin = lower}, {.order = 2});
  check(DpmMulti<2, exactly>{.begin = lower}, {.order = 2, .heun = true});
  check(DpmMulti<3>{.begin = lower}, {.order = 3});
  check(DpmMulti<3, published>{.begin = lower}, {.order = 3, .second = 1});
  check(DpmMulti<3, exactly>{.begin = lower}, {.order = 3, .heun = true});
  check(DpmMulti<2>{.prediction = noise, .begin = lower}, {.order = 2, .in_noise = true});
  check(DpmMulti<3>{.prediction = noise, .begin = lower}, {.order = 3, .in_noise = true});
  check(DpmMulti<3, published>{.prediction = noise, .begin = lower},
        {.order = 3, .second = 1, .in_noise = true});
}

TEST_CASE("dpm multi: stochastic runs as published", "[diffusion][solver]") {
  for (const double eta : {0.5, 1.0, 1.7}) {
    check(SdeDpmMulti<1>{.eta = eta}, {.order = 1, .eta = eta});
    check(SdeDpmMulti<2>{.eta = eta}, {.order = 2, .eta = eta});
    check(SdeDpmMulti<2, exactly>{.eta = eta}, {.order = 2, .heun = true, .eta = eta});
    check(SdeDpmMulti<3>{.eta = eta}, {.order = 3, .eta = eta});
    check(SdeDpmMulti<3, published>{.eta = eta}, {.order = 3, .second = 1, .eta = eta});
    check(SdeDpmMulti<2>{.eta = eta, .prediction = noise},
          {.order = 2, .in_noise = true, .eta = eta});
    check(SdeDpmMulti<3>{.eta = eta, .prediction = noise},
          {.order = 3, .in_noise = true, .eta = eta});
  }
}

TEST_CASE("dpm multi: rules that are one", "[diffusion][solver]") {
  const TimeGrid g = runs::irregular(verify::Family::variance_preserving, 14);
  const auto gap = [&](const auto& a, const auto& b) {
    return runs::gap(a, b, runs::mixture(), g);
  };
  CHECK(gap(DpmMulti<1>{}, Ddim{}) < rounding);
  CHECK(gap(DpmMulti<1>{.prediction = noise}, Ddim{}) < rounding);
  CHECK(gap(SdeDpmMulti<1>{}, Ddim{.eta = 1}) < rounding);
  CHECK(gap(SdeDpmMulti<1>{}, Ddpm{}) < rounding);
  CHECK(gap(SdeDpmMulti<3>{.eta = 0, .begin = Start::single_step}, DpmMulti<3>{}) < rounding);
  CHECK(gap(Deis<1>{}, Ddim{}) < rounding);
  CHECK(gap(Deis<2>{}, DpmMulti<2, exactly>{.prediction = noise}) == 0);
  CHECK(gap(Deis<3>{}, DpmMulti<3, exactly>{.prediction = noise}) == 0);
  // and rules that are not
  CHECK(gap(DpmMulti<2>{}, DpmMulti<2, exactly>{}) > 1e-5);
  CHECK(gap(DpmMulti<3>{}, DpmMulti<3, published>{}) > 1e-5);
  CHECK(gap(DpmMulti<3>{}, DpmMulti<3>{.begin = lower}) > 1e-5);
  CHECK(gap(DpmMulti<3>{}, DpmMulti<3>{.prediction = noise}) > 1e-5);
}

TEST_CASE("dpm multi: deis integrates lagrange polynomials in log rho", "[diffusion][solver]") {
  // Zhang & Chen 2023: x' / alpha' = x / alpha + sum_j e_j int_s^s' l_j(ln s) ds, with the closed
  // forms for two and three outputs.
  const TimeGrid g = runs::irregular(verify::Family::flow, 8);
  for (const int order : {2, 3}) {
    double x = 0.9;
    std::vector<double> e, l;
    for (std::size_t i = 0; i + 1 < g.size(); ++i) {
      const Level &from = g[i], &to = g[i + 1];
      e.push_back((x - from.alpha * runs::denoised(runs::mixture(), x, from)) / from.sigma);
      l.push_back(std::log(from.ratio()));
      const auto between = [&](const auto& primitive) {
        return primitive(to.ratio()) - primitive(from.ratio());
      };
      double sum = 0;
      const int used = std::min(order, static_cast<int>(i) + 1);
      for (int j = 0; j < used; ++j) {
        const std::size_t at = i - static_cast<std::size_t>(j);
        const double b = l[at];
        double others[2] = {0, 0};
        for (int k = 0, n = 0; k < used; ++k)
          if (k != j) others[n++] = l[i - static_cast<std::size_t>(k)];
        const double c = others[0], d = others[1];
        sum += e[at] * between([&](double s) {
                 const double A = std::log(s);
                 if (used == 1) return s;
                 if (used == 2) return s * (A - 1 - c) / (b - c);
                 return s * (A * A - 2 * A + 2 - (c + d) * (A - 1) + c * d) / ((b - c) * (b - d));
               });
      }
      x = to.alpha * (x / from.alpha + sum);
    }
    const double found = order == 2
                             ? runs::end_of(Deis<2>{.begin = lower}, runs::mixture(), 0.9, g)
                             : runs::end_of(Deis<3>{.begin = lower}, runs::mixture(), 0.9, g);
    CHECK_THAT(found, WithinAbs(x, 1e-11));  // primitives of 100 cancel to 1
  }
}

TEST_CASE("dpm multi: single steps make the start", "[diffusion][solver]") {
  // Until Order outputs are known the state is that of single steps, bit for bit.
  const TimeGrid g = runs::irregular(verify::Family::variance_preserving, 5);
  const auto upto = [&](std::ptrdiff_t n) { return TimeGrid(g.begin(), g.begin() + n + 1); };
  CHECK(runs::gap(DpmMulti<2>{}, DpmSingle<2>{}, runs::mixture(), upto(1)) == 0);
  CHECK(runs::gap(DpmMulti<2, exactly>{}, DpmSingle<2, exactly>{}, runs::mixture(), upto(1)) == 0);
  CHECK(runs::gap(DpmMulti<2>{}, DpmSingle<2>{}, runs::mixture(), upto(2)) > 1e-4);
  CHECK(runs::gap(DpmMulti<3>{}, DpmSingle<3>{}, runs::mixture(), upto(2)) == 0);
  CHECK(runs::gap(DpmMulti<3>{.prediction = noise}, DpmSingle<3>{.prediction = noise},
                  runs::mixture(), upto(2)) == 0);
  CHECK(runs::gap(DpmMulti<3>{}, DpmSingle<3>{}, runs::mixture(), upto(3)) > 1e-5);
  // The multistep rule takes over with the outputs at their starts: 3 + 3 + 1 + 1 + 1 evaluations.
  int calls = 0;
  const auto counted = [&](const Tensor<double>& x, const Level& l) {
    ++calls;
    return runs::mixture()(x, l);
  };
  runs::end_of(DpmMulti<3>{}, counted, 0.3, g);
  CHECK(calls == 9);
  calls = 0;
  runs::end_of(DpmMulti<3>{.begin = lower}, counted, 0.3, g);
  CHECK(calls == 5);
}

TEST_CASE("dpm multi: lowered orders at the end", "[diffusion][solver]") {
  // The last step is DDIM's, the one before of second order: a run of all steps but these agrees
  // with the rule that keeps its order.
  const TimeGrid g = runs::irregular(verify::Family::variance_preserving, 7);
  const Tensor<double> start({1, 1}, 0.8);
  Run<DpmMulti<3>, double> kept({}, g), lowered({.end = Ending::lower_order}, g);
  Tensor<double> x = start, y = start;
  for (std::size_t i = 0; i + 1 < g.size(); ++i) {
    const StepRng rng(Rng(1), 0, static_cast<Index>(i));
    const Tensor<double> before = x;
    x = kept.step(x, g[i], g[i + 1], runs::mixture(), rng);
    y = lowered.step(before, g[i], g[i + 1], runs::mixture(), rng);
    if (i < 5) {
      CHECK(x == y);
    } else if (i == 6) {
      CHECK_THAT(
          y.item(),
          WithinAbs(Ddim{}.step(before, g[i], g[i + 1], runs::mixture(), rng).item(), 1e-14));
    } else {  // 2M from the two last outputs
      const double l0 = g[5].lambda(), h = g[6].lambda() - l0, r = (l0 - g[4].lambda()) / h;
      const auto& history = lowered.memory().history;
      const double m0 = history[0].output.item(), m1 = history[1].output.item();
      CHECK_THAT(y.item(), WithinAbs(g[6].sigma / g[5].sigma * before.item() -
                                         g[6].alpha * std::expm1(-h) * (m0 + (m0 - m1) / (2 * r)),
                                     1e-13));
      CHECK_FALSE(x == y);
    }
  }
  // One step in all is of first order, so it needs no stages.
  int calls = 0;
  const auto counted = [&](const Tensor<double>& state, const Level& l) {
    ++calls;
    return runs::mixture()(state, l);
  };
  runs::end_of(DpmMulti<3>{.end = Ending::lower_order}, counted, 0.3, {g[0], g[1]});
  CHECK(calls == 1);
}

TEST_CASE("dpm multi: measured orders", "[diffusion][solver]") {
  const auto check_order = [](const auto& solver, double most, double tolerance) {
    for (const auto spacing : {verify::Spacing::log_snr, verify::Spacing::karras}) {
      const auto c = verify::order(solver, {.spacing = spacing, .coarsest = 80, .doublings = 1});
      INFO(c.slope() << ' ' << c.errors.back());
      CHECK_THAT(c.slope(), WithinAbs(solver.order, tolerance));
      CHECK(c.errors.back() < 2 * most);
    }
  };
  check_order(DpmMulti<2>{}, 1.2e-4, 0.1);
  check_order(DpmMulti<2, exactly>{}, 1.5e-4, 0.1);
  check_order(DpmMulti<2>{.begin = lower}, 1.2e-4, 0.1);
  check_order(DpmMulti<3>{}, 5.1e-6, 0.1);
  check_order(DpmMulti<3, published>{}, 3.5e-5, 0.15);
  check_order(DpmMulti<2>{.prediction = noise}, 1.1e-4, 0.1);
  check_order(DpmMulti<3>{.prediction = noise}, 8.4e-6, 0.2);
  check_order(DpmMulti<3, published>{.prediction = noise}, 2.1e-5, 0.3);
  check_order(Deis<2>{}, 1.1e-4, 0.1);
  check_order(Deis<3>{}, 8.4e-6, 0.2);
  // 640 steps: the error changes sign among the starts before.
  const auto deis4 = verify::order(Deis<4>{}, {.coarsest = 320, .doublings = 1});
  CHECK_THAT(deis4.slope(), WithinAbs(4, 0.25));
  // Euler's first step, on its own of second order, is what is left of third order.
  const auto naive = verify::order(DpmMulti<3>{.begin = lower}, {.coarsest = 320, .doublings = 1});
  CHECK_THAT(naive.slope(), WithinAbs(2, 0.15));
}

TEST_CASE("dpm multi: the default start is as good as exact states", "[diffusion][solver]") {
  const auto same = [](const auto& solver, Index given) {
    const auto own = verify::order(solver, {.coarsest = 80, .doublings = 1}),
               exact =
                   verify::order(solver, {.coarsest = 80, .doublings = 1, .exact_starts = given});
    CHECK_THAT(own.errors.back(), WithinRel(exact.errors.back(), 0.02));
  };
  same(DpmMulti<2>{}, 1);
  same(DpmMulti<3>{}, 2);
  same(Deis<3>{}, 2);
}

TEST_CASE("dpm multi: measured weak orders", "[diffusion][solver]") {
  // Relative errors of the variance at 320 steps; the tabulated ones have two digits.
  const auto check_weak = [](const auto& solver, double tabulated) {
    const auto c = verify::weak_order(solver, {.coarsest = 160, .doublings = 1});
    INFO(c.slope() << ' ' << c.errors.back());
    CHECK_THAT(c.slope(), WithinAbs(solver.weak_order, 0.1));
    CHECK_THAT(c.errors.back(), WithinRel(tabulated, 0.03));
  };
  check_weak(SdeDpmMulti<1>{}, 1.62e-2);
  check_weak(SdeDpmMulti<2>{}, 8.4e-5);
  check_weak(SdeDpmMulti<2, exactly>{}, 1.77e-4);
  check_weak(SdeDpmMulti<3>{}, 3.0e-5);
  check_weak(SdeDpmMulti<3, published>{}, 5.9e-5);
  // measured here: no table has the other eta, or the noise form
  const auto second = [](const auto& solver) {
    const auto c = verify::weak_order(solver, {.coarsest = 160, .doublings = 1});
    CHECK_THAT(c.slope(), WithinAbs(2, 0.1));
    CHECK(c.errors.back() < 2e-4);
  };
  second(SdeDpmMulti<2>{.eta = 0.5});
  second(SdeDpmMulti<2>{.eta = 2});
  second(SdeDpmMulti<2>{.prediction = noise});
  second(SdeDpmMulti<3>{.prediction = noise});
  second(SdeDpmMulti<3>{.begin = Start::single_step});
}
