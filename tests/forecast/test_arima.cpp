// Covers: akaike arima arima_likelihood arima_model logarithms
#include "foglift/forecast/baselines/arima.hpp"
#include "reference_series.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <numbers>

#include <Eigen/Dense>

using namespace foglift;
using namespace foglift::forecast;

namespace {
const double missing = std::numeric_limits<double>::quiet_NaN();

ArimaFit fit_order(const std::vector<double>& x, const ArimaOrder& order,
                   ArimaFitting fitting = ArimaFitting::conditional) {
  const StandardUnits units(x);
  const auto z = units.to(x);
  ArimaFit fit = forecast::detail::ArimaSearch(z, z, order, fitting).fit(order);
  fit.location = units.location, fit.scale = units.scale;
  return fit;
}
std::vector<double> points(const ArimaFit& fit, std::size_t horizon) {
  std::vector<double> path(horizon);
  fit.model.simulate(path);  // normals of 0: no errors
  for (double& v : path) v = fit.location + fit.scale * v;
  return path;
}
void check_close(const std::vector<double>& a, const std::vector<double>& b, double relative) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) CHECK_THAT(a[i], WithinRel(b[i], relative));
}
}  // namespace

TEST_CASE("arima: least conditional squares of given orders, against statsforecast 2.1.1",
          "[forecast][arima]") {
  // ARIMA(method="CSS") prints six digits of the weights; its forecasts are those of "CSS-ML",
  // which leaves these weights as they are. Before the first error it sets others than 0, which
  // moves forecasts of moving averages by 2e-6.
  const ArimaFit two = fit_order(wavy(), {.p = 2, .d = 1});
  check_close(two.model.ar.weights, {-0.507662, -0.620658}, 1e-5);
  check_close(points(two, 6),
              {34.69072734, 35.73848831, 33.64466, 34.05731406, 35.14737612, 34.33787}, 1e-6);
  const ArimaFit drift = fit_order(wavy(), {.p = 2, .d = 1, .q = 1, .constant = true});
  check_close(drift.model.ar.weights, {-0.332695, -0.600932}, 1e-5);
  check_close(drift.model.ma.weights, {-0.797699}, 1e-5);
  CHECK_THAT(drift.model.mean * drift.scale, WithinRel(0.293875, 1e-5));
  check_close(points(drift, 6),
              {33.84963171, 36.11187963, 34.9206419, 34.52574778, 35.94122514, 36.2758519}, 1e-5);
  const ArimaFit twice = fit_order(wavy(), {.d = 2, .q = 1});
  check_close(twice.model.ma.weights, {-0.861607}, 1e-5);
  CHECK_THAT(twice.model.variance * twice.scale * twice.scale, WithinRel(13.97537516, 1e-6));
  const ArimaFit season =
      fit_order(yearly(), {.p = 1, .P = 1, .D = 1, .period = 12, .constant = true});
  check_close(season.model.ar.weights, {0.400362, -0.312247, 0.400362 * 0.312247}, 1e-5);
  CHECK_THAT(season.model.mean * season.scale, WithinRel(12 * 0.483787, 1e-5));
  check_close(points(season, 6),
              {84.87939868, 97.76390759, 106.80621189, 110.74554502, 107.80394801, 102.0910576},
              1e-6);
  const ArimaFit airline = fit_order(yearly(), {.d = 1, .q = 1, .D = 1, .Q = 1, .period = 12});
  check_close(airline.model.ma.weights, {-0.928085, -0.058967, 0.928085 * 0.058967}, 1e-5);
  CHECK_THAT(airline.model.variance * airline.scale * airline.scale, WithinRel(6.225565845, 1e-6));
}

