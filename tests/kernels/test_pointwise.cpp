// Covers: attention/softmax broadcast elementwise functions group_statistics layout naive/pointwise
//   norm/norm row_norm
#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/autograd/ops/norm.hpp"
#include "foglift/autograd/ops/reduce.hpp"
#include "foglift/autograd/ops/softmax.hpp"
#include "foglift/core/rng.hpp"
#include "foglift/kernels/naive/pointwise.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <cstring>
#include <vector>

using namespace foglift;

namespace {

const std::vector<Index> sizes = {1, 3, 7, 15, 16, 17, 33, 100};

template <class F>
float at(float x) {
  float y;
  kernels::apply<F>(1, &x, &y);
  return y;
}

/// Largest error of a float function on [low, high], in units of 2^-24 of the exact value.
template <class F, class Exact>
double worst_ulp(Exact exact, double low, double high) {
  const Index n = 20001;
  Tensor<float> x({n}), y({n});
  for (Index i = 0; i < n; ++i)
    x[i] = static_cast<float>(low + (high - low) * static_cast<double>(i) / (n - 1));
  kernels::apply<F>(n, x.data(), y.data());
  double worst = 0;
  for (Index i = 0; i < n; ++i) {
    const double want = exact(static_cast<double>(x[i]));
    const double error = std::abs(static_cast<double>(y[i]) - want);
    if (error > 0) worst = std::max(worst, error / std::abs(want) * 0x1p24);
  }
  return worst;
}

template <class F>
void check_place(const char* name) {
  INFO(name);
  const Tensor<float> x = Rng(1).normal<float>({140});
  Tensor<float> all({140});
  kernels::apply<F>(140, x.data(), all.data());
  Tensor<float> part({160});
  for (Index start : {0, 1, 3, 5})
    for (Index n : sizes) {
      part.fill(-7);
      kernels::apply<F>(n, x.data() + start, part.data() + 1);
      CHECK(std::memcmp(part.data() + 1, all.data() + start,
                        static_cast<std::size_t>(n) * sizeof(float)) == 0);
      CHECK((part[0] == -7 && part[n + 1] == -7));  // nothing written outside
    }
}

/// |a - b| <= tolerance everywhere.
template <class T>
bool near(const Tensor<T>& a, const Tensor<T>& b, double tolerance) {
  if (a.shape() != b.shape()) return false;
  for (Index i = 0; i < a.size(); ++i)
    if (!(std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])) <= tolerance))
      return false;
  return true;
}

}  // namespace

TEST_CASE("functions: float is good to a few units in the last place", "[kernels][functions]") {
  // A packet polynomial of degree 5 to 13 loses about 1 ulp, each further operation half a unit of
  // at most 2 in this relative measure, and the division another.
  using std::erfc, std::log1p, std::sqrt;
  const auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
  const auto cdf = [](double x) { return erfc(-x / sqrt(2.0)) / 2; };
  CHECK(worst_ulp<kernels::Exp>([](double x) { return std::exp(x); }, -87.3, 88.7) < 4);
  CHECK(worst_ulp<kernels::Log>([](double x) { return std::log(x); }, 1.5, 1e4) < 4);
  CHECK(worst_ulp<kernels::Sqrt>([](double x) { return sqrt(x); }, 0, 1e4) <= 1);
  CHECK(worst_ulp<kernels::Sigmoid>(sigmoid, -87, 87) < 6);
  CHECK(worst_ulp<kernels::Tanh>([](double x) { return std::tanh(x); }, -20, 20) < 12);
  CHECK(worst_ulp<kernels::Softplus>([](double x) { return log1p(std::exp(x)); }, -87, 80) < 8);
  CHECK(worst_ulp<kernels::Silu>([&](double x) { return x * sigmoid(x); }, -80, 80) < 8);
  // Without fused multiply-add the square of x is rounded: x^2 / 2 units more.
  CHECK(worst_ulp<kernels::Gelu>([&](double x) { return x * cdf(x); }, -3, 8) < 16);
  CHECK(worst_ulp<kernels::Gelu>([&](double x) { return x * cdf(x); }, -12.5, -3) < 16 + 78);
  // The argument of the logistic reaches 7.7 with three roundings of it.
  const auto gelu_tanh = [&](double x) {
    return x * sigmoid(sqrt(8 / 3.14159265358979324) * (x + 0.044715 * x * x * x));
  };
  CHECK(worst_ulp<kernels::GeluTanh>(gelu_tanh, -3, 8) < 8 + 2 * 3 * 7.7);
}

