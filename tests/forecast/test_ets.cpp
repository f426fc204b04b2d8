// Covers: ets ets_model minimize standard_units
#include "foglift/forecast/baselines/ets.hpp"
#include "reference_series.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <numbers>

using namespace foglift;
using namespace foglift::forecast;

namespace {
const double missing = std::numeric_limits<double>::quiet_NaN();
using Trend = EtsForm::Trend;
using Season = EtsForm::Season;

/// The model of given numbers that print_baselines.py asks statsmodels about.
EtsModel given(const EtsForm& form) {
  EtsModel m{form, 0.4, 0.1 * form.trended(), 0.2 * form.seasonal(), 1, {50, 0, {}}, 0};
  if (form.trended()) m.start.slope = 0.5;
  if (form.trend == Trend::damped) m.phi = 0.95;
  for (int k = 0; k < 12 && form.seasonal(); ++k) {
    const double wave = 0.3 * std::sin(std::numbers::pi * k / 6);
    m.start.season.push_back(form.season == Season::additive ? 50 * wave : 1 + wave);
  }
  return m;
}
std::vector<double> points(const EtsModel& model, const EtsState& last, std::size_t horizon) {
  std::vector<double> path(horizon);
  model.simulate(last, path);  // normals of 0: no errors
  return path;
}
std::vector<double> points(const EtsFit& fit, std::size_t horizon) {
  auto path = points(fit.model, fit.last, horizon);
  for (double& v : path) v = fit.location + fit.scale * v;
  return path;
}
}  // namespace

TEST_CASE("ets: likelihood and forecasts of given numbers are statsmodels 0.15's",
          "[forecast][ets]") {
  struct Case {
    EtsForm form;
    double minus_two_log_likelihood;
    std::vector<double> forecasts;
  };
  const std::vector<Case> cases = {
      {{}, 573.406183, std::vector<double>(6, 68.9129895)},
      {{false, Trend::additive, Season::additive, 12},
       414.4641623,
       {80.4479103, 89.2435105, 93.1102724, 93.2684042, 88.1020332, 78.6091069}},
      {{true, Trend::damped, Season::additive, 12}, 399.6319337, {}},
      {{true, Trend::none, Season::additive, 12},
       373.1905276,
       {81.1467589, 91.1191295, 96.5469358, 98.5390217, 95.2888914, 87.6238105}}};
  const auto x = yearly();
  for (const Case& c : cases) {
    INFO(c.form.name());
    EtsLikelihood likelihood(x);
    const EtsModel m = given(c.form);
    // It adds n (log(2 pi / n) + 1).
    CHECK_THAT(likelihood(m) + 72 * (std::log(2 * std::numbers::pi / 72) + 1),
               WithinRel(c.minus_two_log_likelihood, 1e-9));
    const auto found = points(m, likelihood.last(), 6);
    for (std::size_t h = 0; h < c.forecasts.size(); ++h)
      CHECK_THAT(found[h], WithinRel(c.forecasts[h], 1e-8));
  }
}

TEST_CASE("ets: a multiplicative season is statsforecast 2.1.1's, numbers given",
          "[forecast][ets]") {
  // What AutoETS(season_length=12, model="MAM", damped=True) says of the series. statsmodels
  // differs here: its season follows y over the new level.
  const EtsModel m{{true, Trend::damped, Season::multiplicative, 12},
                   3.31037544e-02,
                   1e-4,
                   2.48287072e-02,
                   9.79923978e-01,
                   {47.3102054,
                    0.881765642,
                    {0.987539119, 1.15788683, 1.24338895, 1.30427453, 1.26448308, 1.15330316,
                     0.988097228, 0.840736218, 0.758485065, 0.699439955, 0.745056429, 0.85730944}},
                   0};
  const auto x = yearly();
  EtsLikelihood likelihood(x);
  CHECK_THAT(likelihood(m), WithinRel(2 * 213.499288827234, 1e-7));
  // Further ones lean on phi + phi + phi^2 there, where the slope has become phi + phi^2 + phi^3.
  CHECK_THAT(points(m, likelihood.last(), 1)[0], WithinRel(80.41750751, 1e-7));
}