TEST_CASE("arima: the exact likelihood is that of a dense covariance", "[forecast][arima]") {
  // Covariances by the weights psi of past errors, whose squares decay below 1e-16 before lag 800;
  // likelihood, mean and what is expected next by Cholesky's factors of all of it.
  const auto w = wavy();
  const auto n = static_cast<Index>(w.size());
  const std::vector<double> none, p = {0.5, -0.2}, P = {0.3}, q = {0.4}, Q = {-0.3, 0.1};
  for (const Index m : {4, 12})
    for (const int kind : {0, 1, 2, 3, 4, 5}) {
      INFO(m << " " << kind);
      const auto ar = forecast::detail::product(kind % 2 ? p : none, kind > 2 ? P : none, m, -1);
      const auto ma = forecast::detail::product(kind != 3 ? q : none, kind % 3 ? Q : none, m, 1);
      std::vector<double> psi(2000);
      psi[0] = 1;
      for (std::size_t i = 0; i < ma.lags.size(); ++i)
        psi[static_cast<std::size_t>(ma.lags[i])] = ma.weights[i];
      for (std::size_t t = 1; t < psi.size(); ++t)
        for (std::size_t i = 0; i < ar.lags.size(); ++i)
          if (static_cast<std::size_t>(ar.lags[i]) <= t)
            psi[t] += ar.weights[i] * psi[t - static_cast<std::size_t>(ar.lags[i])];
      const Index H = 3;
      Eigen::MatrixXd all(n + H, n + H);
      for (Index i = 0; i < n + H; ++i)
        for (Index j = 0; j < n + H; ++j) {
          const auto lag = static_cast<std::size_t>(std::abs(i - j));
          all(i, j) = 0;
          for (std::size_t t = 0; t + lag < psi.size(); ++t) all(i, j) += psi[t] * psi[t + lag];
        }
      const Eigen::LLT<Eigen::MatrixXd> past(all.topLeftCorner(n, n));
      const Eigen::VectorXd y = Eigen::Map<const Eigen::VectorXd>(w.data(), n);
      const Eigen::VectorXd ones = Eigen::VectorXd::Ones(n), weighed = past.solve(ones);
      const double mean = weighed.dot(y) / weighed.dot(ones);
      const Eigen::VectorXd off = y - mean * ones, solved = past.solve(off);
      const Eigen::MatrixXd factor = past.matrixL();
      const double logs = 2 * factor.diagonal().array().log().sum();
      const auto count = static_cast<double>(n);
      const double expected =
          count * (std::log(2 * std::numbers::pi * off.dot(solved) / count) + 1) + logs;
      ArimaLikelihood likelihood(w);
      CHECK_THAT(likelihood(ar, ma, true), WithinRel(expected, 1e-10));
      CHECK_THAT(likelihood.mean(), WithinRel(mean, 1e-10));
      CHECK_THAT(likelihood.squares(), WithinRel(off.dot(solved), 1e-10));
      const Eigen::VectorXd next = all.bottomLeftCorner(H, n) * solved;
      for (Index h = 0; h < H; ++h) {
        const auto at = static_cast<std::size_t>(h);
        const double ahead = at < likelihood.ahead().size() ? likelihood.ahead()[at] : 0;
        if (at < likelihood.ahead().size()) CHECK_THAT(ahead, WithinAbs(next[h], 1e-9));
      }
    }
  ArimaLikelihood likelihood(w);
  CHECK_THROWS_AS(likelihood({{1}, {1.0}}, {}, false), NumericError);
}

