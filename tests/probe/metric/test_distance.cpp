// Covers: probe/metric/distance sinkhorn
#include "foglift/core/rng.hpp"
#include "foglift/diffusion/loss/assignment.hpp"
#include "foglift/probe/metric/distance.hpp"
#include "foglift/probe/metric/sinkhorn.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;

TEST_CASE("distance: MMD by its definition, without bias", "[probe][metric]") {
  const Tensor<double> a = Rng(1).normal<double>({5, 2}), b = Rng(2).normal<double>({4, 2});
  const auto k = [](const Tensor<double>& x, Index i, const Tensor<double>& y, Index j) {
    const double d0 = x(i, 0) - y(j, 0), d1 = x(i, 1) - y(j, 1);
    return std::exp(-(d0 * d0 + d1 * d1) / (2 * 0.7 * 0.7));
  };
  double aa = 0, bb = 0, ab = 0;
  for (Index i = 0; i < 5; ++i)
    for (Index j = 0; j < 5; ++j) aa += i == j ? 0 : k(a, i, a, j) / 20;
  for (Index i = 0; i < 4; ++i)
    for (Index j = 0; j < 4; ++j) bb += i == j ? 0 : k(b, i, b, j) / 12;
  for (Index i = 0; i < 5; ++i)
    for (Index j = 0; j < 4; ++j) ab += k(a, i, b, j) / 20;
  CHECK_THAT(probe::mmd2(a, b, 0.7), WithinAbs(aa + bb - 2 * ab, 1e-14));
}

TEST_CASE("distance: MMD of two normals has a closed form", "[probe][metric]") {
  // E exp(-(x - y)^2 / 2) of x - y ~ N(m, 2) is exp(-m^2 / 6) / sqrt(3): MMD^2 = 2 (1 - e^(-m^2 /
  // 6)) / sqrt 3 for a shift m = 1.
  const Index n = 400;
  double sum = 0, square = 0;
  const int runs = 20;
  for (int r = 0; r < runs; ++r) {
    const auto a = Rng(std::uint64_t(10 + r)).normal<double>({n, 1});
    auto b = Rng(std::uint64_t(100 + r)).normal<double>({n, 1});
    for (double& v : b) v += 1;
    const double m = probe::mmd2(a, b, 1);
    sum += m / runs, square += m * m / runs;
  }
  const double exact = 2 * (1 - std::exp(-1.0 / 6)) / std::sqrt(3.0);
  CHECK(std::abs(sum - exact) < 4 * std::sqrt((square - sum * sum) / runs));
}

TEST_CASE("distance: the median distance", "[probe][metric]") {
  const Tensor<double> a({2, 1}, {0, 1}), b({2, 1}, {3, 7});  // 1 2 3 4 6 7
  CHECK(probe::median_distance(a, b) == 4);
}

TEST_CASE("distance: KL by hand, and of normals in one dimension", "[probe][metric]") {
  CHECK_THAT(probe::kl({{0.5, 0.5}}, {{0.25, 0.75}}),
             WithinRel(0.5 * std::log(2.0) + 0.5 * std::log(2.0 / 3), 1e-14));
  CHECK(probe::kl({{1.0, 0.0}}, {{1.0, 0.0}}) == 0);
  CHECK(std::isinf(probe::kl({{0.5, 0.5}}, {{1.0, 0.0}})));
  const probe::Moments p(Eigen::VectorXd::Constant(1, 1.0), Eigen::MatrixXd::Constant(1, 1, 4.0)),
      q(Eigen::VectorXd::Constant(1, -1.0), Eigen::MatrixXd::Constant(1, 1, 9.0));
  CHECK_THAT(probe::gaussian_kl(p, q), WithinRel(std::log(1.5) + (4 + 4) / 18.0 - 0.5, 1e-14));
  CHECK_THAT(probe::gaussian_kl(p, p), WithinAbs(0, 1e-14));
}

