// Covers: disentanglement/correlation disentanglement/information disentanglement/linear
#include "foglift/probe/metric/disentanglement/correlation.hpp"
#include "foglift/probe/metric/disentanglement/linear.hpp"
#include "grid.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;

using probe_test::Grid;

TEST_CASE("disentanglement: total and Wasserstein correlation of a known covariance",
          "[probe][metric]") {
  Eigen::MatrixXd s(2, 2);
  s << 4, 1.2, 1.2, 1;  // correlation 0.6
  CHECK_THAT(probe::gaussian_total_correlation(s), WithinRel(-0.5 * std::log(1 - 0.36), 1e-13));
  CHECK_THAT(probe::gaussian_total_correlation(Eigen::MatrixXd::Identity(3, 3)),
             WithinAbs(0, 1e-14));
  // Equal variances: Sigma and its diagonal commute, and the distance is 2 sum (1 - sqrt
  // eigenvalue), eigenvalues 1 +- rho.
  s << 1, 0.6, 0.6, 1;
  const double exact = 2 * (2 - std::sqrt(1.6) - std::sqrt(0.4));
  CHECK_THAT(probe::gaussian_wasserstein_correlation(s, false), WithinRel(exact, 1e-12));
  CHECK_THAT(probe::gaussian_wasserstein_correlation(s), WithinRel(exact / 2, 1e-12));
  CHECK_THAT(probe::gaussian_wasserstein_correlation(9 * s), WithinRel(exact / 2, 1e-12));
  CHECK_THAT(probe::gaussian_wasserstein_correlation(Eigen::MatrixXd::Identity(3, 3)),
             WithinAbs(0, 1e-14));
  s << 1, 1, 1, 1;  // one code follows from the other: still finite
  CHECK_THAT(probe::gaussian_wasserstein_correlation(s, false),
             WithinRel(2 * (2 - std::sqrt(2.0)), 1e-6));
  CHECK_THROWS_AS(probe::gaussian_total_correlation(s), NumericError);
  CHECK_THROWS_AS(probe::gaussian_total_correlation(Eigen::MatrixXd(2, 3)), ShapeError);
}

TEST_CASE("disentanglement: codes that are the factors have every score", "[probe][metric]") {
  const Grid g;
  CHECK_THAT(probe::mutual_information_score(g.codes), WithinAbs(0, 1e-12));
  CHECK_THAT(probe::mutual_information_gap(g.codes, g.factors), WithinRel(1.0, 1e-12));
  CHECK_THAT(probe::separated_predictability(g.codes, g.factors), WithinRel(1.0, 1e-12));
  const auto dci = probe::linear_dci(g.codes, g.factors, g.split);
  CHECK_THAT(dci.disentanglement, WithinRel(1.0, 1e-9));
  CHECK_THAT(dci.completeness, WithinRel(1.0, 1e-9));
  CHECK_THAT(dci.informativeness, WithinRel(1.0, 1e-12));
}

TEST_CASE("disentanglement: a rotation costs all scores but informativeness", "[probe][metric]") {
  const Grid g;
  const Tensor<double> z = g.rotated();
  CHECK(probe::mutual_information_score(z) > 0.1);
  CHECK(probe::mutual_information_gap(z, g.factors) < 0.5);
  CHECK(probe::separated_predictability(z, g.factors) < 0.6);
  const auto dci = probe::linear_dci(z, g.factors, g.split);
  CHECK(dci.disentanglement < 0.6);
  CHECK(dci.completeness < 0.6);
  CHECK_THAT(dci.informativeness, WithinRel(1.0, 1e-12));
}

TEST_CASE("disentanglement: SAP and DCI by hand", "[probe][metric]") {
  // The squared correlations of the rotation: code 0 is (a + b) / sqrt 2, so 1/2 with a and b; of
  // (a - b) / sqrt 2 with c rotated again, 1/4, 1/4 and 1/2.
  const Grid g;
  CHECK_THAT(probe::separated_predictability(g.rotated(), g.factors),
             WithinRel((0.25 + 0.25 + 0.0) / 3, 1e-9));
  const auto dci = probe::dci_of(Tensor<double>({2, 2}, {3, 1, 0, 4}));
  const double h = -(0.75 * std::log(0.75) + 0.25 * std::log(0.25)) / std::log(2.0);
  const double hc = -(0.2 * std::log(0.2) + 0.8 * std::log(0.8)) / std::log(2.0);
  CHECK_THAT(dci.disentanglement, WithinRel(0.5 * (1 - h) + 0.5, 1e-14));
  CHECK_THAT(dci.completeness, WithinRel(3.0 / 8 + 5.0 / 8 * (1 - hc), 1e-14));
}

TEST_CASE("disentanglement: mutual information by hand", "[probe][metric]") {
  CHECK_THAT(probe::mutual_information({{0, 0, 1, 1}}, {{0, 0, 1, 1}}),
             WithinRel(std::log(2.0), 1e-14));
  CHECK_THAT(probe::mutual_information({{0, 0, 1, 1}}, {{0, 1, 0, 1}}), WithinAbs(0, 1e-14));
  const auto columns = probe::discretized(Tensor<double>({4, 2}, {0, 7, 1, 7, 2, 7, 4, 7}), 4);
  CHECK(columns[0] == std::vector<Index>{0, 1, 2, 3});
  CHECK(columns[1] == std::vector<Index>{0, 0, 0, 0});
}

TEST_CASE("disentanglement: wrong arguments are refused", "[probe][metric]") {
  const Grid g;
  const probe::Factors short_one{{0, 1}}, constant{std::vector<Index>(120, 3)};
  CHECK_THROWS_AS(probe::mutual_information_gap(g.codes, short_one), ShapeError);
  CHECK_THROWS_AS(probe::mutual_information_gap(g.codes, {}), ArgumentError);
  CHECK_THROWS_AS(probe::mutual_information_gap(g.codes, constant), ArgumentError);
  CHECK_THROWS_AS(probe::separated_predictability(g.codes, constant), ArgumentError);
  CHECK_THROWS_AS(probe::mutual_information_score(Tensor<double>({9, 1})), ShapeError);
  CHECK_THROWS_AS(probe::discretized(g.codes, 0), ArgumentError);
  CHECK_THROWS_AS(probe::dci_of(Tensor<double>({2, 2})), ArgumentError);
  CHECK_THROWS_AS(probe::dci_of(Tensor<double>({1, 2}, 1.0)), ShapeError);
}
