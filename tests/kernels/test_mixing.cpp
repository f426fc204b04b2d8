// Covers: csr kernels/dct kernels/points kernels/scan mixing ops/dct ops/points ops/scan
#include "foglift/core/rng.hpp"
#include "foglift/kernels/dct.hpp"
#include "foglift/kernels/graph/csr.hpp"
#include "foglift/kernels/naive/mixing.hpp"
#include "foglift/kernels/points.hpp"
#include "foglift/kernels/scan.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <vector>

using namespace foglift;

namespace {

/// max |a - b|.
double apart(const Tensor<double>& a, const Tensor<double>& b) {
  REQUIRE(a.shape() == b.shape());
  double most = 0;
  for (Index i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a[i] - b[i]));
  return most;
}
double dot(const Tensor<double>& a, const Tensor<double>& b) {
  REQUIRE(a.shape() == b.shape());
  double sum = 0;
  for (Index i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}
Tensor<double> uniform(std::uint64_t seed, const Shape& s) {
  Tensor<double> x = Rng(seed).uniform<double>(s);
  for (double& v : x) v = 2 * v - 1;
  return x;
}

}  // namespace

// Numbers of order 1, sums of some dozen terms, rounded to 2^-53 each.
constexpr double rounding = 1e-13;

TEST_CASE("scan: real and complex recurrences agree with loops", "[kernels][scan]") {
  for (const bool complex : {false, true})
    for (const Shape& s : {Shape{1, 1, 2}, Shape{2, 7, 6}, Shape{0, 3, 2}, Shape{3, 40, 600}}) {
      const kernels::ScanExtents n{s[0], s[1], complex ? s[2] / 2 : s[2], complex, false};
      const Tensor<double> a = uniform(1, s), b = uniform(2, s), h0 = uniform(3, {s[0], s[2]}),
                           zero({s[0], s[2]});
      const auto naive_of = [&](const Tensor<double>& from, const Tensor<double>& start) {
        return complex ? naive::complex_scan(from, b, start) : naive::scan(from, b, start);
      };
      Tensor<double> h(s);
      kernels::scan(n, a.data(), b.data(), h0.data(), h.data());
      // |a| < 1.5 in the complex case, for 40 steps of growth at most 1.5^40 = 1e7 in few places.
      CHECK(apart(h, naive_of(a, h0)) <= (complex ? 1e7 : 1) * rounding);
      kernels::scan(n, a.data(), b.data(), static_cast<const double*>(nullptr), h.data());
      CHECK(apart(h, naive_of(a, zero)) <= (complex ? 1e7 : 1) * rounding);
      // One row of a for all.
      const Tensor<double> row = uniform(4, {s[2]});
      Tensor<double> repeated(s);
      for (Index i = 0; i < repeated.size(); ++i) repeated[i] = row[i % s[2]];
      kernels::ScanExtents steady = n;
      steady.steady = true;
      kernels::scan(steady, row.data(), b.data(), h0.data(), h.data());
      CHECK(apart(h, naive_of(repeated, h0)) <= (complex ? 1e7 : 1) * rounding);
    }
}

TEST_CASE("scan: a long decay keeps its geometric sum", "[kernels][scan]") {
  const Index L = 10000;
  const Tensor<float> a({1}, 0.5F), b({1, L, 1}, 1.F);
  Tensor<float> h({1, L, 1});
  kernels::scan({1, L, 1, false, true}, a.data(), b.data(), static_cast<const float*>(nullptr),
                h.data());
  CHECK(h[0] == 1);
  CHECK(h[3] == 1.875F);
  CHECK(h[L - 1] == 2);
}