TEST_CASE("arima: the exact likelihood is statsmodels 0.15's", "[forecast][arima]") {
  // SARIMAX(concentrate_scale=True).loglike at numbers that are given
  auto w = wavy();
  for (double& v : w) v -= 27;
  ArimaLikelihood given(w);
  CHECK_THAT(given(forecast::detail::product(std::vector<double>{0.5, -0.2},
                                             std::vector<double>{0.3}, 4, -1),
                   forecast::detail::product(std::vector<double>{0.4},
                                             std::vector<double>{-0.3, 0.1}, 4, 1),
                   false),
             WithinRel(253.76110009451673, 1e-9));
  // and its fits, by L-BFGS and then Nelder & Mead, of the differenced series.
  const ArimaFit two = fit_order(wavy(), {.p = 2, .d = 1}, ArimaFitting::exact);
  check_close(two.model.ar.weights, {-0.538986, -0.6540305}, 1e-4);
  auto ahead = points(two, 4);
  for (std::size_t h = 4; h-- > 0;) ahead[h] -= h ? ahead[h - 1] : wavy().back();
  check_close(ahead, {2.6669674, 1.0129006, -2.2902172, 0.5719271}, 2e-4);
  const ArimaFit season = fit_order(
      yearly(), {.p = 1, .P = 1, .D = 1, .period = 12, .constant = true}, ArimaFitting::exact);
  check_close(season.model.ar.weights, {0.3068375, -0.2831738, 0.3068375 * 0.2831738}, 2e-4);
  CHECK_THAT(season.model.mean * season.scale,
             WithinRel(5.1655153 / (1 - 0.3068375) / (1 + 0.2831738), 1e-4));
  ahead = points(season, 4);
  for (std::size_t h = 0; h < 4; ++h) ahead[h] -= yearly()[60 + h];
  check_close(ahead, {6.5084338, 5.2983868, 6.026029, 5.0829566}, 2e-4);
  // Minus twice the logarithm of the likelihood of 60 values in units of the series' deviation.
  CHECK_THAT(season.aicc + 2 * 60 * std::log(season.scale) - 2 * 4 * 60 / 55.0,
             WithinRel(267.2370954019612, 1e-7));
}

TEST_CASE("arima: orders by steps, and models that are as likely", "[forecast][arima]") {
  // statsforecast 2.1.1's AutoARIMA has (2,1,1) with drift and (1,0,0)(1,1,0)[12] with drift.
  const auto level = fit_arimas(wavy(), 1);
  CHECK(level[0].model.order.name() == "(2,1,1) + c");
  CHECK(fit_arima(yearly(), 12).model.order.name() == "(1,0,0)(1,1,0)[12] + c");
  for (std::size_t k = 1; k < level.size(); ++k) {
    CHECK(level[k].aicc >= level[k - 1].aicc);
    CHECK(level[k].aicc <= level[0].aicc + 10);
    for (std::size_t j = 0; j < k; ++j) CHECK(level[k].model.order != level[j].model.order);
  }
  // Of more than 150 values the exact likelihood comes last: the numbers of fit() by it.
  std::vector<double> longer;
  for (int t = 0; t < 200; ++t)
    longer.push_back(std::sin(1.7 * t) + std::sin(0.9 * t * t) + std::sin(0.07 * t));
  const ArimaFit best = fit_arima(longer, 1);
  CHECK(best.aicc == fit_order(longer, best.model.order, ArimaFitting::exact).aicc);
}

TEST_CASE("akaike: weights, and paths by them", "[forecast][arima]") {
  const auto w = akaike_weights(std::vector<double>{7, 5, 1000});
  CHECK_THAT(w[0], WithinRel(std::exp(-1) / (1 + std::exp(-1)), 1e-12));
  CHECK_THAT(w[0] + w[1], WithinRel(1, 1e-12));
  const double never = std::numeric_limits<double>::infinity();
  CHECK(akaike_weights(std::vector<double>{never, never}) == std::vector<double>{0.5, 0.5});
  CHECK(akaike_weights({}).empty());
  struct Fit {
    double aicc = 0, value = 0;
  };
  std::vector<Fit> fits = {{missing, 5}, {12.1, 1}, {2, 2}, {4, 3}, {never, 4}};
  forecast::detail::keep_likely(fits);
  REQUIRE(fits.size() == 2);
  CHECK(fits[0].value == 2);
  const auto draw = [&](Index paths) {
    return forecast::detail::likely_paths(fits, {.horizon = 2, .paths = paths}, Rng(1), 1,
                                          [](const Fit& fit, std::span<double> path) {
                                            CHECK(path.size() == 3);
                                            for (double& v : path) v = fit.value;
                                          });
  };
  const auto all = draw(200), some = draw(20);
  double third = 0;
  for (Index p = 0; p < 200; ++p) third += all(p, 1) == 3;
  CHECK_THAT(third, WithinAbs(200 * w[0], 3));  // the golden ratio's multiples are that even
  for (Index p = 0; p < 20; ++p) CHECK(some(p, 0) == all(p, 0));
}