TEST_CASE("sqrt: is rounded correctly, and right at the ends", "[kernels][functions]") {
  using L = kernels::Lanes<float>;
  const auto root = [](float x) {
    float y[L::count];
    sqrt(L(x)).store(y);
    return y[L::count - 1];
  };
  // The root of a float in double, rounded again: 53 bits are enough for that to be exact.
  for (float x = 1e-37F; x < 1e38F; x *= 1.37F)
    CHECK(root(x) == static_cast<float>(std::sqrt(static_cast<double>(x))));
  CHECK(root(0) == 0);
  CHECK(root(std::numeric_limits<float>::infinity()) == std::numeric_limits<float>::infinity());
  CHECK(std::isnan(root(std::nanf(""))));
}

TEST_CASE("functions: limits and not a number", "[kernels][functions]") {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::nanf("");
  CHECK((at<kernels::Exp>(inf) == inf && at<kernels::Exp>(-inf) == 0 && at<kernels::Exp>(0) == 1));
  CHECK((at<kernels::Exp>(89) == inf && at<kernels::Exp>(-100) == 0));
  CHECK((at<kernels::Sigmoid>(inf) == 1 && at<kernels::Sigmoid>(-inf) == 0));
  CHECK((at<kernels::Softplus>(inf) == inf && at<kernels::Softplus>(-inf) == 0));
  CHECK((at<kernels::Gelu>(20) == 20 && at<kernels::Gelu>(-20) == 0 && at<kernels::Gelu>(0) == 0));
  CHECK((std::isnan(at<kernels::Exp>(nan)) && std::isnan(at<kernels::Gelu>(nan)) &&
         std::isnan(at<kernels::Relu>(nan)) && std::isnan(at<kernels::Sigmoid>(nan)) &&
         std::isnan(at<kernels::Tanh>(nan)) && std::isnan(at<kernels::Softplus>(nan))));
}

TEST_CASE("map: an element has the same bits at any place and alignment", "[kernels][functions]") {
  check_place<kernels::Exp>("exp");
  check_place<kernels::Log>("log");
  check_place<kernels::Tanh>("tanh");
  check_place<kernels::Softplus>("softplus");
  check_place<kernels::Silu>("silu");
  check_place<kernels::Gelu>("gelu");
  check_place<kernels::GeluTanh>("gelu_tanh");
}

TEST_CASE("broadcast: agrees with the naive version to the bit", "[kernels][broadcast]") {
  Rng rng(2);
  const std::vector<std::pair<Shape, Shape>> pairs = {{{5}, {5}},
                                                      {{5}, {}},
                                                      {{1, 7}, {3, 1}},
                                                      {{2, 3, 17}, {17}},
                                                      {{2, 3, 17}, {3, 1}},
                                                      {{4, 1, 5}, {1, 3, 1}},
                                                      {{2, 1, 3, 1, 2, 1}, {1, 2, 1, 3, 1, 5}},
                                                      {{0, 3}, {1, 3}},
                                                      {{300, 300}, {300}},
                                                      {{90000}, {90000}}};
  for (const auto& [sa, sb] : pairs) {
    const auto a = rng.split().normal<float>(sa), b = rng.split().normal<float>(sb);
    const Tensor<float> d = a - b, q = b / a;
    CHECK(d == naive::broadcast(d.shape(), a, b, [](float x, float y) { return x - y; }));
    CHECK(q == naive::broadcast(q.shape(), b, a, [](float x, float y) { return x / y; }));
  }
  CHECK_THROWS_WITH(add(Tensor<float>({2, 3}), Tensor<float>({4, 2})),
                    ContainsSubstring("[2, 3]") && ContainsSubstring("[4, 2]"));
}

