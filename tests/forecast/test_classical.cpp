// Covers: autoregression climatology drift list seasonal_adjustment theta
#include "foglift/forecast/baselines/arima.hpp"
#include "foglift/forecast/baselines/autoregression.hpp"
#include "foglift/forecast/baselines/climatology.hpp"
#include "foglift/forecast/baselines/drift.hpp"
#include "foglift/forecast/baselines/ets.hpp"
#include "foglift/forecast/baselines/list.hpp"
#include "foglift/forecast/baselines/mstl.hpp"
#include "foglift/forecast/baselines/recent_walk.hpp"
#include "foglift/forecast/baselines/theta.hpp"
#include "reference_series.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cmath>
#include <set>

using namespace foglift;
using namespace foglift::forecast;

namespace {
const double missing = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TEST_CASE("climatology: a path is one earlier stretch of the same phase", "[forecast][baselines]") {
  // Season 3, horizon 2, 8 values: stretches begin at 5 and 2; 6 and 7 are the last season's.
  const std::vector<double> x = {90, 91, 1, 2, 92, 3, 4, 93};
  const auto paths = climatology(x, {.horizon = 2, .paths = 400, .seasons = {3}}, Rng(3));
  double first = 0;
  for (Index p = 0; p < 400; ++p) {
    CHECK(((paths(p, 0) == 1 && paths(p, 1) == 2) || (paths(p, 0) == 3 && paths(p, 1) == 4)));
    first += paths(p, 0) == 1;
  }
  CHECK_THAT(first, WithinAbs(200, 4 * std::sqrt(400 * 0.25)));
}

TEST_CASE("climatology: missing cells are drawn from the known ones of their step",
          "[forecast][baselines]") {
  const std::vector<double> x = {1, missing, 3, 4, missing, 6};
  const auto paths = climatology(x, {.horizon = 2, .paths = 200, .seasons = {2}}, Rng(3));
  std::set<double> first, second;
  for (Index p = 0; p < 200; ++p) first.insert(paths(p, 0)), second.insert(paths(p, 1));
  CHECK(first == std::set<double>{1, 3});
  CHECK(second == std::set<double>{4, 6});
  CHECK_THROWS_AS(climatology(x, {.horizon = 2, .seasons = {0}}, Rng(1)), ArgumentError);
  CHECK_THROWS_AS(climatology(x, {.horizon = 7, .seasons = {2}}, Rng(1)), ArgumentError);
  CHECK_THROWS_AS(
      climatology(std::vector<double>{missing, 1}, {.horizon = 2, .seasons = {2}}, Rng(1)),
      ArgumentError);
  CHECK_THROWS_AS(
      climatology(std::vector<double>{1, 1e200}, {.horizon = 2, .seasons = {2}}, Rng(1)),
      NumericError);
}

TEST_CASE("random walk with drift: the fit by hand, gaps included", "[forecast][baselines]") {
  // Changes 3, 1 and 5 (over two cells); drift 9/4; residuals 3/4, -5/4, 1/2.
  const Drift fit = fit_drift(std::vector<double>{missing, 1, 4, 5, missing, 10, missing});
  CHECK(fit.drift == 9.0 / 4);
  CHECK(fit.cells == 4);
  CHECK_THAT(fit.variance, WithinRel((9.0 / 16 + 25.0 / 16 + 1.0 / 8) / 2, 1e-14));
  CHECK(fit.last == 10 + 9.0 / 4);
  CHECK_THROWS_AS(fit_drift(std::vector<double>{1, missing, 2}), ArgumentError);
  CHECK_THROWS_AS(fit_drift(std::vector<double>{1, -1e200, 2}), NumericError);
}

TEST_CASE("random walk with drift: mean and variance of the paths", "[forecast][baselines]") {
  const std::vector<double> x = {0, 3, 4, 2, 7, 8};
  const Drift fit = fit_drift(x);
  const Index n = 20000, H = 4;
  const auto paths = random_walk_drift(x, {.horizon = H, .paths = n}, Rng(6));
  for (Index h = 0; h < H; ++h) {
    const double k = static_cast<double>(h + 1), count = static_cast<double>(n);
    const double mean = 8 + 1.6 * k, variance = fit.variance * k * (1 + k / 5);
    double sum = 0, square = 0;
    for (Index p = 0; p < n; ++p) {
      sum += paths(p, h) / count;
      square += (paths(p, h) - mean) * (paths(p, h) - mean) / count;
    }
    CHECK_THAT(sum, WithinAbs(mean, 4 * std::sqrt(variance / count)));
    CHECK_THAT(square, WithinRel(variance, 4 * std::sqrt(2 / count)));
  }
}

TEST_CASE("random walk with drift: statsforecast 2.1.1", "[forecast][baselines]") {
  const Drift fit = fit_drift(wavy());
  const std::vector<double> mean = {32.433188, 32.692213, 32.951237, 33.210262},
                            deviation = {3.236028, 4.62386, 5.720543, 6.671242};
  for (std::size_t h = 0; h < 4; ++h) {
    const double k = static_cast<double>(h + 1);
    CHECK_THAT(fit.last + k * fit.drift, WithinRel(mean[h], 1e-7));
    // It divides the squares by the number of changes, 47, which is biased.
    CHECK_THAT(std::sqrt(46.0 / 47 * fit.variance * k * (1 + k / fit.cells)),
               WithinRel(deviation[h], 1e-6));
  }
}

TEST_CASE("filled: inner gaps are interpolated, the ends cut", "[forecast][baselines]") {
  const std::vector<double> x = {missing, 1, missing, missing, 7, 8, missing};
  const Filled f = filled(x, 3, "test");
  CHECK(f.values == std::vector<double>{1, 3, 5, 7, 8});
  CHECK(f.after == 1);
  CHECK_THROWS_AS(filled(x, 4, "test"), ArgumentError);
}

TEST_CASE("classical indices: exact on a line with a season", "[forecast][baselines]") {
  const std::vector<double> odd = {-2, 0.5, 1.5}, even = {-3, 1, 4, -2};
  for (const auto& pattern : {odd, even}) {
    const Index m = std::ssize(pattern);
    std::vector<double> x;
    for (Index t = 0; t < 5 * m + 1; ++t)
      x.push_back(7 + 0.5 * static_cast<double>(t) + pattern[static_cast<std::size_t>(t % m)]);
    const SeasonalIndices found = classical_indices(x, m, false);
    for (Index k = 0; k < m; ++k)
      CHECK_THAT(found.of(k), WithinAbs(pattern[static_cast<std::size_t>(k)], 1e-12));
    CHECK_THROWS_AS(classical_indices(std::span(x).first(pattern.size()), m, false), ArgumentError);
  }
  const std::vector<double> factors = {1, 3, 1, 3, 1, 3, 1};  // about their mean, 2
  CHECK(classical_indices(factors, 2, true).index == std::vector<double>{0.5, 1.5});
}

TEST_CASE("seasonal: finds a season and none in noise", "[forecast][baselines]") {
  CHECK(seasonal(yearly(), 12));
  CHECK(seasonal_indices(yearly(), 12).multiplicative);
  CHECK_FALSE(seasonal_indices(yearly(-60), 12).multiplicative);  // not all are positive
  CHECK_FALSE(seasonal(std::vector<double>(50, 3.0), 7));
  CHECK_FALSE(seasonal(std::span<const double>(yearly()).first(23), 12));
  // A line: r(6) = 0.56 is beyond white noise's 0.26, but within 0.69 of one as correlated before.
  std::vector<double> line;
  for (int t = 0; t < 40; ++t) line.push_back(t);
  CHECK_FALSE(seasonal(line, 6));
  // Two-sided at 5 % each: 10 % of white noise is taken for seasonal.
  const Index n = 400;
  double found = 0;
  const auto noise = Rng(8).normal<double>({n, 120});
  for (Index i = 0; i < n; ++i)
    found += seasonal(std::span(noise.data() + 120 * i, std::size_t{120}), 6);
  CHECK(found < 0.1 * 400 + 4 * std::sqrt(400 * 0.09));
  CHECK(found > 0.1 * 400 - 6 * std::sqrt(400 * 0.09));
}

namespace {
/// The mean of theta's paths, which is linear in the errors: a path without them.
std::vector<double> theta_points(std::vector<double> x, Index season, Index horizon,
                                 ThetaKind kind = ThetaKind::standard) {
  const SeasonalIndices indices = seasonal_indices(x, season);
  for (std::size_t t = 0; t < x.size(); ++t) x[t] = indices.remove(x[t], static_cast<Index>(t));
  const ThetaModel model = fit_theta(x, kind);
  std::vector<double> out;
  double level = model.level;
  for (Index h = 0; h < horizon; ++h) {
    const double v = level + model.line(model.size + h);
    level = model.alpha * v + (1 - model.alpha) * level;
    out.push_back(indices.restore(v, model.size + h));
  }
  return out;
}

/// 48 values along a parabola: half of a line is too little.
std::vector<double> bent() {
  std::vector<double> x;
  for (int t = 0; t < 48; ++t) x.push_back(0.02 * t * t + 3 * std::sin(1.7 * t));
  return x;
}

/// The squares of the errors from t = 3 of a model, by the recursion as it is written down.
double theta_squares(const std::vector<double>& x, const ThetaModel& m) {
  double level = m.first, sum = 0;
  for (std::size_t t = 0; t < x.size(); ++t) {
    const double left = std::pow(1 - m.alpha, static_cast<double>(t));
    const double e =
        x[t] - level -
        m.share * (left * m.intercept + (1 - left * (1 - m.alpha)) / m.alpha * m.slope);
    if (t >= 3) sum += e * e;
    level = m.alpha * x[t] + (1 - m.alpha) * level;
  }
  return sum;
}
}  // namespace

TEST_CASE("theta: statsforecast 2.1.1", "[forecast][baselines]") {
  const std::vector<double> of_wavy = {33.401875, 33.535154, 33.668433,
                                       33.801712, 33.934991, 34.06827},
                            of_yearly = {83.568422, 98.309006, 106.94898,
                                         111.80444, 109.11648, 100.40416},
                            of_shifted = {21.893335, 33.692254, 40.817749,
                                          44.740225, 42.766914, 35.781751};
  const auto a = theta_points(wavy(), 1, 6), b = theta_points(yearly(), 12, 6),
             c = theta_points(yearly(-60), 12, 6);
  for (std::size_t h = 0; h < 6; ++h) {  // its Nelder-Mead stops at 1e-4 of alpha
    CHECK_THAT(a[h], WithinRel(of_wavy[h], 1e-3));
    CHECK_THAT(b[h], WithinRel(of_yearly[h], 1e-3));
    CHECK_THAT(c[h], WithinRel(of_shifted[h], 1e-3));
  }
}

TEST_CASE("theta: statsforecast 2.1.1, optimised", "[forecast][baselines]") {
  const std::vector<double> of_wavy = {33.922135, 34.187972, 34.453809,
                                       34.719647, 34.985484, 35.251321},
                            of_bent = {42.97005,  43.903429, 44.836809,
                                       45.770188, 46.703568, 47.636947};
  const auto a = theta_points(wavy(), 1, 6, ThetaKind::optimised),
             b = theta_points(bent(), 1, 6, ThetaKind::optimised);
  for (std::size_t h = 0; h < 6; ++h) {  // its Nelder-Mead stops at 1e-4, its theta at 369 and 1e4
    CHECK_THAT(a[h], WithinRel(of_wavy[h], 1e-3));
    CHECK_THAT(b[h], WithinRel(of_bent[h], 1e-3));
  }
}

TEST_CASE("theta: no first level, share or alpha make the errors less", "[forecast][baselines]") {
  // Values that go on by half of what their line says, and some beyond: a share between 0 and 1.
  auto half = wavy();
  for (std::size_t t = 0; t < half.size(); ++t)
    half[t] += 4 * std::sin(0.2 * static_cast<double>(t));
  const auto check = [](const std::vector<double>& x, ThetaKind kind) {
    const ThetaModel fit = fit_theta(x, kind);
    const double least = theta_squares(x, fit);
    CHECK_THAT(fit.variance, WithinRel(least / 43, 1e-9));
    for (const double d : {-0.05, -0.001, 0.001, 0.05, 0.3}) {
      ThetaModel other = fit;
      other.first += d;
      CHECK(theta_squares(x, other) > least);
      other = fit, other.alpha += d;
      if (other.alpha > 0.1 && other.alpha < 0.99) CHECK(theta_squares(x, other) > least);
      other = fit, other.share += d;
      if (kind == ThetaKind::optimised && other.share < 1) CHECK(theta_squares(x, other) > least);
    }
    return fit.share;
  };
  CHECK(check(wavy(), ThetaKind::standard) == 0.5);
  CHECK(check(bent(), ThetaKind::optimised) == 1);
  const double inner = check(half, ThetaKind::optimised);
  CHECK((inner > 0.05 && inner < 0.95));
}

TEST_CASE("theta: is optimised where that is worth a parameter", "[forecast][baselines]") {
  const ThetaModel free = fit_theta(bent(), ThetaKind::optimised), two = fit_theta(bent());
  CHECK(45 * std::log(free.variance / two.variance) < -2);
  CHECK(choose_theta(bent()).share == free.share);
  auto level = wavy();
  for (std::size_t t = 0; t < level.size(); ++t) level[t] -= 0.3 * static_cast<double>(t);
  CHECK(choose_theta(level).share == 0.5);
}

TEST_CASE("theta: mean and variance of paths, and cells missing at the end",
          "[forecast][baselines]") {
  auto x = wavy();
  const Index n = 20000, H = 4;
  const ThetaModel fit = choose_theta(x);
  const auto points =
      theta_points(x, 1, H, fit.share == 0.5 ? ThetaKind::standard : ThetaKind::optimised);
  const auto paths = theta_paths(x, {.horizon = H, .paths = n, .seasons = {1}}, Rng(2));
  for (Index h = 0; h < H; ++h) {
    const double count = static_cast<double>(n), mean = points[static_cast<std::size_t>(h)];
    const double variance = fit.variance * (1 + static_cast<double>(h) * fit.alpha * fit.alpha);
    double sum = 0, square = 0;
    for (Index p = 0; p < n; ++p) {
      sum += paths(p, h) / count;
      square += (paths(p, h) - mean) * (paths(p, h) - mean) / count;
    }
    CHECK_THAT(sum, WithinAbs(mean, 4 * std::sqrt(variance / count)));
    CHECK_THAT(square, WithinRel(variance, 4 * std::sqrt(2 / count)));
  }
  x.push_back(missing);
  const auto later = theta_paths(x, {.horizon = H - 1, .paths = 9, .seasons = {1}}, Rng(2));
  for (Index p = 0; p < 9; ++p)
    for (Index h = 0; h < H - 1; ++h) CHECK(later(p, h) == paths(p, h + 1));
}

TEST_CASE("theta: a line stays a line, and what it refuses", "[forecast][baselines]") {
  std::vector<double> line;
  for (int t = 0; t < 30; ++t) line.push_back(5 - 2.0 * t);
  const auto constant =
      theta_paths(std::vector<double>(30, 4.0), {.horizon = 3, .seasons = {7}}, Rng(1));
  for (const double v : constant) CHECK_THAT(v, WithinRel(4, 1e-9));
  CHECK_THAT(fit_theta(line).slope, WithinRel(-2, 1e-12));
  CHECK_THAT(fit_theta(line).intercept, WithinRel(7, 1e-12));
  CHECK_THROWS_AS(fit_theta(std::vector<double>{1, 2, 3, 4, 5}), ArgumentError);
  CHECK_THROWS_AS(fit_theta(std::vector<double>{1, 2, 3, 4, 5, missing}), NumericError);
  CHECK_THROWS_AS(theta_paths(line, {.horizon = 1, .seasons = {0}}, Rng(1)), ArgumentError);
  CHECK_THROWS_AS(
      theta_paths(std::vector<double>(7, 1e200), {.horizon = 1, .seasons = {1}}, Rng(1)),
      NumericError);
}

TEST_CASE("autoregression: statsmodels' yule_walker, and the order by AIC",
          "[forecast][baselines]") {
  auto x = wavy();
  for (std::size_t t = 0; t < x.size(); ++t) x[t] -= 0.3 * static_cast<double>(t);
  // 48 log(variance) + 2 order is 74.2, 64.0, 65.6, 61.6 for the orders 1 to 4.
  const std::vector<double> two = {-0.165829997, -0.472795863},
                            four = {-0.154185309, -0.300961765, 0.131902042, 0.342794791};
  const auto at_most_3 = fit_autoregression(x, 3), at_most_4 = fit_autoregression(x, 4);
  REQUIRE(at_most_3.weights.size() == 2);
  REQUIRE(at_most_4.weights.size() == 4);
  for (std::size_t k = 0; k < 2; ++k) CHECK_THAT(at_most_3.weights[k], WithinRel(two[k], 1e-7));
  for (std::size_t k = 0; k < 4; ++k) CHECK_THAT(at_most_4.weights[k], WithinRel(four[k], 1e-7));
  CHECK_THAT(at_most_3.variance, WithinRel(3.49163926 * 48 / 45, 1e-7));
  CHECK_THAT(at_most_4.variance, WithinRel(3.05661974 * 48 / 43, 1e-7));
  CHECK(at_most_3.last == std::vector<double>{x[47], x[46]});
}

TEST_CASE("autoregression: finds the process that made the values", "[forecast][baselines]") {
  const auto noise = Rng(11).normal<double>({4000});
  const Autoregression truth{{0.6, -0.3}, 5, 4, {5, 5}};
  std::vector<double> x(noise.begin(), noise.end());
  truth.simulate(x);
  const Autoregression fit = fit_autoregression(x, 2);
  REQUIRE(fit.weights.size() == 2);
  const double error = std::sqrt((1 - 0.3 * 0.3) / 4000);  // of both weights
  CHECK_THAT(fit.weights[0], WithinAbs(0.6, 4 * error));
  CHECK_THAT(fit.weights[1], WithinAbs(-0.3, 4 * error));
  CHECK_THAT(fit.variance, WithinRel(4, 4 * std::sqrt(2.0 / 4000)));
  CHECK_THAT(fit.mean, WithinAbs(5, 4 * 2 / 0.7 / std::sqrt(4000.0)));
}

TEST_CASE("autoregression: paths follow the recursion from the last values",
          "[forecast][baselines]") {
  const Autoregression a{{0.5, 0.25}, 10, 4, {14, 6}};
  std::vector<double> path = {1, 0, -1};
  a.simulate(path);
  // 10 + 0.5 * 4 - 0.25 * 4 + 2, then 10 + 0.5 * 3 + 0.25 * 4, then 10 + 0.5 * 2.5 + 0.25 * 3 - 2
  CHECK(path == std::vector<double>{13, 12.5, 10});
  for (const double v :
       autoregression_paths(std::vector<double>(30, 4.0), {.horizon = 3, .seasons = {7}}, Rng(1)))
    CHECK(v == 4);
  CHECK_THROWS_AS(fit_autoregression(path, 2), ArgumentError);
  CHECK_THROWS_AS(fit_autoregression(path, -1), ArgumentError);
  CHECK_THROWS_AS(fit_autoregression(std::vector<double>{1, missing, 3}, 1), NumericError);
  CHECK_THROWS_AS(fit_autoregression(std::vector<double>{1, 1e200, 3}, 1), NumericError);
  CHECK_THROWS_AS(autoregression_paths(path, {.horizon = 1, .seasons = {1}}, Rng(1)),
                  ArgumentError);
}

TEST_CASE("theta and autoregression: a pure season goes on at its phase, behind missing cells too",
          "[forecast][baselines]") {
  const std::vector<double> pattern = {7, 11, 14, 8};
  for (const double shift : {0.0, -12.0}) {  // by factors, and by terms
    std::vector<double> x;
    for (std::size_t t = 0; t < 41; ++t) x.push_back(pattern[t % 4] + shift);
    x.push_back(missing);
    for (const auto draw : {theta_paths, autoregression_paths}) {
      const auto paths = draw(x, {.horizon = 6, .paths = 3, .seasons = {4}}, Rng(1));
      // The variance is a difference of squares: its root keeps half the digits, 14 * 1.5e-8.
      for (Index p = 0; p < 3; ++p)
        for (Index h = 0; h < 6; ++h)
          CHECK_THAT(paths(p, h),
                     WithinAbs(pattern[static_cast<std::size_t>(42 + h) % 4] + shift, 1e-6));
    }
  }
}

TEST_CASE("all baselines: a y + b gives a paths + b, and a path does not depend on how many",
          "[forecast][baselines]") {
  std::vector<double> x, y;
  for (int t = 0; t < 60; ++t) {
    x.push_back(-20 + 0.25 * t + 4 * ((t * t * 7) % 11) / 11.0 + 3 * (t % 7 == 2));
    y.push_back(4 * x.back() + 32);
  }
  for (const Baseline& b : baselines) {
    INFO(b.name);
    const auto few = b.draw(x, {.horizon = 9, .paths = 5, .seasons = {7}}, Rng(1));
    const auto many = b.draw(x, {.horizon = 9, .paths = 40, .seasons = {7}}, Rng(1));
    const auto moved = b.draw(y, {.horizon = 9, .paths = 5, .seasons = {7}}, Rng(1));
    CHECK(many.rows(0, 5) == few);
    for (Index i = 0; i < few.size(); ++i) CHECK_THAT(moved[i], WithinRel(4 * few[i] + 32, 1e-9));
    CHECK_THROWS_AS(b.draw(x, {.horizon = 0, .seasons = {7}}, Rng(1)), ArgumentError);
    CHECK_THROWS_AS(b.draw(std::vector<double>{}, {.horizon = 1, .seasons = {7}}, Rng(1)),
                    ArgumentError);
  }
}

TEST_CASE("all baselines: finite paths of odd histories, or an ArgumentError",
          "[forecast][baselines]") {
  const auto noise = Rng(3).normal<double>({60});
  std::vector<std::vector<double>> odd = {{}, {missing}, std::vector<double>(50, missing)};
  for (const std::size_t n : {1u, 2u, 3u, 4u, 5u, 6u, 8u, 12u, 60u}) {
    odd.emplace_back(n, 3.25);  // constant
    auto& spike = odd.emplace_back(n, 0.0);
    spike[n / 2] = 7;
    auto& line = odd.emplace_back();
    for (std::size_t t = 0; t < n; ++t) line.push_back(1e9 - 0.5 * static_cast<double>(t));
    odd.emplace_back(noise.begin(), noise.begin() + static_cast<std::ptrdiff_t>(n));
  }
  std::vector<double> few(60, missing), grows, explodes, stuck(noise.begin(), noise.end());
  few[3] = few[20] = 1, few[33] = few[34] = 5, few[50] = 2, few[51] = 4, few[55] = 3;
  for (int t = 0; t < 60; ++t) {
    grows.push_back(std::exp(2.0 * t)), explodes.push_back((t % 2 ? -1 : 1) * std::exp(0.5 * t));
    if (t > 30) stuck[static_cast<std::size_t>(t)] = stuck[30];
  }
  for (auto& x : {few, grows, explodes, stuck}) odd.push_back(x);
  for (const Baseline& b : baselines)
    for (const auto& x : odd)
      for (const auto& seasons : {std::vector<Index>{}, {7}, {2, 24}}) {
        INFO(b.name << " of " << x.size() << " values");
        try {
          bool finite = true;
          const auto paths = b.draw(x, {.horizon = 30, .paths = 3, .seasons = seasons}, Rng(1));
          for (const double v : paths) finite = finite && std::isfinite(v);
          CHECK(finite);
        } catch (const ArgumentError& e) {
          CHECK(std::string(e.what()).size() > 20);
        }
      }
}

TEST_CASE("filled: gaps beside a season follow it", "[forecast][baselines]") {
  const std::vector<double> pattern = {7, 11, 14, 8};
  std::vector<double> x;
  for (std::size_t t = 0; t < 40; ++t) x.push_back(pattern[t % 4] + static_cast<double>(t));
  for (const std::size_t t : {9u, 22u, 23u, 39u}) x[t] = missing;
  const Filled f = filled(x, 4, 3, "test");
  CHECK(f.after == 1);
  for (std::size_t t = 0; t < 39; ++t)  // a straight line is off by 3 to 5 at 9, 22 and 23
    CHECK_THAT(f.values[t], WithinAbs(pattern[t % 4] + static_cast<double>(t), 0.05));
  CHECK(filled(std::span(x).first(7), 4, 3, "test").values ==
        filled(std::span(x).first(7), 3, "test").values);
}
