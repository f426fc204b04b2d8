// Covers: analytic_ddpm denoising_errors learned_ddpm
#include "diffusion/solver/runs.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "foglift/diffusion/solver/analytic_ddpm.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/diffusion/solver/ddpm.hpp"
#include "foglift/diffusion/solver/learned_ddpm.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;
using namespace foglift::solver;

namespace {

const analytic::Gaussian data({.mean = 0.7, .variance = 0.25});
const TimeGrid vp = runs::irregular(verify::Family::variance_preserving, 6);

/// E|x0 - E[x0 | x]|^2 of the data: the posterior's variance.
double posterior(const Level& l) { return 1 / (1 / 0.25 + l.snr()); }

DenoisingErrors exact_errors(const TimeGrid& g) {
  std::vector<double> errors;
  for (const Level& l : g) errors.push_back(posterior(l));
  return DenoisingErrors(g, errors);
}

verify::Moments law(const Level& l) {
  return {0.7 * l.alpha, 0.25 * l.alpha * l.alpha + l.sigma * l.sigma};
}

/// A denoiser whose variance head says the same everywhere.
struct Says {
  double v;
  Tensor<double> operator()(const Tensor<double>& x, const Levels& l) const {
    return runs::mixture()(x, l);
  }
  predict::Moments<double> moments(const Tensor<double>& x, const Levels& l) const {
    return {(*this)(x, l), Tensor<double>(x.shape(), v)};
  }
};

}  // namespace

TEST_CASE("analytic ddpm: exact variance of isotropic Gaussian data in any number of steps",
          "[diffusion][solver]") {
  for (const double eta : {0.0, 0.4, 1.0}) {
    const AnalyticDdpm solver{.errors = exact_errors(vp), .eta = eta};
    for (std::size_t i = 0; i + 1 < vp.size(); ++i) {
      const TimeGrid one{vp[i], vp[i + 1]}, two{vp[i], vp.back()};
      for (const TimeGrid& g : {one, two}) {
        const auto m = verify::moments(solver, data, g, law(g.front()));
        CHECK_THAT(m.mean, WithinAbs(law(g.back()).mean, 1e-13));
        CHECK_THAT(m.variance, WithinAbs(law(g.back()).variance, 1e-13));
      }
    }
  }
  // The small variance alone is too small.
  CHECK(verify::moments(Ddpm{}, data, {vp[0], vp.back()}, law(vp[0])).variance <
        0.9 * law(vp.back()).variance);
  // With no error left it is Ddim; the bound is one.
  const DenoisingErrors none(vp, std::vector<double>(vp.size(), 0.0));
  CHECK(runs::gap(AnalyticDdpm{.errors = none, .eta = 0.4}, Ddim{.eta = 0.4}, runs::mixture(), vp) <
        1e-14);
  CHECK(runs::gap(AnalyticDdpm{.errors = exact_errors(vp), .eta = 0.4, .most_variance = 0},
                  Ddim{.eta = 0.4}, runs::mixture(), vp) < 1e-14);
  const AnalyticDdpm wrong{.errors = none, .eta = 2};
  CHECK_THROWS_AS(runs::end_of(wrong, runs::mixture(), 1, vp), ArgumentError);
  CHECK_THAT(
      runs::end_of(AnalyticDdpm{.errors = exact_errors(vp)}, data, 0.3, {vp[1], grid::clean}),
      WithinAbs(runs::denoised(data, 0.3, vp[1]), 1e-15));
}

TEST_CASE("analytic ddpm: correlated data has one error for directions that differ",
          "[diffusion][solver]") {
  // Pairs of correlation 0.8 are independent along (1, 1) and (1, -1), with variances 1.8 and 0.2;
  // the solver knows the mean of the two posterior variances. How far the covariance is off, in
  // Frobenius' norm, at s = 0.05 after n steps from s = 20, equal in log SNR. Exact moments; the
  // numbers are those of the same recursion by itself, from eq. 6 of the paper.
  const std::vector<double> variances{1.8, 0.2};
  const auto off = [&](Index n, const std::vector<double>& known) {
    const TimeGrid g =
        grid::log_snr(schedule::Linear{}, n, {.min = 0.05, .max = 20, .end = grid::Last::keep});
    std::vector<double> errors;
    for (const Level& l : g)
      errors.push_back(0.5 / (1 / known[0] + l.snr()) + 0.5 / (1 / known[1] + l.snr()));
    const AnalyticDdpm solver{.errors = DenoisingErrors(g, errors)};
    double square = 0, size = 0, sum = 0, total = 0;
    for (const double v : known) {
      const auto at = [v](const Level& l) { return l.alpha * l.alpha * v + l.sigma * l.sigma; };
      const auto m = verify::moments(solver, analytic::gaussian({.mean = 0, .variance = v}), g,
                                     {0, at(g.front())});
      square += (m.variance - at(g.back())) * (m.variance - at(g.back()));
      size += at(g.back()) * at(g.back());
      sum += m.variance, total += at(g.back());
    }
    if (n == 1) CHECK_THAT(sum, WithinRel(total, 1e-12));  // the total is right in one step
    return std::sqrt(square / size);
  };
  CHECK_THAT(off(1, variances), WithinAbs(0.6206, 1e-4));
  CHECK_THAT(off(4, variances), WithinAbs(0.2820, 1e-4));
  CHECK_THAT(off(10, variances), WithinAbs(0.1515, 1e-4));
  CHECK_THAT(off(50, variances), WithinAbs(0.0362, 1e-4));
  for (const Index n : {1, 4, 10}) CHECK(off(n, {1.0, 1.0}) < 1e-12);
}