TEST_CASE("arima: the gradient is that of differences, unknown cells included",
          "[forecast][arima]") {
  const auto w = wavy();
  std::vector<bool> known(w.size(), true);
  known[0] = known[20] = known[21] = false;
  ArimaSquares squares(w, known);
  std::vector<double> a = {0.5, -0.2}, A = {0.3}, b = {0.4}, B = {-0.3, 0.1};
  double mean = 21;
  const auto at = [&] {
    return squares(forecast::detail::product(a, A, 4, -1), forecast::detail::product(b, B, 4, 1),
                   mean);
  };
  at();
  const auto ar = forecast::detail::product(a, A, 4, -1),
             ma = forecast::detail::product(b, B, 4, 1);
  std::vector<double> d_ar(ar.lags.size()), d_ma(ma.lags.size()), da(2), dA(1), db(1), dB(2);
  const double d_mean = squares.gradient(ar, ma, d_ar, d_ma);
  forecast::detail::pull_product(d_ar, a, A, -1, da, dA);
  forecast::detail::pull_product(d_ma, b, B, 1, db, dB);
  const auto check = [&](double& number, double derivative) {
    const double here = number;
    number = here + 1e-5;
    const double above = at();
    number = here - 1e-5;
    CHECK_THAT((above - at()) / 2e-5, WithinRel(derivative, 1e-6));
    number = here;
  };
  check(a[0], da[0]), check(a[1], da[1]), check(A[0], dA[0]), check(b[0], db[0]);
  check(B[0], dB[0]), check(B[1], dB[1]), check(mean, d_mean);
}

TEST_CASE("arima: paths by hand, through differences and a season", "[forecast][arima]") {
  // (1 - B)(1 - B^2) y = w, w = 0.5 w[-1] + e + 0.25 e[-1], variance 4.
  ArimaModel m;
  m.order = {.p = 1, .d = 1, .q = 1, .D = 1, .period = 2};
  m.ar = {{1}, {0.5}}, m.ma = {{1}, {0.25}}, m.variance = 4;
  m.sum = forecast::detail::integration(m.order);
  CHECK(m.sum.lags == std::vector<Index>{1, 2, 3});
  CHECK(m.sum.weights == std::vector<double>{1, 1, -1});
  m.values = {1, 5, 3}, m.past = {2}, m.carried = {1};  // 0.25 of an error of 4
  std::vector<double> path = {1, -1};
  m.simulate(path);
  // e = 2, w = 1 + 2 + 1 = 4, y = 4 + 3 + 5 - 1; then e = -2, w = 2 - 2 + 0.5, y = 0.5 + 11 + 3 - 5
  CHECK(path == std::vector<double>{11, 9.5});
}

TEST_CASE("arima: roots inside of the circle are seen", "[forecast][arima]") {
  using forecast::detail::roots_beyond;
  CHECK(roots_beyond(std::vector<double>{0.9}, 1.01));
  CHECK_FALSE(roots_beyond(std::vector<double>{0.995}, 1.01));
  // 1 - w1 z - w2 z^2 with roots r e^(+- i): w1 = 2 cos(1) / r, w2 = -1 / r^2.
  for (const double r : {0.95, 1.05})
    CHECK(roots_beyond(std::vector<double>{2 * std::cos(1) / r, -1 / (r * r)}, 1.01) == (r > 1.01));
}