TEST_CASE("group_norm: agrees with the naive version", "[kernels][norm]") {
  Rng rng(3);
  for (Index C : {4, 12, 16, 64, 68})
    for (Index L : sizes)
      for (const Index groups : {Index{1}, Index{4}, C}) {
        auto x = rng.split().normal<float>({2, L, C});
        for (float& v : x) v += 3;
        const auto gamma = rng.split().normal<float>({C}), beta = rng.split().normal<float>({C});
        // y = x k + o with |x k| below 10 * 4 * (1e-2)^-1/2: a rounding of each is below 400 eps.
        CHECK(near(group_norm(x, gamma, beta, groups, 1e-2),
                   naive::group_norm(x, gamma, beta, groups, 1e-2), 400 * 0x1p-24 * 2));
      }
}

TEST_CASE("group_norm: a large mean costs no digits of the variance", "[kernels][norm]") {
  const Index L = 4096;
  Tensor<double> x({1, L, 1});
  for (Index i = 0; i < L; ++i) x[i] = 1e7 + (i % 2 ? 1 : -1);  // mean 1e7, variance 1
  const Tensor<double> one({1}, 1.0), zero({1}, 0.0);
  const auto y = group_norm(x, one, zero, 1, 0);
  // y = x k + o: the terms are 1e7, their rounding 1e7 * 2^-53 each.
  for (Index i : {0, 1, 4095}) CHECK_THAT(y[i], WithinAbs(i % 2 ? 1 : -1, 4e7 * 0x1p-53));
}

TEST_CASE("group statistics: float sums keep the digits they promise", "[kernels][norm]") {
  // Plain data, a mean far from 0, and the worst case: 16 of 256 positions, those that the shift is
  // taken from, far from the rest.
  for (const auto& [mean, outliers] : {std::pair{0.0, 0.0}, {1e4, 0.0}, {0.0, 1e3}})
    for (const Index second : {0, 5}) {
      const Index L = 256, C = 19, groups = 19 + second == 24 ? 8 : 19;
      const kernels::NormExtents n{1, L, C + second, groups};
      const auto a = Rng(1).normal<float>({L, C}), b = Rng(2).normal<float>({L, second});
      Tensor<float> x = a, x2 = b;
      for (Tensor<float>* t : {&x, &x2})
        for (Index i = 0; i < t->size(); ++i)
          (*t)[i] += static_cast<float>(mean + (i / t->dim(1) % 16 == 0 ? outliers : 0));
      std::vector<double> m(static_cast<std::size_t>(groups)), r = m;
      kernels::group_statistics<float>(n, {x.data(), C, x2.data(), second}, 0, 0, m.data(),
                                       r.data());
      const auto at = [&](Index p, Index c) {
        return static_cast<double>(c < C ? x[p * C + c] : x2[p * second + c - C]);
      };
      const Index width = (C + second) / groups;
      for (Index g = 0; g < groups; ++g) {
        double sum = 0, squares = 0;
        const auto each = [&](const auto& f) {
          for (Index p = 0; p < L; ++p)
            for (Index c = g * width; c < (g + 1) * width; ++c) f(at(p, c));
        };
        each([&](double v) { sum += v; });
        const double exact = sum / n.group_size();
        each([&](double v) { squares += (v - exact) * (v - exact); });
        const double variance = squares / n.group_size();
        const auto i = static_cast<std::size_t>(g);
        CHECK_THAT(1 / (r[i] * r[i]), WithinRel(variance, 17 * 18 * 0x1p-23));
        // |x - shift| is below 5 deviations on average, and 18 roundings are made of it.
        CHECK_THAT(m[i], WithinAbs(exact, 5 * 18 * 0x1p-23 * std::sqrt(variance)));
      }
    }
}