TEST_CASE("csr: mixes as the dense matrix does, and its transpose as the adjoint",
          "[kernels][graph]") {
  for (const auto& [rows, columns] : {std::pair<Index, Index>{1, 1}, {5, 3}, {4, 9}, {0, 2}})
    for (const Index inner : {1, 3, 17}) {
      Tensor<double> m = Rng(1).normal<double>({rows, columns});
      for (double& v : m) v = v < 0.2 ? 0 : v;
      const auto a = Csr<double>::of(m);
      const auto x = uniform(2, {3, columns, inner}), y = uniform(3, {3, rows, inner});
      Tensor<double> ax(y.shape()), aty(x.shape());
      kernels::csr_mix(a.pattern(), a.values().data(), Index{3}, columns, inner, x.data(),
                       ax.data());
      kernels::csr_mix(a.transposed(), a.values().data(), Index{3}, rows, inner, y.data(),
                       aty.data());
      CHECK(apart(ax, naive::mix(m, x)) <= rounding);
      CHECK_THAT(dot(ax, y), WithinAbs(dot(x, aty), 1e-11));
      // <d, v> is the derivative of <y, A(v) x>, which is linear in the values.
      Tensor<double> d(Shape{a.size()});
      kernels::csr_value_gradient(a.pattern(), Index{3}, columns, inner, x.data(), y.data(),
                                  d.data());
      double along = 0;
      for (Index k = 0; k < a.size(); ++k) along += d[k] * a.values()[static_cast<std::size_t>(k)];
      CHECK_THAT(along, WithinAbs(dot(ax, y), 1e-11));
    }
}

TEST_CASE("csr: entries come in any order and are refused where they do not fit",
          "[kernels][graph]") {
  using Entry = Csr<float>::Entry;
  const std::vector<Entry> entries{{1, 0, 3}, {0, 2, 2}, {0, 1, 1}};
  const Csr<float> a(2, 3, entries);
  CHECK(std::vector<float>(a.values().begin(), a.values().end()) == std::vector<float>{1, 2, 3});
  CHECK((a.rows() == 2 && a.columns() == 3 && a.size() == 3));
  const auto refused = [](std::vector<Entry> e) { Csr<float>(2, 3, e); };
  CHECK_THROWS_WITH(refused({{2, 0, 1}}), "Csr: an entry at (2, 0) of a matrix of 2 x 3");
  CHECK_THROWS_WITH(refused({{0, 1, 1}, {0, 1, 2}}), "Csr: two entries at (0, 1)");
  CHECK_THROWS_AS(refused({{0, -1, 1}}), ArgumentError);
  CHECK_THROWS_AS(refused({{0, 0, NAN}}), ArgumentError);
  CHECK_THROWS_AS(Csr<float>(-1, 3, {}), ArgumentError);
  CHECK_THROWS_AS(Csr<float>::of(Tensor<float>(Shape{3})), ShapeError);
}

TEST_CASE("points: agree with hat functions, for every meaning of the ends", "[kernels][points]") {
  const auto x = uniform(1, {2, 4, 5, 3});
  Tensor<double> points = uniform(2, {2, 40, 2});
  for (double& v : points) v *= 1.6;
  points(0, 0, 0) = -1e30;
  points(0, 0, 1) = 1e30;
  points(0, 1, 0) = points(0, 1, 1) = 1;
  points(0, 2, 0) = points(0, 2, 1) = -1;
  for (const bool align : {false, true})
    for (const bool border : {false, true}) {
      const kernels::PointGeometry g{
          2, 4, 5, 3, 40, align, border ? Outside::border : Outside::zero};
      Tensor<double> y({2, 40, 3});
      kernels::sample_points(g, x.data(), points.data(), y.data());
      CHECK(apart(y, naive::sample_points(x, points, align, border)) <= rounding);
    }
}

TEST_CASE("dct: agrees with the sums, keeps lengths, and is undone", "[kernels][dct]") {
  for (const Index n : {1, 2, 3, 8, 37, 96})
    for (const Index inner : {1, 5}) {
      const auto x = uniform(1, {3, n, inner});
      Tensor<double> y(x.shape()), back(x.shape());
      kernels::dct(Index{3}, n, inner, false, x.data(), y.data());
      kernels::dct(Index{3}, n, inner, true, y.data(), back.data());
      CHECK(apart(y, naive::mix(naive::dct_matrix(n), x)) <= rounding);
      CHECK(apart(back, x) <= rounding);
      CHECK_THAT(dot(y, y), WithinRel(dot(x, x), 1e-13));
    }
  // A constant is all in the first coefficient.
  const Tensor<double> ones({1, 4, 1}, 1.0);
  Tensor<double> y(ones.shape());
  kernels::dct(Index{1}, Index{4}, Index{1}, false, ones.data(), y.data());
  CHECK(apart(y, Tensor<double>({1, 4, 1}, {2, 0, 0, 0})) <= 1e-15);
}