TEST_CASE("analytic ddpm: the last noise of a run is bounded", "[diffusion][solver]") {
  // Noise is drawn in the steps to vp[4], vp[5] and vp[6]; what follows draws none. The bound holds
  // in the last of them alone, whether or not clean data come after it.
  TimeGrid ends = vp;
  ends.push_back(grid::clean);
  const double bound = 0.0197;
  const AnalyticDdpm free{.errors = exact_errors(vp), .eta = 0.7};
  AnalyticDdpm bounded = free;
  bounded.last_deviation = bound;
  for (const TimeGrid& g : {vp, ends}) {
    auto run = Run<AnalyticDdpm, double>(free, g), cut = Run<AnalyticDdpm, double>(bounded, g);
    for (std::size_t i = 0; i + 1 < g.size(); ++i) {
      const auto step = [&](auto& r, std::size_t seed) {
        return r.step(Tensor<double>({1, 1}, 0.3), g[i], g[i + 1], data, runs::step_rng(seed))
            .item();
      };
      const auto spread = [&](auto& r) {
        return (step(r, 0) - step(r, 1)) / (runs::normal(0) - runs::normal(1));
      };
      const double own = spread(run);
      if (g[i + 1] == vp.back()) {
        CHECK(own > 1.5 * bound);
        CHECK_THAT(spread(cut), WithinAbs(bound, 1e-13));
      } else {
        CHECK(spread(cut) == own);
      }
    }
  }
  bounded.last_deviation = -1;
  CHECK_THROWS_AS(runs::end_of(bounded, data, 1, vp), ArgumentError);
}

TEST_CASE("denoising errors: Monte Carlo against the posterior variance", "[diffusion][solver]") {
  const Index n = 40'000;
  Tensor<double> x0({n, 1});
  const auto z = Rng(4).normal<double>({n, 1});
  for (Index i = 0; i < n; ++i) x0[i] = 0.7 + 0.5 * z[i];
  const auto found = denoising_errors(data, x0, vp, Rng(9));
  // A mean of squares of normals: standard error sqrt(2 / n) of it.
  for (std::size_t i = 0; i < vp.size(); ++i)
    CHECK_THAT(found.errors()[i], WithinRel(posterior(vp[i]), 4 * std::sqrt(2.0 / n)));
  // Straight lines in lambda between the levels, and the ends beyond.
  const DenoisingErrors e({vp[0], vp[1], vp[2]}, {3, 1, 0.5});
  const double middle = 0.5 * (vp[1].lambda() + vp[2].lambda());
  CHECK_THAT(e.at(verify::level(verify::Family::flow, std::exp(-middle))), WithinAbs(0.75, 1e-13));
  CHECK_THAT(e.at(vp[1]), WithinAbs(1, 1e-13));
  CHECK(e.at({1, 0, 1}) == 3);
  CHECK(e.at({0, 1, 0}) == 0.5);
  CHECK_THROWS_AS(DenoisingErrors({vp[0], vp[1]}, {1}), ArgumentError);
  CHECK_THROWS_AS(DenoisingErrors({vp[0], vp[1]}, {1, -1}), ArgumentError);
  CHECK_THROWS_AS(DenoisingErrors({vp[0], grid::clean}, {1, 1}), ArgumentError);
  CHECK_THROWS_AS(denoising_errors(data, Tensor<double>({0, 1}), vp, Rng(1)), ShapeError);
}