TEST_CASE("row norms: agree with the naive versions", "[kernels][norm]") {
  Rng rng(4);
  for (Index C : sizes)
    for (Index rows : {1, 5, 65}) {
      const auto x = rng.split().normal<float>({rows, C});
      const auto gamma = rng.split().normal<float>({C}), beta = rng.split().normal<float>({C});
      // |xhat| <= sqrt(C) = 10 and |gamma| < 5: three roundings of numbers below 50.
      const double tolerance = 3 * 50 * 0x1p-23;
      CHECK(near(
          layer_norm(x, gamma, beta, 1e-2),
          naive::group_norm(x.reshaped({rows, 1, C}), gamma, beta, 1, 1e-2).reshaped({rows, C}),
          tolerance));
      CHECK(near(rms_norm(x, gamma, 1e-2), naive::rms_norm(x, gamma, 1e-2), tolerance));
    }
}

TEST_CASE("row norms: the error of their sums does not grow with the row", "[kernels][norm]") {
  Rng rng(6);
  for (const Index C : {100, 5000, 100000}) {
    auto x = rng.split().normal<float>({2, C});
    for (float& v : x) v += 10;
    const Tensor<float> one({C}, 1.F), zero({C});
    // The mean, of numbers near 10, errs by 20 eps of that (LaneSum), and so does y; x rstd and
    // mean rstd are rounded once each.
    CHECK(near(layer_norm(x, one, zero, 0),
               naive::group_norm(x.reshaped({2, 1, C}), one, zero, 1, 0).reshaped({2, C}),
               (20 + 2) * 10 * 0x1p-24));
  }
}

TEST_CASE("softmax: agrees with the naive version and sums to 1", "[kernels][softmax]") {
  Rng rng(5);
  for (Index n : sizes) {
    auto x = rng.split().normal<float>({9, n});
    for (float& v : x) v *= 20;
    const auto want = naive::log_softmax(x);
    // Numbers up to 200, and a logarithm good to eps: roundings of 200 eps each.
    CHECK(near(log_softmax(x), want, 3 * 200 * 0x1p-24));
    const auto y = softmax(x);
    for (Index i = 0; i < y.size(); ++i)
      CHECK_THAT(static_cast<double>(y[i]),
                 WithinAbs(std::exp(static_cast<double>(want[i])), 2e-5));
    for (Index r = 0; r < 9; ++r)
      CHECK_THAT(kernels::sum(n, y.data() + r * n),
                 WithinAbs(1, static_cast<double>(n + 4) * 0x1p-24));
  }
}

TEST_CASE("softmax: masked rows give zeros, and not a number stays", "[kernels][softmax]") {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::nanf("");
  const auto y = softmax(Tensor<float>({4, 2}, {-inf, -inf, -inf, 5, nan, -inf, -inf, nan}));
  CHECK((y[0] == 0 && y[1] == 0 && y[2] == 0 && y[3] == 1 && std::isnan(y[4])));
  CHECK((y[6] == 0 && std::isnan(y[7])));  // wherever in its row
  CHECK(log_softmax(Tensor<float>({1, 2}, {-inf, -inf}))[0] == -inf);
}

TEST_CASE("sums: run in double in a fixed order", "[kernels][reduce]") {
  for (Index n : sizes) {
    Tensor<float> x({n});
    for (Index i = 0; i < n; ++i) x[i] = static_cast<float>(i + 1);
    CHECK(sum(x).item() == static_cast<float>(n * (n + 1) / 2));
  }
  CHECK(mean(Tensor<float>({100000}, 0.1f)).item() == 0.1f);  // a float sum is off by 1e-3
  CHECK(sum(Tensor<float>({0, 3}), 0) == Tensor<float>({3}, 0.f));
  CHECK_THROWS_AS(mean(Tensor<float>({0, 3})), ShapeError);
  CHECK_THROWS_AS(sum(Tensor<float>({2}), 1), ArgumentError);
}