TEST_CASE("ets: the gradient is that of differences, gaps included", "[forecast][ets]") {
  auto x = yearly();
  x[3] = x[40] = x[41] = missing;
  for (const EtsForm& form : ets_forms(x, std::vector<Index>{12})) {
    INFO(form.name());
    EtsLikelihood likelihood(x);
    EtsModel m = given(form);
    likelihood(m);
    const EtsModel d = likelihood.half_gradient(m);
    const auto check = [&](double& number, double derivative) {
      const double at = number, step = 1e-5 * std::max(1.0, std::abs(at));
      number = at + step;
      const double above = likelihood(m);
      number = at - step;
      const double below = likelihood(m);
      number = at;
      // Rounding of some hundred over twice the step, and the third derivative.
      CHECK_THAT((above - below) / (4 * step),
                 WithinRel(derivative, 1e-5) || WithinAbs(derivative, 1e-6));
    };
    check(m.alpha, d.alpha);
    check(m.start.level, d.start.level);
    if (form.trended()) check(m.beta, d.beta), check(m.start.slope, d.start.slope);
    if (form.trend == Trend::damped) check(m.phi, d.phi);
    if (!form.seasonal()) continue;
    check(m.gamma, d.gamma);
    for (const std::size_t k : {0u, 4u, 11u}) check(m.start.season[k], d.start.season[k]);
  }
}

TEST_CASE("ets: fitted forms against statsforecast 2.1.1", "[forecast][ets]") {
  struct Case {
    EtsForm form;
    double aicc;
    std::vector<double> forecasts;  // none where its search stops far from the optimum
  };
  const std::vector<Case> level = {
      {{}, 281.8852, std::vector<double>(6, 33.4184)},
      {{true}, 283.2287, std::vector<double>(6, 33.2934)},
      {{false, Trend::additive}, 267.721, {33.7616, 34.0283, 34.2949, 34.5616, 34.8283, 35.095}},
      {{true, Trend::additive}, 268.7122, {33.6268, 33.8884, 34.15, 34.4116, 34.6732, 34.9348}}};
  const std::vector<Case> season = {
      {{false, Trend::none, Season::additive, 12}, 478.8887, {}},  // ours is 459.480
      {{true, Trend::none, Season::multiplicative, 12}, 500.9709, {}},
      {{true, Trend::additive, Season::multiplicative, 12},
       399.1578,
       {84.2668, 99.4733, 107.864, 113.531, 110.86, 101.293}}};
  for (const auto& [x, cases] : {std::pair(wavy(), level), std::pair(yearly(), season)})
    for (const Case& c : cases) {
      INFO(c.form.name());
      const EtsFit fit = fit_ets(x, c.form);
      CHECK(fit.aicc < c.aicc + 1e-4);  // its last printed digit
      if (!c.forecasts.empty() && c.form.period == 1) CHECK(fit.aicc > c.aicc - 1e-3);
      const auto found = points(fit, 6);
      for (std::size_t h = 0; h < c.forecasts.size(); ++h)
        CHECK_THAT(found[h], WithinRel(c.forecasts[h], 1e-3));
    }
  CHECK(fit_ets(wavy(), std::vector<Index>{}).model.form.name() == "AAN");
  CHECK(fit_ets(yearly(), std::vector<Index>{12}).model.form.name() == "MAM");
}

TEST_CASE("ets: paths have the variance of the model, and missing cells at the end are passed",
          "[forecast][ets]") {
  auto x = wavy();
  const Index n = 20000, H = 3;
  const EtsFit fit = fit_ets(x, std::vector<Index>{});
  const auto paths = forecast::detail::ets_paths_of({fit}, {.horizon = H, .paths = n}, Rng(2));
  const auto mean = points(fit, static_cast<std::size_t>(H));
  const double a = fit.model.alpha, b = fit.model.beta;
  double variance = fit.scale * fit.scale * fit.model.variance;
  const double one = variance;
  for (Index h = 0; h < H; ++h) {  // Hyndman et al. 2008, table 6.1: 1 + sum of (alpha + beta j)^2
    if (h > 0) variance += one * std::pow(a + b * static_cast<double>(h), 2);
    const auto count = static_cast<double>(n);
    double sum = 0, square = 0;
    for (Index p = 0; p < n; ++p) {
      const double e = paths(p, h) - mean[static_cast<std::size_t>(h)];
      sum += e / count, square += e * e / count;
    }
    CHECK_THAT(sum, WithinAbs(0, 4 * std::sqrt(variance / count)));
    CHECK_THAT(square, WithinRel(variance, 4 * std::sqrt(2 / count)));
  }
  EtsLikelihood to_end(x);
  EtsModel m = given({false, Trend::damped, Season::additive, 12});
  to_end(m);
  const auto later = points(m, to_end.last(), 4);
  x.push_back(missing);
  EtsLikelihood behind(x);
  CHECK(behind(m) == to_end(m));
  CHECK(points(m, behind.last(), 3) == std::vector<double>(later.begin() + 1, later.end()));
}