TEST_CASE("kpss: statsmodels 0.15, and the strength of seasons", "[forecast][arima]") {
  // kpss(x, regression="c", nlags=int(3 * sqrt(n) / 13))
  CHECK_THAT(kpss(wavy()), WithinRel(2.146580949135323, 1e-10));
  CHECK_THAT(kpss(yearly()), WithinRel(1.0476259783724988, 1e-10));
  CHECK_THAT(kpss(forecast::detail::differences(wavy(), 1)),
             WithinRel(0.017911523833730698, 1e-10));
  CHECK(kpss(std::vector<double>(20, 3.0)) == 0);
  CHECK(seasonal_strength(yearly(), 12) > 0.95);  // squares of 2 sin and of 20 sin
  const auto noise = Rng(3).normal<double>({20, 120});
  for (Index i = 0; i < 20; ++i)
    CHECK(seasonal_strength(std::span(noise.data() + 120 * i, std::size_t{120}), 12) < 0.64);
}

TEST_CASE("arima: gaps, zeros, few values and none", "[forecast][arima]") {
  auto x = yearly();
  const auto whole = points(fit_arima(x, 12), 12);
  for (const std::size_t t : {9u, 30u, 31u, 50u, 71u}) x[t] = missing;
  ArimaFit fit = fit_arima(x, 12);
  const auto gaps = points(fit, 13);    // from cell 71 on
  for (std::size_t h = 0; h < 12; ++h)  // deviations of the forecasts are 2.3 to 3.5
    CHECK_THAT(gaps[h + 1], WithinAbs(whole[h], 5));
  std::vector<double> zeros(60), flat(30, 4.5);
  zeros[7] = zeros[20] = zeros[44] = 5;
  for (const auto& v : {zeros, flat, std::vector<double>{missing, 3, 4, missing, 4, 5, 3}})
    for (const double y : arima_paths(v, {.horizon = 40, .seasons = {7}}, Rng(1)))
      CHECK(std::isfinite(y));
  CHECK_THAT(arima_paths(flat, {.horizon = 1}, Rng(1))(0, 0), WithinAbs(4.5, 1e-7));
  CHECK_THROWS_AS(arima_paths(std::span(flat).first(4), {}, Rng(1)), ArgumentError);
  CHECK_THROWS_AS(arima_paths(std::vector<double>(9, 1e200), {}, Rng(1)), NumericError);
}

TEST_CASE("spread: logarithms where it follows the level, and only there", "[forecast][arima]") {
  std::vector<double> grows, shifted, even, falls, slow, by_turns;
  const auto noise = Rng(4).normal<double>({120});
  for (int t = 0; t < 120; ++t) {
    const double wave = 0.2 * std::sin(std::numbers::pi * t / 6) + 0.05 * noise[t];
    grows.push_back(std::exp(0.01 * t + wave)), shifted.push_back(grows.back() - 2);
    even.push_back(10 + 0.1 * t + wave);
    falls.push_back(10 + 0.1 * t + wave * std::exp(-0.01 * t));
    slow.push_back(std::exp(0.01 * t) +
                   0.2 * std::sin(std::numbers::pi * t / 6) * std::exp(0.003 * t));
    by_turns.push_back(std::exp(0.01 * t) * (1 + (t / 12 % 2 ? 2 : 0.1) * wave));
  }
  CHECK(spread_follows_level(grows, 12));
  grows[40] = grows[41] = missing;
  CHECK(spread_follows_level(grows, 12));
  CHECK_FALSE(spread_follows_level(shifted, 12));  // not all are positive
  CHECK_FALSE(spread_follows_level(even, 12));
  CHECK_FALSE(spread_follows_level(falls, 12));
  CHECK_FALSE(spread_follows_level(slow, 12));
  CHECK_FALSE(spread_follows_level(by_turns, 12));
  CHECK_FALSE(spread_follows_level(std::span(grows).first(60), 12));  // five blocks
  for (const double v : arima_paths(grows, {.horizon = 60, .seasons = {12}}, Rng(1))) CHECK(v > 0);
}
