// Covers: probes/linear ridge
#include "data.hpp"
#include "foglift/probe/metric/accuracy.hpp"
#include "foglift/probe/probes/ridge.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace foglift;
using probe_test::blobs;

namespace {

using Rows = std::vector<std::vector<double>>;

/// Solves a x = b by Gaussian elimination with row exchanges.
Rows solve(Rows a, Rows b) {
  const std::size_t n = a.size();
  for (std::size_t c = 0; c < n; ++c) {
    std::size_t pivot = c;
    for (std::size_t r = c + 1; r < n; ++r)
      if (std::abs(a[r][c]) > std::abs(a[pivot][c])) pivot = r;
    std::swap(a[c], a[pivot]);
    std::swap(b[c], b[pivot]);
    for (std::size_t r = 0; r < n; ++r) {
      if (r == c) continue;
      const double f = a[r][c] / a[c][c];
      for (std::size_t k = c; k < n; ++k) a[r][k] -= f * a[c][k];
      for (std::size_t k = 0; k < b[r].size(); ++k) b[r][k] -= f * b[c][k];
    }
  }
  for (std::size_t r = 0; r < n; ++r)
    for (double& v : b[r]) v /= a[r][r];
  return b;
}

/// Columns shifted to mean 0 and scaled to variance 1.
Rows standardized(const Tensor<double>& x) {
  const auto n = static_cast<std::size_t>(x.dim(0)), d = static_cast<std::size_t>(x.dim(1));
  Rows z(n, std::vector<double>(d));
  for (std::size_t j = 0; j < d; ++j) {
    double mean = 0, variance = 0;
    const auto at = [&](std::size_t i) { return x[static_cast<Index>(i * d + j)]; };
    for (std::size_t i = 0; i < n; ++i) mean += at(i) / static_cast<double>(n);
    for (std::size_t i = 0; i < n; ++i)
      variance += (at(i) - mean) * (at(i) - mean) / static_cast<double>(n);
    for (std::size_t i = 0; i < n; ++i) z[i][j] = (at(i) - mean) / std::sqrt(variance);
  }
  return z;
}

/// The weights [d + 1, classes] of rows of z without row `left_out`: the normal equations with an
/// unpenalized column of ones, the penalty as it is for all rows.
Rows normal_equations(const Rows& z, const std::vector<Index>& labels, std::size_t classes,
                      double penalty, std::size_t left_out) {
  const std::size_t d = z[0].size();
  Rows a(d + 1, std::vector<double>(d + 1)), b(d + 1, std::vector<double>(classes));
  for (std::size_t i = 0; i < z.size(); ++i) {
    if (i == left_out) continue;
    std::vector<double> row = z[i];
    row.push_back(1);
    for (std::size_t j = 0; j <= d; ++j) {
      for (std::size_t k = 0; k <= d; ++k) a[j][k] += row[j] * row[k];
      for (std::size_t k = 0; k < classes; ++k)
        b[j][k] += row[j] * (labels[i] == static_cast<Index>(k) ? 1 : -1);
    }
  }
  for (std::size_t j = 0; j < d; ++j) a[j][j] += penalty;
  return solve(a, b);
}

double score(const Rows& w, const std::vector<double>& row, std::size_t k) {
  double s = w[row.size()][k];
  for (std::size_t j = 0; j < row.size(); ++j) s += w[j][k] * row[j];
  return s;
}

constexpr std::size_t none = std::numeric_limits<std::size_t>::max();

}  // namespace

TEST_CASE("ridge probe: solves the normal equations", "[probe][ridge]") {
  for (const auto& [n, d] : {std::pair<Index, Index>{40, 3}, {41, 16}, {12, 30}, {7, 7}}) {
    const auto data = blobs(n, d, 3, 1, 5);
    const Rows z = standardized(data.x);
    for (const double lambda : {1e-3, 0.1, 1.0}) {
      const auto fit = probe::ridge_probe(data.x, data.labels, 3, {.lambdas = {lambda}});
      const Rows w = normal_equations(z, data.labels, 3, static_cast<double>(n) * lambda, none);
      const auto scores = fit.probe.scores(data.x);
      double worst = 0;
      for (Index i = 0; i < n; ++i)
        for (Index k = 0; k < 3; ++k)
          worst = std::max(worst, std::abs(scores(i, k) - score(w, z[static_cast<std::size_t>(i)],
                                                                static_cast<std::size_t>(k))));
      // Scores are of order 1. Both systems have a condition of at most (d + lambda) / lambda <=
      // 3e4 in units of n, so each loses that times n eps ~ 40 * 2.2e-16: below 3e-10.
      INFO("n = " << n << ", d = " << d << ", lambda = " << lambda);
      CHECK(worst < 3e-10);
    }
  }
}

TEST_CASE("ridge probe: the leave-one-out error is that of refitting without each example",
          "[probe][ridge]") {
  for (const Index d : {4, 40}) {
    const auto data = blobs(25, d, 4, 0.7, 6);
    const Rows z = standardized(data.x);
    const std::vector<double> lambdas = {1e-3, 1e-2, 0.3};
    const auto fit = probe::ridge_probe(data.x, data.labels, 4, {.lambdas = lambdas});
    REQUIRE(fit.loo_error.size() == lambdas.size());
    for (std::size_t l = 0; l < lambdas.size(); ++l) {
      double error = 0;
      for (std::size_t i = 0; i < z.size(); ++i) {
        const Rows w = normal_equations(z, data.labels, 4, 25 * lambdas[l], i);
        for (std::size_t k = 0; k < 4; ++k) {
          const double y = data.labels[i] == static_cast<Index>(k) ? 1 : -1;
          error += std::pow(y - score(w, z[i], k), 2) / 100;
        }
      }
      CHECK_THAT(fit.loo_error[l],
                 WithinRel(error, 1e-8));  // conditions as above, divided by 1 - h
    }
    const auto least = std::min_element(fit.loo_error.begin(), fit.loo_error.end());
    CHECK(fit.lambda == lambdas[static_cast<std::size_t>(least - fit.loo_error.begin())]);
  }
}

