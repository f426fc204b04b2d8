// Covers: point calibration multivariate
#include "foglift/core/rng.hpp"
#include "foglift/forecast/score/calibration.hpp"
#include "foglift/forecast/score/multivariate.hpp"
#include "foglift/forecast/score/point.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <limits>

using namespace foglift;
using namespace foglift::forecast;

namespace {

constexpr Index W = 3, S = 6, H = 4, K = 2;

/// Whole numbers from -4 to 6 that other packages were given too, with ties: [W, S, H, K].
Tensor<double> paths_of_all_channels() {
  Tensor<double> x({W, S, H, K});
  for (Index w = 0; w < W; ++w)
    for (Index s = 0; s < S; ++s)
      for (Index h = 0; h < H; ++h)
        for (Index k = 0; k < K; ++k)
          x(w, s, h, k) =
              static_cast<double>((7 * w + 3 * s * s + 5 * h * (s + 1) + 2 * k * (s + 2)) % 11) - 4;
  return x;
}
Tensor<double> actual_of_all_channels() {
  Tensor<double> y({W, H, K});
  for (Index w = 0; w < W; ++w)
    for (Index h = 0; h < H; ++h)
      for (Index k = 0; k < K; ++k)
        y(w, h, k) = static_cast<double>((5 * w + 2 * h + 3 * k) % 7) - 2;
  return y;
}
/// The first channel.
Tensor<double> first(const Tensor<double>& all) {
  Tensor<double> out(Shape(all.shape().begin(), static_cast<std::size_t>(all.rank() - 1)));
  for (Index i = 0; i < out.size(); ++i) out[i] = all[i * K];
  return out;
}

const Tensor<double> all_paths = paths_of_all_channels(), all_actual = actual_of_all_channels();
const Tensor<double> paths = first(all_paths), actual = first(all_actual);

/// Sums of at most a hundred terms of at most 400 in size.
constexpr double rounding = 1e-11;

}  // namespace

TEST_CASE("scores: numbers of other packages", "[forecast][metrics]") {
  // scoringrules 0.10.0: es_ensemble (estimators nrg and fair), vs_ensemble, on windows of [S, H
  // K].
  CHECK_THAT(energy_score(all_paths, all_actual), WithinAbs(4.6572120580930765, rounding));
  CHECK_THAT(energy_score(all_paths, all_actual, Crps::fair),
             WithinAbs(3.6488114876961824, rounding));
  CHECK_THAT(variogram_score(all_paths, all_actual), WithinAbs(32.86668199140435, rounding));
  CHECK_THAT(variogram_score(all_paths, all_actual, 1), WithinAbs(287.2037037037037, rounding));
  // NumPy 2.4: 19 levels of numpy.quantile, ratios of sums as in CSDI's calc_quantile_CRPS.
  CHECK_THAT(mean_weighted_quantile_loss(paths, actual, nineteen_levels, quantile_linear),
             WithinAbs(0.7197994987468671, rounding));
  CHECK_THAT(mean_weighted_quantile_loss(summed(all_paths), summed(all_actual), nineteen_levels,
                                         quantile_linear),
             WithinAbs(0.7684210526315789, rounding));
  // NumPy: bins by numpy.percentile, outer ones joined with their neighbours as in CARD's program.
  CHECK_THAT(qice(paths, actual), WithinAbs(7.333333333333333, rounding));
  CHECK_THAT(qice(paths, actual, 4), WithinAbs(16.666666666666668, rounding));
  const SpreadSkill s = spread_skill(paths, actual);
  CHECK_THAT(s.ratio, WithinAbs(1.6280122752435555, rounding));
  CHECK_THAT(s.plain_ratio, WithinAbs(1.3759215011723438, rounding));
  CHECK_THAT(s.spread, WithinAbs(3.0500455370006816, rounding));
  CHECK_THAT(s.error, WithinAbs(2.0235877562901505, rounding));
  CHECK_THAT(mae(paths, actual), WithinAbs(1.3333333333333333, rounding));
  CHECK_THAT(mse(paths, actual), WithinAbs(4.0949074074074066, rounding));
  CHECK_THAT(smape(paths, actual), WithinAbs(76.98412698412697, rounding));
  CHECK_THAT(normalized_deviation(paths, actual), WithinAbs(0.7619047619047619, rounding));
}

TEST_CASE("scores: by hand", "[forecast][metrics]") {
  // Two paths (0, 0) and (3, 4) of one window, actual (3, 0): distances 3 and 4, between paths 5.
  const Tensor<double> two({1, 2, 2}, {0, 0, 3, 4}), y({1, 2}, {3, 0});
  CHECK_THAT(energy_score(two, y), WithinAbs(3.5 - 5.0 / 4, rounding));
  CHECK_THAT(energy_score(two, y, Crps::fair), WithinAbs(3.5 - 5.0 / 2, rounding));
  CHECK_THAT(variogram_score(two, y, 1), WithinAbs(2 * std::pow(3 - 0.5, 2), rounding));
  CHECK_THAT(mae(two, y), WithinAbs((1.5 + 2) / 2, rounding));
  CHECK_THAT(rmse(two, y), WithinAbs(std::sqrt((2.25 + 4) / 2), rounding));
  CHECK_THAT(smape(two, y), WithinAbs(200 * (1.5 / 4.5 + 1) / 2, rounding));
  CHECK(smape(Tensor<double>({1, 1, 1}), Tensor<double>({1, 1})) == 0);
  // Means 1.5 and 2, variances over n - 1: 4.5 and 8.
  const SpreadSkill s = spread_skill(two, y);
  CHECK_THAT(s.ratio, WithinAbs(std::sqrt(1.5 * 6.25) / std::sqrt((2.25 + 4) / 2), rounding));
  CHECK(summed(Tensor<double>({2, 2}, {1, 2, 3, 4})) == Tensor<double>({2}, {3, 7}));
  // Actual values in the middles of all ten intervals of 0, 1 ... 10: no error; all in one: .18.
  Tensor<double> even({1, 11, 10}), middles({1, 10}), low({1, 10}, -5.0);
  for (Index i = 0; i < even.size(); ++i) even[i] = static_cast<double>(i / 10);
  for (Index i = 0; i < 10; ++i) middles[i] = static_cast<double>(i) + 0.5;
  CHECK_THAT(qice(even, middles), WithinAbs(0, rounding));
  CHECK_THAT(qice(even, low), WithinAbs(18, rounding));  // (0.9 + 9 * 0.1) / 10
}