TEST_CASE("optimal levels: against all subsets", "[diffusion][solver]") {
  const TimeGrid levels = runs::irregular(verify::Family::variance_preserving, 9);
  const auto errors = exact_errors(levels);
  const auto cost = [&](const TimeGrid& g) {
    double sum = 0;
    for (std::size_t i = 0; i + 1 < g.size(); ++i)
      sum += 0.5 * (g[i + 1].snr() - g[i].snr()) * errors.at(g[i]);
    return sum;
  };
  for (const Index steps : {1, 2, 3, 5, 9}) {
    double best = HUGE_VAL;
    for (unsigned set = 0; set < 256; ++set) {  // of the eight levels inside
      TimeGrid g{levels.front()};
      for (std::size_t k = 0; k < 8; ++k)
        if (set >> k & 1) g.push_back(levels[k + 1]);
      g.push_back(levels.back());
      if (static_cast<Index>(g.size()) == steps + 1) best = std::min(best, cost(g));
    }
    const TimeGrid found = optimal_levels(levels, errors, steps);
    CHECK(static_cast<Index>(found.size()) == steps + 1);
    CHECK(found.front() == levels.front());
    CHECK(found.back() == levels.back());
    CHECK_THAT(cost(found), WithinRel(best, 1e-13));
  }
  // Any table of costs: numbers without a pattern, and one that makes long steps dear.
  const auto table = [](std::size_t i, std::size_t j) {
    return std::sin(static_cast<double>(17 * i * i + 5 * i * j + 3 * j)) -
           0.3 * static_cast<double>(j - i);
  };
  for (const Index steps : {1, 2, 4, 7, 9}) {
    double best = HUGE_VAL;
    std::vector<std::size_t> chosen;
    for (unsigned set = 0; set < 256; ++set) {
      std::vector<std::size_t> at{0};
      for (std::size_t k = 0; k < 8; ++k)
        if (set >> k & 1) at.push_back(k + 1);
      at.push_back(9);
      if (static_cast<Index>(at.size()) != steps + 1) continue;
      double sum = 0;
      for (std::size_t i = 0; i + 1 < at.size(); ++i) sum += table(at[i], at[i + 1]);
      if (sum < best) best = sum, chosen = at;
    }
    TimeGrid expected;
    for (const std::size_t k : chosen) expected.push_back(levels[k]);
    CHECK(optimal_levels(levels, steps, table) == expected);
  }
  CHECK_THROWS_AS(optimal_levels(levels, 3, [](std::size_t, std::size_t) { return HUGE_VAL; }),
                  NumericError);
  CHECK_THROWS_AS(optimal_levels(levels, errors, 10), ArgumentError);
  CHECK_THROWS_AS(optimal_levels(levels, errors, 0), ArgumentError);
  TimeGrid clean = levels;
  clean.push_back(grid::clean);
  CHECK_THROWS_AS(optimal_levels(clean, errors, 2), ArgumentError);
}

TEST_CASE("learned ddpm: heads between the two variances", "[diffusion][solver]") {
  // v = -1 and 1 are the small and the large variance; 0 is their geometric mean; a logarithm is
  // itself.
  const auto end = [](const auto& solver, double v) {
    return sample_from(solver, Says{v}, Tensor<double>({4, 1}, {-1.8, -0.3, 0.4, 1.5}), vp, Rng(1));
  };
  const auto small = sample_from(Ddpm{}, runs::mixture(),
                                 Tensor<double>({4, 1}, {-1.8, -0.3, 0.4, 1.5}), vp, Rng(1));
  const auto large = sample_from(Ddpm{.variance = Ddpm::Variance::large}, runs::mixture(),
                                 Tensor<double>({4, 1}, {-1.8, -0.3, 0.4, 1.5}), vp, Rng(1));
  const auto low = end(LearnedDdpm{}, -1), high = end(LearnedDdpm{}, 1);
  for (Index i = 0; i < 4; ++i) {
    CHECK_THAT(low[i], WithinAbs(small[i], 1e-12));
    CHECK_THAT(high[i], WithinAbs(large[i], 1e-12));
  }
  const Level from = vp[1], to = vp[2];
  const double q = from.alpha * to.sigma / (to.alpha * from.sigma), spread = std::sqrt(1 - q * q),
               x = 0.4;
  const double x0 = runs::denoised(runs::mixture(), x, from),
               mean = q * to.sigma / from.sigma * x +
                      (to.alpha - from.alpha * q * to.sigma / from.sigma) * x0;
  const auto step = [&](const LearnedDdpm& solver, double v) {
    return solver.step(Tensor<double>({1, 1}, x), from, to, Says{v}, runs::step_rng(3)).item();
  };
  CHECK_THAT(step({}, 0),
             WithinAbs(mean + spread * std::sqrt(to.sigma * from.sigma) * runs::normal(3), 1e-13));
  CHECK_THAT(step({LearnedDdpm::Head::log_variance}, std::log(0.09)),
             WithinAbs(mean + 0.3 * runs::normal(3), 1e-13));
  CHECK_THAT(LearnedDdpm{}
                 .step(Tensor<double>({1, 1}, x), from, grid::clean, Says{1}, runs::step_rng(3))
                 .item(),
             WithinAbs(x0, 1e-15));
  // An observer sees the x0 of a denoiser with a head too.
  double seen = 0;
  sample_from(LearnedDdpm{}, Says{0}, Tensor<double>({1, 1}, x), {from, to}, Rng(1), {},
              [&](const StepView<double>& v) { seen = v.x0.item(); });
  CHECK(seen == x0);
}