TEST_CASE("distance: KL of normals does not depend on coordinates", "[probe][metric]") {
  Eigen::MatrixXd s(2, 2), r(2, 2), map(2, 2);
  s << 2, 0.5, 0.5, 1;
  r << 1, -0.3, -0.3, 3;
  map << 1, 2, -1, 0.5;
  const Eigen::VectorXd m = Eigen::VectorXd::Constant(2, 0.4), o = Eigen::VectorXd::Zero(2);
  const double plain = probe::gaussian_kl({m, s}, {o, r});
  CHECK(plain > 0);
  CHECK_THAT(
      probe::gaussian_kl({map * m, map * s * map.transpose()}, {o, map * r * map.transpose()}),
      WithinRel(plain, 1e-12));
}

TEST_CASE("sinkhorn: the plan has its marginals and its form", "[probe][metric]") {
  const Tensor<double> cost = Rng(3).uniform<double>({3, 4});
  const std::vector<double> a{0.5, 0.2, 0.3}, b{0.1, 0.4, 0.25, 0.25};
  const auto out = probe::sinkhorn(cost, a, b, {.eps = 0.1});
  for (Index i = 0; i < 3; ++i) {
    double row = 0;
    for (Index j = 0; j < 4; ++j) row += out.plan(i, j);
    CHECK_THAT(row, WithinAbs(a[static_cast<std::size_t>(i)], 1e-9));
  }
  for (Index j = 0; j < 4; ++j)
    CHECK_THAT(out.plan(0, j) + out.plan(1, j) + out.plan(2, j),
               WithinAbs(b[static_cast<std::size_t>(j)], 1e-12));
  // eps ln plan + cost is a sum of a row's and a column's number: its mixed differences are 0.
  const auto form = [&](Index i, Index j) { return 0.1 * std::log(out.plan(i, j)) + cost(i, j); };
  for (Index i = 1; i < 3; ++i)
    for (Index j = 1; j < 4; ++j)
      CHECK_THAT(form(i, j) - form(0, j) - form(i, 0) + form(0, 0), WithinAbs(0, 1e-12));
}

TEST_CASE("sinkhorn: with little entropy it is the best assignment", "[probe][metric]") {
  const Index n = 6;
  const Tensor<double> cost = Rng(5).uniform<double>({n, n});
  const std::vector<double> even(6, 1.0);
  const auto out =
      probe::sinkhorn(cost, even, even, {.eps = 0.03, .tolerance = 1e-6, .max_rounds = 100000});
  const auto best = optimal_assignment(cost.span(), n);
  double least = 0;
  for (Index i = 0; i < n; ++i) least += cost(i, best[static_cast<std::size_t>(i)]);
  // The entropy of mass n on n^2 places is at most n ln n above that of an assignment, so the cost
  // exceeds the least by at most eps n ln n; rows are off by n times the tolerance, costs below 1.
  CHECK(out.cost >= least - 6e-6);
  CHECK(out.cost <= least + 0.03 * 6 * std::log(6.0) + 6e-6);
}

TEST_CASE("distance: wrong arguments are refused", "[probe][metric]") {
  const Tensor<double> a({3, 2}), b({3, 3});
  CHECK_THROWS_AS(probe::mmd2(a, b, 1), ShapeError);
  CHECK_THROWS_AS(probe::mmd2(a, a, 0), ArgumentError);
  CHECK_THROWS_AS(probe::kl({{1.0}}, {{0.5, 0.5}}), ShapeError);
  CHECK_THROWS_AS(probe::kl({{0.5, 0.4}}, {{0.5, 0.5}}), ArgumentError);
  const Eigen::VectorXd o = Eigen::VectorXd::Zero(2);
  CHECK_THROWS_AS(
      probe::gaussian_kl({o, Eigen::MatrixXd::Zero(2, 2)}, {o, Eigen::MatrixXd::Identity(2, 2)}),
      NumericError);
  CHECK_THROWS_AS(probe::sinkhorn(a, {{1.0, 1.0}}, {{1.0, 1.0}}), ShapeError);
  CHECK_THROWS_AS(probe::sinkhorn(a, {{1.0, 1.0, 0.0}}, {{1.0, 1.0}}), ArgumentError);
  CHECK_THROWS_AS(probe::sinkhorn(a, {{1.0, 1.0, 1.0}}, {{1.0, 1.0}}), ArgumentError);
  CHECK_THROWS_AS(probe::sinkhorn(Rng(1).uniform<double>({3, 3}), {{1., 1., 1.}}, {{1., 1., 1.}},
                                  {.eps = 0.001, .max_rounds = 2}),
                  NumericError);
}
