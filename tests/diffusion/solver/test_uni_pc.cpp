// Covers: multistep quadrature uni_pc
#include "diffusion/solver/runs.hpp"
#include "foglift/diffusion/solver/dpm_multi.hpp"
#include "foglift/diffusion/solver/uni_pc.hpp"
#include "support/catch.hpp"

#include <cmath>

#include <Eigen/Dense>

using namespace foglift;
using namespace foglift::solver;

namespace {

constexpr auto bh1 = Weights::bh1;
constexpr auto noise = Prediction::noise;
constexpr auto lower = Start::lower_order;

/// A run as published (Zhao et al. 2023, algorithms 5 to 8), in scalars: the weights rho solve the
/// paper's linear systems with B(h), and the corrected state is made anew from the one before.
struct Published {
  int order;
  bool bh2 = true, in_noise = false, corrector = true, lower_end = false;

  /// sum_k rho_k (m_k - m0) / r_k for p differences; rho = 1/2 for one, else R rho = b.
  double differences(const std::vector<double>& r, const std::vector<double>& diff, double z,
                     double B) const {
    const auto p = static_cast<Eigen::Index>(r.size());
    if (p == 0) return 0;
    Eigen::VectorXd rho = Eigen::VectorXd::Constant(p, 0.5);
    if (p > 1) {
      Eigen::MatrixXd R(p, p);
      Eigen::VectorXd b(p);
      double c = std::expm1(z) / z - 1, factorial = 1;
      for (Eigen::Index k = 0; k < p; ++k) {
        for (Eigen::Index j = 0; j < p; ++j)
          R(k, j) = std::pow(r[static_cast<std::size_t>(j)], static_cast<double>(k));
        factorial *= static_cast<double>(k + 1);
        b(k) = c * factorial / B;
        c = c / z - 1 / (factorial * static_cast<double>(k + 2));
      }
      rho = R.fullPivLu().solve(b);
    }
    double sum = 0;
    for (std::size_t k = 0; k < r.size(); ++k) sum += rho[static_cast<Eigen::Index>(k)] * diff[k];
    return sum;
  }

  double run(double x, const TimeGrid& g) const {
    std::vector<double> m, l;
    double before = x;  // the corrected state of the level before
    for (std::size_t i = 0; i + 1 < g.size(); ++i) {
      const double x0 = runs::denoised(runs::mixture(), x, g[i]);
      m.push_back(in_noise ? (x - g[i].alpha * x0) / g[i].sigma : x0);
      l.push_back(g[i].lambda());
      if (i > 0 && corrector) x = step(before, g, i - 1, m, l, true);
      before = x;
      x = step(x, g, i, m, l, false);
    }
    return x;
  }

  double step(double x, const TimeGrid& g, std::size_t i, const std::vector<double>& m,
              const std::vector<double>& l, bool correct) const {
    const Level &from = g[i], &to = g[i + 1];
    const double h = to.lambda() - from.lambda(), z = in_noise ? h : -h;
    const double B = bh2 ? std::expm1(z) : z;
    std::size_t used = std::min<std::size_t>(static_cast<std::size_t>(order), i + 1);
    if (lower_end) used = std::min(used, g.size() - 1 - i);
    std::vector<double> r, diff;
    for (std::size_t k = 1; k < used; ++k) {
      r.push_back((l[i - k] - l[i]) / h);
      diff.push_back((m[i - k] - m[i]) / r.back());
    }
    if (correct) {
      r.push_back(1);
      diff.push_back(m[i + 1] - m[i]);
    }
    const double keep = in_noise ? to.alpha / from.alpha : to.sigma / from.sigma,
                 gain = in_noise ? to.sigma : to.alpha;
    return keep * x - gain * std::expm1(z) * m[i] - gain * B * differences(r, diff, z, B);
  }
};

template <class S>
void check(const S& solver, const Published& p) {
  for (const auto family : {verify::Family::variance_preserving, verify::Family::flow})
    for (const double x : {-1.7, 0.1, 2.2}) {
      const TimeGrid g = runs::irregular(family, 12);
      // the oracle's systems have condition numbers of 100, its c_k lose 1 / h^k
      CHECK_THAT(runs::end_of(solver, runs::mixture(), x, g), WithinAbs(p.run(x, g), 1e-11));
    }
}

}  // namespace

TEST_CASE("unipc: runs as published", "[diffusion][solver]") {
  check(UniPc<1>{.begin = lower}, {.order = 1});
  check(UniPc<2>{.begin = lower}, {.order = 2});
  check(UniPc<3>{.begin = lower}, {.order = 3});
  check(UniPc<4>{.begin = lower}, {.order = 4});
  check(UniPc<1, bh1>{.begin = lower}, {.order = 1, .bh2 = false});
  check(UniPc<2, bh1>{.begin = lower}, {.order = 2, .bh2 = false});
  check(UniPc<3, bh1>{.begin = lower}, {.order = 3, .bh2 = false});
  check(UniPc<2>{.prediction = noise, .begin = lower}, {.order = 2, .in_noise = true});
  check(UniPc<3>{.prediction = noise, .begin = lower}, {.order = 3, .in_noise = true});
  check(UniPc<2, bh1>{.prediction = noise, .begin = lower},
        {.order = 2, .bh2 = false, .in_noise = true});
  check(UniP<2, bh1>{.begin = lower}, {.order = 2, .bh2 = false, .corrector = false});
  check(UniP<4>{.begin = lower}, {.order = 4, .corrector = false});
  check(UniPc<3>{.begin = lower, .end = Ending::lower_order}, {.order = 3, .lower_end = true});
}