TEST_CASE("ets: forms that are as likely are drawn from, too", "[forecast][ets]") {
  const auto fits = fit_ets_forms(wavy(), std::vector<Index>{});
  REQUIRE(fits.size() > 1);
  std::vector<double> criterion;
  for (const EtsFit& fit : fits) criterion.push_back(fit.aicc);
  CHECK(std::is_sorted(criterion.begin(), criterion.end()));
  CHECK(criterion.back() <= criterion.front() + 10);
  const auto weights = akaike_weights(criterion);
  const Index n = 20000;
  const auto paths = ets_paths(wavy(), {.horizon = 1, .paths = n}, Rng(2));
  double expected = 0, second = 0, mean = 0;
  for (std::size_t k = 0; k < fits.size(); ++k) {
    const double at = points(fits[k], 1)[0];
    const double deviation = std::sqrt(fits[k].model.variance) *
                             (fits[k].model.form.multiplicative_error ? at : fits[k].scale);
    expected += weights[k] * at, second += weights[k] * (at * at + deviation * deviation);
  }
  for (const double v : paths) mean += v / static_cast<double>(n);
  CHECK_THAT(mean, WithinAbs(expected, 4 * std::sqrt((second - expected * expected) /
                                                     static_cast<double>(n))));
}

TEST_CASE("ets: what is constant, short, or of zeros", "[forecast][ets]") {
  const std::vector<double> flat(30, 4.5),
      gap = {missing, 3, missing, missing, 4, 5, 4, 5, missing};
  for (const double v : ets_paths(flat, {.horizon = 3, .seasons = {7}}, Rng(1)))
    CHECK_THAT(v, WithinAbs(4.5, 1e-7));
  for (const double v : ets_paths(gap, {.horizon = 3, .seasons = {7}}, Rng(1)))
    CHECK(std::isfinite(v));
  std::vector<double> zeros(60);
  zeros[7] = zeros[20] = zeros[44] = 5;
  for (const double v : ets_paths(zeros, {.horizon = 30, .seasons = {7}}, Rng(1)))
    CHECK(std::isfinite(v));
  const std::vector<double> four = {1, missing, 2, 4, 3};
  CHECK_THROWS_AS(ets_paths(four, {.horizon = 1}, Rng(1)), ArgumentError);
  CHECK_THROWS_AS(ets_paths(std::vector<double>(9, 1e200), {.horizon = 1}, Rng(1)), NumericError);
  CHECK_THROWS_AS(fit_ets(zeros, EtsForm{true}), ArgumentError);
  zeros.resize(20);
  CHECK_THROWS_AS(fit_ets(zeros, EtsForm{false, Trend::none, Season::additive, 12}), ArgumentError);
}

TEST_CASE("minimize: Rosenbrock's valley, and a domain that ends", "[forecast][ets]") {
  std::vector<double> x = {-1.2, 1};
  const double least = forecast::detail::minimize(
      [](const std::vector<double>& v, std::vector<double>& g) {
        const double a = v[1] - v[0] * v[0], b = 1 - v[0];
        g = {-400 * v[0] * a - 2 * b, 200 * a};
        return 100 * a * a + b * b;
      },
      x, 1e-14);
  CHECK(least < 1e-12);
  CHECK_THAT(x[0], WithinAbs(1, 1e-5));
  CHECK_THAT(x[1], WithinAbs(1, 1e-5));
  std::vector<double> y = {50};  // v - log v, whose steps lead beyond 0
  forecast::detail::minimize(
      [](const std::vector<double>& v, std::vector<double>& g) {
        g = {1 - 1 / v[0]};
        return v[0] > 0 ? v[0] - std::log(v[0]) : missing;
      },
      y, 1e-12);
  CHECK_THAT(y[0], WithinAbs(1, 1e-5));
}

TEST_CASE("standard units: a y + b comes to the same numbers", "[forecast][ets]") {
  const auto x = wavy();
  std::vector<double> y;
  for (const double v : x) y.push_back(0.37 * v + 1234.5);
  CHECK(StandardUnits(x).to(x) == StandardUnits(y).to(y));
  CHECK_THAT(StandardUnits(x).from(StandardUnits(x).to(x[5])), WithinRel(x[5], 1e-9));
  CHECK(StandardUnits(std::vector<double>(7, 0.1)).scale == 1);
}
