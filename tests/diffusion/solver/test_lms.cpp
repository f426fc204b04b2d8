// Covers: lms straight
#include "diffusion/solver/runs.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/diffusion/solver/lms.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <functional>

using namespace foglift;
using namespace foglift::solver;

namespace {

constexpr auto lower = Start::lower_order;

/// int_a^b of the Lagrange polynomial of node j, by Gauss's rule of 5 points: exact to degree 9.
double lagrange_integral(const std::vector<double>& nodes, std::size_t j, double a, double b) {
  const double at[] = {-0.906179845938664, -0.538469310105683, 0, 0.538469310105683,
                       0.906179845938664};
  const double weight[] = {0.236926885056189, 0.478628670499366, 0.568888888888889,
                           0.478628670499366, 0.236926885056189};
  double sum = 0;
  for (int k = 0; k < 5; ++k) {
    const double u = 0.5 * (a + b) + 0.5 * (b - a) * at[k];
    double value = 1;
    for (std::size_t i = 0; i < nodes.size(); ++i)
      if (i != j) value *= (u - nodes[i]) / (nodes[j] - nodes[i]);
    sum += 0.5 * (b - a) * weight[k] * value;
  }
  return sum;
}

/// A run with the orders 1, 2, ..., `order`: z' = z + sum_j eps_j w_j in s = sigma / alpha, with
/// the weights of unequal steps, or the fixed ones of Adams and Bashforth.
double by_hand(std::size_t order, bool fixed, double x, const TimeGrid& g) {
  const std::vector<std::vector<double>> table = {{1},
                                                  {1.5, -0.5},
                                                  {23.0 / 12, -16.0 / 12, 5.0 / 12},
                                                  {55.0 / 24, -59.0 / 24, 37.0 / 24, -9.0 / 24}};
  std::vector<double> eps, s;
  for (std::size_t i = 0; i + 1 < g.size(); ++i) {
    const double x0 = runs::denoised(runs::mixture(), x, g[i]);
    eps.insert(eps.begin(), (x - g[i].alpha * x0) / g[i].sigma);
    s.insert(s.begin(), g[i].ratio());
    const std::size_t used = std::min(order, i + 1);
    const double next = g[i + 1].ratio();
    double z = x / g[i].alpha;
    for (std::size_t j = 0; j < used; ++j)
      z += eps[j] *
           (fixed ? table[used - 1][j] * (next - s[0])
                  : lagrange_integral({s.begin(), s.begin() + static_cast<std::ptrdiff_t>(used)}, j,
                                      s[0], next));
    x = g[i + 1].alpha * z;
  }
  return x;
}

template <class S>
void check(const S& solver, std::size_t order, bool fixed) {
  for (const auto family : {verify::Family::variance_preserving, verify::Family::flow})
    for (const double x : {-1.7, 0.1, 2.2}) {
      const TimeGrid g = runs::irregular(family, 11);
      CHECK_THAT(runs::end_of(solver, runs::mixture(), x, g),
                 WithinAbs(by_hand(order, fixed, x, g), 1e-11));
    }
}

}  // namespace

TEST_CASE("lms: runs with weights by quadrature", "[diffusion][solver]") {
  // The rule of 5 points has its nodes to 15 digits.
  check(Lms<1>{.begin = lower}, 1, false);
  check(Lms<2>{.begin = lower}, 2, false);
  check(Lms<3>{.begin = lower}, 3, false);
  check(Lms<4>{.begin = lower}, 4, false);
}

TEST_CASE("pndm: runs with the fixed weights", "[diffusion][solver]") {
  check(Ipndm{}, 4, true);
  // Pndm differs by its start alone: after exact starts both are one, as steps of a polynomial
  // show.
  const TimeGrid g = runs::irregular(verify::Family::variance_preserving, 9);
  CHECK(runs::gap(Pndm{}, Ipndm{}, runs::mixture(), g) > 1e-4);
  CHECK(runs::gap(Lms<1>{.begin = lower}, Ddim{}, runs::mixture(), g) < 1e-13);
}

TEST_CASE("lms: exact for polynomials of eps in sigma over alpha", "[diffusion][solver]") {
  // eps(s) = s^k for every x: z = z_0 + s^(k+1) / (k + 1), from the first step on with the
  // Runge-Kutta start, whose quadrature is Simpson's, exact to degree 3.
  const auto ends = [](const auto& solver, int degree, const TimeGrid& g) {
    const auto data = [&](const Tensor<double>& x, const Levels& l) {
      return affine(1 / l[0].alpha, x, -l[0].ratio() * std::pow(l[0].ratio(), degree),
                    Tensor<double>(x.shape(), 1.0));
    };
    const double x = runs::end_of(solver, data, 0.4, g);
    const double s = g.front().ratio(), t = g.back().ratio();
    const double expected =
        0.4 / g.front().alpha + (std::pow(t, degree + 1) - std::pow(s, degree + 1)) / (degree + 1);
    return std::abs(x / g.back().alpha - expected) / (1 + std::pow(s, degree + 1));
  };
  const TimeGrid g = runs::irregular(verify::Family::variance_preserving, 8, -1.5, 1.5);
  for (int degree = 0; degree < 4; ++degree) {
    CHECK(ends(Lms<4>{}, degree, g) < 1e-12);
    CHECK((ends(Lms<3>{}, degree, g) < 1e-12) == (degree < 3));
    CHECK((ends(Lms<2>{}, degree, g) < 1e-12) == (degree < 2));
  }
  // The fixed weights are exact on steps equal in s: fourth order there.
  TimeGrid even;
  for (int i = 0; i <= 8; ++i) even.push_back(verify::level(verify::Family::flow, 4 - 0.4 * i));
  for (int degree = 0; degree < 4; ++degree) CHECK(ends(Pndm{}, degree, even) < 1e-12);
  CHECK(ends(Pndm{}, 1, g) > 1e-6);
  // Lms keeps its order into clean data, where s is finite.
  TimeGrid whole = even;
  whole.push_back(grid::clean);
  CHECK(ends(Lms<4>{}, 3, whole) < 1e-12);
}

TEST_CASE("lms: measured orders", "[diffusion][solver]") {
  for (const auto spacing : {verify::Spacing::log_snr, verify::Spacing::karras}) {
    const auto slope = [&](const auto& solver, Index exact = 0) {
      return verify::order(solver, {.spacing = spacing, .coarsest = 40, .exact_starts = exact})
          .slope();
    };
    CHECK_THAT(slope(Lms<2>{}), WithinAbs(2, 0.1));
    CHECK_THAT(slope(Lms<3>{}), WithinAbs(3, 0.2));
    CHECK_THAT(slope(Lms<4>{}), WithinAbs(4, 0.2));
    CHECK_THAT(slope(Lms<4>{.begin = lower}, 3), WithinAbs(4, 0.2));
    // One step of Euler's rule at the start leaves its second-order error.
    CHECK(slope(Lms<4>{.begin = lower}) < 2.8);
    CHECK_THAT(slope(Pndm{}), WithinAbs(2, 0.1));
    CHECK_THAT(slope(Ipndm{}), WithinAbs(2, 0.1));
  }
  // As tabulated for exact starting values: error at 160 steps 1.8e-6.
  const auto lms = verify::order(Lms<4>{.begin = lower}, {.exact_starts = 3});
  CHECK(lms.errors.back() < 2 * 1.8e-6);
  CHECK(lms.errors.back() > 0.5 * 1.8e-6);
}