TEST_CASE("scores: one cell, missing cells, units", "[forecast][metrics]") {
  const double missing = std::numeric_limits<double>::quiet_NaN();
  // Of windows of one cell the energy score is the CRPS.
  const Tensor<double> single = paths.reshaped({W, S, H});
  Tensor<double> cells({W * H, S, 1}), values = actual.reshaped({W * H, 1});
  for (Index w = 0; w < W; ++w)
    for (Index s = 0; s < S; ++s)
      for (Index h = 0; h < H; ++h) cells(w * H + h, s, 0) = single(w, s, h);
  CHECK_THAT(energy_score(cells, values), WithinAbs(crps(paths, actual), rounding));
  // What stands where an actual value is missing is never read.
  Tensor<double> garbled = all_paths, holes = all_actual;
  holes(1, 2, 0) = missing;
  for (Index s = 0; s < S; ++s) garbled(1, s, 2, 0) = 1e300;
  CHECK(energy_score(garbled, holes) == energy_score(all_paths, holes));
  CHECK(variogram_score(garbled, holes) == variogram_score(all_paths, holes));
  CHECK(std::isnan(summed(holes)(1, 2)));
  // a x + b: shares stay, errors scale.
  Tensor<double> x = paths, y = actual;
  for (double& v : x) v = 8 * v + 32;
  for (double& v : y) v = 8 * v + 32;
  CHECK(qice(x, y) == qice(paths, actual));
  CHECK_THAT(spread_skill(x, y).ratio, WithinAbs(spread_skill(paths, actual).ratio, rounding));
  CHECK_THAT(energy_score(x, y), WithinAbs(8 * energy_score(paths, actual), 100 * rounding));
  CHECK_THAT(variogram_score(x, y), WithinAbs(8 * variogram_score(paths, actual), 100 * rounding));
}

TEST_CASE("scores: an ensemble of the law of what happens is calibrated", "[forecast][metrics]") {
  // Spread over skill of 5 members of the right law: its square is a ratio of two means over n
  // cells, of relative standard errors sqrt(2 / (4 n)) and sqrt(2 / n).
  const Index n = 20000;
  const Tensor<double> x = Rng(5).normal<double>({1, 5, n}), y = Rng(6).normal<double>({1, n});
  const double se = std::sqrt(0.5 / n + 2.0 / n) / 2;
  CHECK_THAT(spread_skill(x, y).ratio, WithinAbs(1, 4 * se));
  CHECK(std::abs(spread_skill(x, y).plain_ratio - 1) > 0.1);  // sqrt(4 / 6) of it
  // With 99 members a central interval (.1, .9) by linear interpolation has its ends at the
  // members 10.8 and 90.2 of 1 ... 99, so it holds (90.2 - 10.8) / 100.
  const Index m = 4000;
  const Tensor<double> many = Rng(7).normal<double>({1, 99, m}), z = Rng(8).normal<double>({1, m});
  const std::vector<double> probability{0.8};
  CHECK_THAT(coverages(many, z, probability)[0], WithinAbs(0.794, 4 * std::sqrt(0.16 / m)));
  CHECK(coverage_error(many, z, probability) == std::abs(coverages(many, z, probability)[0] - 0.8));
}

TEST_CASE("scores: bad input", "[forecast][metrics]") {
  const Tensor<double> one({1, 1, 2}), y({1, 2}), nothing({1, 2}, NAN);
  CHECK_THROWS_AS(energy_score(one, y, Crps::fair), ArgumentError);
  CHECK_THROWS_AS(energy_score(one, nothing), ArgumentError);
  CHECK_THROWS_AS(energy_score(paths, all_actual), ShapeError);
  CHECK_THROWS_AS(variogram_score(one, y, 0), ArgumentError);
  CHECK_THROWS_AS(spread_skill(one, y), ArgumentError);
  CHECK_THROWS_AS(spread_skill(Tensor<double>({1, 2, 2}), y), NumericError);  // right everywhere
  CHECK_THROWS_AS(qice(one, y, 1), ArgumentError);
  CHECK_THROWS_AS(normalized_deviation(one, y), NumericError);
  CHECK_THROWS_AS(coverage_error(one, y, {}), ArgumentError);
  CHECK_THROWS_AS(summed(Tensor<double>({2})), ShapeError);
  CHECK_THROWS_AS(mse(Tensor<double>({1, 1, 1}, {1e200}), Tensor<double>({1, 1})), NumericError);
}