TEST_CASE("ridge probe: separable classes are told apart without error", "[probe][ridge]") {
  const auto data = blobs(200, 10, 5, 8, 7);  // centres about 8 sqrt(20) = 36 deviations apart
  const auto fit = probe::ridge_probe(data.x, data.labels, 5);
  CHECK(probe::accuracy(fit.probe.predict(data.x), data.labels) == 1);
  CHECK(probe::accuracy(fit.probe.predict(data.x.cast<float>()), data.labels) == 1);
}

TEST_CASE("ridge probe: labels without a pattern are guessed by chance", "[probe][ridge]") {
  auto data = blobs(2000, 8, 10, 4, 8);
  const Rng rng(9);
  for (std::size_t i = 0; i < data.labels.size(); ++i) data.labels[i] = rng.index(10, i);
  const std::vector<Index> train_labels(data.labels.begin(), data.labels.begin() + 1000),
      test_labels(data.labels.begin() + 1000, data.labels.end());
  const auto fit = probe::ridge_probe(data.x.rows(0, 1000), train_labels, 10);
  const auto right = probe::hits(fit.probe.predict(data.x.rows(1000, 1000)), test_labels);
  // Given the predictions, hits are binomial(1000, 0.1): 100 +- 5 sqrt(90).
  CHECK(std::abs(static_cast<double>(right) - 100) < 5 * std::sqrt(90.0));
}

TEST_CASE("ridge probe: shifts and scales of the features change nothing", "[probe][ridge]") {
  const auto data = blobs(60, 5, 3, 0.5, 10);
  Tensor<double> moved = data.x;
  for (Index i = 0; i < 60; ++i)
    for (Index j = 0; j < 5; ++j) moved(i, j) = data.x(i, j) * std::pow(4.0, double(j)) - 3;
  const auto a = probe::ridge_probe(data.x, data.labels, 3).probe.scores(data.x);
  const auto b = probe::ridge_probe(moved, data.labels, 3).probe.scores(moved);
  // lambda >= 1e-6 in units of n: condition at most 5e6, times eps and a few operations.
  for (Index i = 0; i < a.size(); ++i) CHECK_THAT(a[i] - b[i], WithinAbs(0, 1e-8));
}

TEST_CASE("ridge probe: a constant feature has no weight", "[probe][ridge]") {
  const auto data = blobs(30, 2, 2, 1, 11);
  Tensor<double> x({30, 3});
  for (Index i = 0; i < 30; ++i) {
    x(i, 0) = data.x(i, 0);
    x(i, 1) = 0.1;  // its mean of 30 terms differs from it by rounding
    x(i, 2) = data.x(i, 1);
  }
  const auto fit = probe::ridge_probe(x, data.labels, 2);
  CHECK(fit.probe.weight(1, 0) == 0);
  const auto expected = probe::ridge_probe(data.x, data.labels, 2).probe.scores(data.x);
  const auto scores = fit.probe.scores(x);
  for (Index i = 0; i < scores.size(); ++i) CHECK_THAT(scores[i], WithinAbs(expected[i], 1e-8));
  const auto flat = probe::ridge_probe(Tensor<double>({4, 1}, 2.0), {{0, 1, 1, 1}}, 2);
  CHECK(flat.probe.predict(Tensor<double>({1, 1})) == std::vector<Index>{1});  // the majority
}

TEST_CASE("ridge probe: wrong arguments are refused", "[probe][ridge]") {
  const auto data = blobs(10, 2, 2, 1, 12);
  std::vector<Index> labels = data.labels;
  CHECK_THROWS_AS(probe::ridge_probe(data.x, labels, 1), ArgumentError);
  CHECK_THROWS_AS(probe::ridge_probe(data.x, labels, 2, {.lambdas = {}}), ArgumentError);
  CHECK_THROWS_AS(probe::ridge_probe(data.x, labels, 2, {.lambdas = {0}}), ArgumentError);
  CHECK_THROWS_AS(probe::ridge_probe(data.x.rows(0, 9), labels, 2), ShapeError);
  CHECK_THROWS_AS(probe::ridge_probe(data.x.reshaped({10, 2, 1}), labels, 2), ShapeError);
  CHECK_THROWS_WITH(probe::ridge_probe(data.x, {{0, 1, 0, 1, 0, 2, 0, 1, 0, 1}}, 2),
                    ContainsSubstring("label 2 of example 5"));
  auto broken = data.x;
  broken(3, 1) = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH(probe::ridge_probe(broken, labels, 2), ContainsSubstring("feature 1"));
  const auto fit = probe::ridge_probe(data.x, labels, 2);
  CHECK_THROWS_AS(fit.probe.scores(Tensor<double>({4, 3})), ShapeError);
}

TEST_CASE("ridge: no features are refused", "[probe][ridge]") {
  const std::vector<Index> labels{0, 1, 0};
  CHECK_THROWS_AS(probe::ridge_probe(Tensor<float>(Shape{3, 0}), labels, 2), ShapeError);
}