TEST_CASE("unipc: predictors are dpm-solver in many steps", "[diffusion][solver]") {
  const TimeGrid g = runs::irregular(verify::Family::variance_preserving, 14);
  const auto gap = [&](const auto& a, const auto& b) {
    return runs::gap(a, b, runs::mixture(), g);
  };
  CHECK(gap(UniP<2>{}, DpmMulti<2>{}) < 1e-12);
  CHECK(gap(UniP<3>{}, DpmMulti<3>{}) < 1e-12);
  CHECK(gap(UniP<3>{.prediction = noise}, DpmMulti<3>{.prediction = noise}) < 1e-12);
  // B(h) plays a part with two outputs alone.
  CHECK(gap(UniP<3, bh1>{}, UniP<3>{}) < 1e-12);
  CHECK(gap(UniPc<3, bh1>{}, UniPc<3>{}) < 1e-12);
  CHECK(gap(UniPc<3, bh1>{.begin = lower}, UniPc<3>{.begin = lower}) > 1e-6);
  CHECK(gap(UniPc<2, bh1>{}, UniPc<2>{}) > 1e-6);
  CHECK(gap(UniPc<2>{}, UniP<2>{}) > 1e-6);
}

TEST_CASE("unipc: a corrected state is exact one degree further", "[diffusion][solver]") {
  // x0 = lambda^n, whatever x: the state that a step leaves is as predicted, and the next call
  // corrects it before it goes on. Corrected: the sum of the memory's terms, once the output is
  // known. Against the closed form with q' + q = l^n.
  const auto primitive = [](auto&& self, int n, double l) -> double {
    return n == 0 ? 1.0 : std::pow(l, n) - n * self(self, n - 1, l);
  };
  const TimeGrid g = runs::irregular(verify::Family::variance_preserving, 9, -1.5, 1.8);
  for (int n = 0; n <= 3; ++n) {
    const auto data = [n](const Tensor<double>& x, const Level& l) {
      return Tensor<double>(x.shape(), std::pow(l.lambda(), n));
    };
    Run<UniPc<2>, double> run({.begin = lower}, g);
    double x = 0.7, worst = 0;
    for (std::size_t i = 0; i + 1 < g.size(); ++i) {
      const Level &from = g[i], &to = g[i + 1];
      // a predicted state that is off by what the corrector will add is made exact by it
      const auto before = run.memory();
      double shift = 0;
      for (std::size_t k = 0; k < 3; ++k) {
        const Level& made = k == 0 ? from : g[i - std::min(i, k)];
        shift += before.correction[k] * std::pow(made.lambda(), n);
      }
      const double y =
          run.step(Tensor<double>({1, 1}, x - shift), from, to, data, StepRng(Rng(1), 0, 0)).item();
      x = to.sigma / from.sigma * x + to.alpha * (primitive(primitive, n, to.lambda()) -
                                                  to.sigma * from.alpha / (to.alpha * from.sigma) *
                                                      primitive(primitive, n, from.lambda()));
      double corrected = y;
      for (std::size_t k = 0; k < 3; ++k)
        corrected += run.memory().correction[k] *
                     std::pow(k == 0 ? to.lambda() : g[i + 1 - std::min(i + 1, k)].lambda(), n);
      if (i >= 1) worst = std::max(worst, std::abs(corrected - x));
    }
    INFO("degree " << n);
    CHECK(((n <= 2) == (worst < 1e-12)));
  }
}

TEST_CASE("unipc: measured orders", "[diffusion][solver]") {
  const auto check_order = [](const auto& solver, double most, double tolerance,
                              Index coarsest = 80) {
    for (const auto spacing : {verify::Spacing::log_snr, verify::Spacing::karras}) {
      const auto c =
          verify::order(solver, {.spacing = spacing, .coarsest = coarsest, .doublings = 1});
      INFO(c.slope() << ' ' << c.errors.back());
      CHECK_THAT(c.slope(), WithinAbs(solver.order, tolerance));
      CHECK(c.errors.back() < 2 * most);
    }
  };
  check_order(UniPc<1>{}, 2.2e-4, 0.1);
  check_order(UniPc<2>{}, 9.2e-6, 0.1);
  check_order(UniPc<2, bh1>{}, 9.2e-6, 0.1);
  check_order(UniPc<2>{.begin = lower}, 9.2e-6, 0.1);
  check_order(UniPc<2>{.prediction = noise}, 9.2e-6, 0.3);
  // 3.8 at 160 steps and rising
  check_order(UniPc<3>{}, 1e-9, 0.1, 320);
  check_order(UniPc<3>{.prediction = noise}, 1e-9, 0.15, 320);
  check_order(UniP<2>{}, 1.2e-4, 0.1);
  check_order(UniP<3>{}, 5.1e-6, 0.1);
  check_order(UniP<4>{}, 5e-7, 0.15);
}
