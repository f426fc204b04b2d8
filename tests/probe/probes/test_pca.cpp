// Covers: probes/pca
#include "foglift/core/rng.hpp"
#include "foglift/probe/probes/pca.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;

namespace {

/// Rows of variance 9, 4 and 0.01 along three orthogonal directions of 5.
Tensor<double> rows(Index n) {
  const auto z = Rng(1).normal<double>({n, 3});
  const double r = std::sqrt(0.5);
  Tensor<double> x({n, 5});
  for (Index i = 0; i < n; ++i) {
    const double a = 3 * z(i, 0), b = 2 * z(i, 1), c = 0.1 * z(i, 2);
    x(i, 0) = r * (a + b) + 7, x(i, 1) = r * (a - b), x(i, 2) = c, x(i, 4) = -1;
  }
  return x;
}

}  // namespace

TEST_CASE("pca: finds the directions and variances of the data", "[probe][pca]") {
  const Index n = 4000;
  const auto x = rows(n);
  const probe::Pca pca(x, 3);
  const auto v = pca.variances();
  // A variance has a relative deviation of sqrt(2 / n).
  CHECK_THAT(v[0], WithinRel(9.0, 5 * std::sqrt(2.0 / n)));
  CHECK_THAT(v[1], WithinRel(4.0, 5 * std::sqrt(2.0 / n)));
  CHECK_THAT(v[2], WithinRel(0.01, 5 * std::sqrt(2.0 / n)));
  CHECK_THAT(pca.explained(), WithinRel(1.0, 1e-12));
  const auto z = pca.encode(x);
  for (Index a = 0; a < 3; ++a)
    for (Index b = 0; b <= a; ++b) {  // uncorrelated, of mean 0
      double dot = 0, sum = 0;
      for (Index i = 0; i < n; ++i) dot += z(i, a) * z(i, b) / n, sum += z(i, a) / n;
      CHECK_THAT(dot, WithinAbs(a == b ? v[static_cast<std::size_t>(a)] : 0, 1e-9));
      CHECK_THAT(sum, WithinAbs(0, 1e-11));
    }
}

TEST_CASE("pca: all components bring the data back, fewer lose what is left out", "[probe][pca]") {
  const auto x = rows(50);
  const probe::Pca all(x, 3), two(x, 2);
  const auto back = all.decode(all.encode(x));
  for (Index i = 0; i < x.size(); ++i) CHECK_THAT(back[i], WithinAbs(x[i], 1e-11));
  const auto part = two.decode(two.encode(x));
  double lost = 0;
  for (Index i = 0; i < x.size(); ++i) lost += std::pow(part[i] - x[i], 2) / 50;
  CHECK_THAT(lost, WithinRel(all.variances()[2], 1e-9));
  CHECK_THAT(two.explained(),
             WithinRel(1 - all.variances()[2] /
                               (all.variances()[0] + all.variances()[1] + all.variances()[2]),
                       1e-12));
}

TEST_CASE("pca: fewer rows than columns", "[probe][pca]") {
  const auto x = Rng(2).normal<double>({4, 20});
  const probe::Pca pca(x, 3);  // four points span three directions
  const auto back = pca.decode(pca.encode(x));
  for (Index i = 0; i < x.size(); ++i) CHECK_THAT(back[i], WithinAbs(x[i], 1e-11));
  CHECK_THROWS_AS(probe::Pca(x, 4), ArgumentError);
}

TEST_CASE("pca: wrong arguments are refused", "[probe][pca]") {
  const auto x = rows(10);
  CHECK_THROWS_AS(probe::Pca(x, 0), ArgumentError);
  CHECK_THROWS_AS(probe::Pca(x.rows(0, 1), 1), ShapeError);
  const probe::Pca pca(x, 2);
  CHECK_THROWS_AS(pca.encode(Tensor<double>({1, 4})), ShapeError);
  CHECK_THROWS_AS(pca.decode(Tensor<double>({1, 3})), ShapeError);
}
