// Covers: full_gaussian mixture
#include "foglift/diffusion/analytic.hpp"
#include "foglift/diffusion/analytic/full_gaussian.hpp"
#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/pullback.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;
using analytic::FullGaussian, analytic::FullMixture, analytic::Gaussian, analytic::Mixture;

namespace {

static_assert(BatchDenoiser<FullGaussian, float> && BatchDenoiser<FullMixture, double>);
static_assert(DifferentiableDenoiser<FullGaussian, float> &&
              DifferentiableDenoiser<FullMixture, double>);

const Level between[] = {{0.1, 0.99, 0.1}, {0.5, 0.7, 0.7}, {0.9, 0.1, 0.995}, {0.5, 2, 3}};

using Matrix = std::array<std::array<double, 2>, 2>;

double det(const Matrix& m) { return m[0][0] * m[1][1] - m[0][1] * m[1][0]; }
Matrix inverse(const Matrix& m) {
  const double d = det(m);
  return {{{m[1][1] / d, -m[0][1] / d}, {-m[1][0] / d, m[0][0] / d}}};
}

/// A Gaussian of two elements with a level each, by Cramer's rule: x ~ N(A m, A C A + N).
struct Plane {
  std::array<double, 2> mean;
  Matrix C;

  Matrix covariance(const Level& a, const Level& b) const {
    return {{{a.alpha * a.alpha * C[0][0] + a.sigma * a.sigma, a.alpha * C[0][1] * b.alpha},
             {b.alpha * C[1][0] * a.alpha, b.alpha * b.alpha * C[1][1] + b.sigma * b.sigma}}};
  }
  double density(double x, double y, const Level& a, const Level& b) const {
    const Matrix M = covariance(a, b), P = inverse(M);
    const double u = x - a.alpha * mean[0], v = y - b.alpha * mean[1];
    return std::exp(-0.5 * (P[0][0] * u * u + 2 * P[0][1] * u * v + P[1][1] * v * v)) /
           (2 * std::acos(-1.0) * std::sqrt(det(M)));
  }
  std::array<double, 2> posterior(double x, double y, const Level& a, const Level& b) const {
    const Matrix P = inverse(covariance(a, b));
    const double u = x - a.alpha * mean[0], v = y - b.alpha * mean[1];
    const double p = a.alpha * (P[0][0] * u + P[0][1] * v),
                 q = b.alpha * (P[1][0] * u + P[1][1] * v);
    return {mean[0] + C[0][0] * p + C[0][1] * q, mean[1] + C[1][0] * p + C[1][1] * q};
  }
};

const Plane first{{0.5, -1}, {{{0.6, 0.4}, {0.4, 0.5}}}},
    second{{-1, 0.7}, {{{0.3, -0.2}, {-0.2, 0.9}}}};

Tensor<double> matrix(const Matrix& m) {
  return Tensor<double>({2, 2}, {m[0][0], m[0][1], m[1][0], m[1][1]});
}
const FullGaussian one({0.5, -1}, matrix(first.C));
const FullMixture two({{1, {0.5, -1}, matrix(first.C)}, {3, {-1, 0.7}, matrix(second.C)}});

/// Three samples with a level for each of their two elements.
const std::vector<Level> grouped{between[0], between[1], between[1],
                                 between[2], between[3], between[0]};
const Tensor<double> states({3, 2}, {0.3, -0.4, -1.2, 0.9, 2, 0.1});

/// Central difference of f in element i: error h^2 f''' / 6 + eps |f| / h ~ 1e-9 at h = 1e-5 for
/// third derivatives up to 50.
template <class F>
double slope(const F& f, Tensor<double> x, Index i) {
  x[i] += 1e-5;
  const double up = f(x);
  x[i] -= 2e-5;
  return (up - f(x)) / 2e-5;
}

/// Score, J^T v and the trace of J against differences of the log density and the mean, at levels
/// of whole samples or of groups.
template <class D>
void check_derivatives(const D& d, const Tensor<double>& x, const Levels& levels) {
  const Index n = x.row_size();
  const auto score = d.score(x, levels), trace = d.jacobian_trace(x, levels);
  const auto v = Rng(4).normal<double>(x.shape());
  const auto gradient = pullback(d, x, levels, [&](const auto&) { return v; }).gradient;
  for (Index b = 0; b < x.dim(0); ++b) {
    double sum = 0;
    for (Index i = b * n; i < (b + 1) * n; ++i) {
      const double s = slope([&](const auto& y) { return d.log_density(y, levels)[b]; }, x, i);
      CHECK_THAT(score[i], WithinAbs(s, 1e-7 * (1 + std::abs(s))));
      sum += slope([&](const auto& y) { return d(y, levels)[i]; }, x, i);
      const double g = slope(
          [&](const auto& y) {
            const auto x0 = d(y, levels);
            double total = 0;
            for (Index j = 0; j < x0.size(); ++j) total += v[j] * x0[j];
            return total;
          },
          x, i);
      CHECK_THAT(gradient[i], WithinAbs(g, 1e-8 * (1 + std::abs(g))));
    }
    CHECK_THAT(trace[b], WithinAbs(sum, 1e-8 * (1 + std::abs(sum))));
  }
}

}  // namespace

TEST_CASE("full gaussian: posterior and density by cramers rule", "[diffusion][analytic]") {
  const auto check = [&](const Levels& levels, const auto& at) {
    const auto x0 = one(states, levels), m0 = two(states, levels);
    const auto logp = one.log_density(states, levels), mlogp = two.log_density(states, levels);
    for (Index b = 0; b < 3; ++b) {
      const double x = states(b, 0), y = states(b, 1);
      const Level p = at(b, 0), q = at(b, 1);
      const auto a = first.posterior(x, y, p, q), c = second.posterior(x, y, p, q);
      const double wa = 0.25 * first.density(x, y, p, q), wc = 0.75 * second.density(x, y, p, q);
      CHECK_THAT(logp[b], WithinAbs(std::log(wa / 0.25), 1e-12));
      CHECK_THAT(mlogp[b], WithinAbs(std::log(wa + wc), 1e-12));
      for (Index i = 0; i < 2; ++i) {
        const auto k = static_cast<std::size_t>(i);
        CHECK_THAT(x0(b, i), WithinAbs(a[k], 1e-12));
        CHECK_THAT(m0(b, i), WithinAbs((wa * a[k] + wc * c[k]) / (wa + wc), 1e-12));
      }
    }
  };
  for (const Level& l : between) check(l, [&](Index, Index) { return l; });
  check(Levels(grouped, 2),
        [&](Index b, Index i) { return grouped[static_cast<std::size_t>(2 * b + i)]; });
  // a whole sample's level written for each group is factored instead of rotated
  const std::vector<Level> same(6, between[1]);
  check(Levels(same, 2), [&](Index, Index) { return between[1]; });
}

TEST_CASE("analytic: derivatives are differences at levels of samples and of groups",
          "[diffusion][analytic]") {
  const Gaussian diagonal({1, -2}, {0.3, 2});
  const Mixture isotropic({{1, {0, 1}, 0.2}, {2, {1, -1}, 0.5}, {1, {-2, 0}, 0}});
  for (const Level& l : {between[1], between[3]}) {
    check_derivatives(one, states, l);
    check_derivatives(two, states, l);
    check_derivatives(isotropic, states, l);
    check_derivatives(diagonal, states, l);
  }
  // moderate slopes: the difference quotients of the narrow component at sigma = 0.1 are coarse
  const std::vector<Level> mild{{0.2, 0.9, 0.4}, between[1], between[1],
                                between[2],      between[3], {0.6, 0.6, 0.8}};
  const Levels levels(mild, 2);
  check_derivatives(one, states, levels);
  check_derivatives(two, states, levels);
  check_derivatives(isotropic, states, levels);
  check_derivatives(diagonal, states, levels);
}

TEST_CASE("full gaussian: a group's level is that of each of its elements",
          "[diffusion][analytic]") {
  // Correlations e^(-|i - j|) of four elements, in two groups or each on its own.
  Tensor<double> covariance({4, 4});
  for (Index i = 0; i < 4; ++i)
    for (Index j = 0; j < 4; ++j)
      covariance(i, j) = std::exp(-std::abs(static_cast<double>(i - j)));
  const FullGaussian d({1, 0, -1, 2}, covariance);
  const Gaussian independent({1, 0, -1, 2}, {1, 2, 3, 4});
  const auto x = Rng(6).normal<double>({2, 4});
  const std::vector<Level> pairs{between[0], between[1], between[2], between[3]};
  std::vector<Level> singles;
  for (const Level& l : pairs) singles.insert(singles.end(), 2, l);
  CHECK(d(x, Levels(pairs, 2)) == d(x, Levels(singles, 4)));
  CHECK(d.score(x, Levels(pairs, 2)) == d.score(x, Levels(singles, 4)));
  CHECK(independent.flow(x, between[3], Levels(pairs, 2)) ==
        independent.flow(x, between[3], Levels(singles, 4)));
}

TEST_CASE("analytic: laws that are written differently agree", "[diffusion][analytic]") {
  const Gaussian diagonal({1, -2}, {0.3, 2});
  const FullGaussian full({1, -2}, Tensor<double>({2, 2}, {0.3, 0, 0, 2}));
  const Mixture isotropic({{1, {0, 1}, 0.2}, {2, {1, -1}, 0.5}});
  const FullMixture same({{1, {0, 1}, Tensor<double>({2, 2}, {0.2, 0, 0, 0.2})},
                          {2, {1, -1}, Tensor<double>({2, 2}, {0.5, 0, 0, 0.5})}});
  const auto agree = [&](const auto& a, const auto& b, const Levels& levels) {
    const auto p = a(states, levels), q = b(states, levels);
    for (Index i = 0; i < 6; ++i) CHECK_THAT(p[i], WithinAbs(q[i], 1e-13));
    const auto t = a.jacobian_trace(states, levels), u = b.jacobian_trace(states, levels);
    const auto v = a.log_density(states, levels), w = b.log_density(states, levels);
    for (Index i = 0; i < 3; ++i) CHECK_THAT(t[i], WithinAbs(u[i], 1e-12));
    for (Index i = 0; i < 3; ++i) CHECK_THAT(v[i], WithinAbs(w[i], 1e-12));
  };
  for (const Level& l : between) {
    agree(diagonal, full, l);
    agree(isotropic, same, l);
  }
  agree(diagonal, full, Levels(grouped, 2));
  agree(isotropic, same, Levels(grouped, 2));
}

TEST_CASE("full gaussian: exact at both ends and with a singular covariance",
          "[diffusion][analytic]") {
  const Level noise{1, 0, 1}, clean{0, 1, 0};
  // All data on the line (1, 2) t: the posterior projects on it.
  const FullGaussian line({0, 0}, Tensor<double>({2, 2}, {1, 2, 2, 4}));
  const auto at_end = one(states, clean), at_start = one(states, noise);
  const auto on_line = line(states, Level{0.1, 1, 1e-4});
  for (Index b = 0; b < 3; ++b) {
    for (Index i = 0; i < 2; ++i) CHECK_THAT(at_end(b, i), WithinAbs(states(b, i), 1e-14));
    CHECK(at_start(b, 0) == 0.5);
    CHECK(at_start(b, 1) == -1);
    const double t = (states(b, 0) + 2 * states(b, 1)) / (5 + 1e-8);
    CHECK_THAT(on_line(b, 0), WithinAbs(t, 1e-7));  // eigenvalue rounding 1e-16 / sigma^2 = 1e-8
    CHECK_THAT(on_line(b, 1), WithinAbs(2 * t, 1e-7));
  }
  const std::vector<Level> without_noise(6, clean);
  CHECK_THROWS_AS(line(states, Levels(without_noise, 2)), NumericError);
}

TEST_CASE("analytic: the flow solves the probability flow ODE", "[diffusion][analytic]") {
  // Runge-Kutta of order 4 for dx = alpha' D + sigma' eps on alpha = cos, sigma = sin of t pi/2:
  // 2000 steps of h = 4e-4, error ~ h^4 times derivatives below 1e4: 1e-9.
  const double c = std::acos(0.0);
  const auto level = [&](double t) { return Level{t, std::cos(c * t), std::sin(c * t)}; };
  const auto check = [&](const auto& data) {
    const auto velocity = [&](const Tensor<double>& x, double t) {
      const Level l = level(t);
      auto v = data(x, l);
      for (Index i = 0; i < x.size(); ++i)
        v[i] = c * (-l.sigma * v[i] + l.alpha * (x[i] - l.alpha * v[i]) / l.sigma);
      return v;
    };
    const auto moved = [](const Tensor<double>& x, double h, const Tensor<double>& v) {
      return affine(1, x, h, v);
    };
    Tensor<double> x = states;
    const double from = 0.9, to = 0.1, h = (to - from) / 2000;
    for (int i = 0; i < 2000; ++i) {
      const double t = from + i * h;
      const auto k1 = velocity(x, t), k2 = velocity(moved(x, h / 2, k1), t + h / 2);
      const auto k3 = velocity(moved(x, h / 2, k2), t + h / 2),
                 k4 = velocity(moved(x, h, k3), t + h);
      x = moved(moved(moved(moved(x, h / 6, k1), h / 3, k2), h / 3, k3), h / 6, k4);
    }
    const auto exact = data.flow(states, level(from), level(to));
    for (Index i = 0; i < 6; ++i) CHECK_THAT(exact[i], WithinAbs(x[i], 1e-8));
    const auto back = data.flow(exact, level(to), level(from));
    for (Index i = 0; i < 6; ++i) CHECK_THAT(back[i], WithinAbs(states[i], 1e-13));
  };
  check(one);
  check(Gaussian({1, -2}, {0.3, 2}));
}

TEST_CASE("analytic: the flow at the ends and for levels of groups", "[diffusion][analytic]") {
  const Level noise{1, 0, 1}, clean{0, 1, 0};
  const auto whitened = one.flow(states, clean, noise);
  // x -> C^(-1/2) (x - m): its square is the Mahalanobis distance
  const Matrix P = inverse(first.C);
  for (Index b = 0; b < 3; ++b) {
    const double u = states(b, 0) - 0.5, v = states(b, 1) + 1;
    CHECK_THAT(std::pow(whitened(b, 0), 2) + std::pow(whitened(b, 1), 2),
               WithinAbs(P[0][0] * u * u + 2 * P[0][1] * u * v + P[1][1] * v * v, 1e-12));
  }
  // independent elements: groups are as if each were a sample
  const Gaussian diagonal({1, -2}, {0.3, 2});
  const auto flowed = diagonal.flow(states, Levels(grouped, 2), clean);
  for (Index b = 0; b < 3; ++b)
    for (Index i = 0; i < 2; ++i)
      CHECK(flowed(b, i) == diagonal.flow(states.rows(b, 1),
                                          grouped[static_cast<std::size_t>(2 * b + i)],
                                          clean)(0, i));
  CHECK_THROWS_AS(one.flow(states, Levels(grouped, 2), clean), ShapeError);
  const auto point = analytic::gaussian({.mean = 2, .variance = 0});
  CHECK(point.flow(states, noise, clean) == Tensor<double>({3, 2}, 2.0));
  CHECK_THROWS_AS(point.flow(states, clean, noise), ArgumentError);
}

TEST_CASE("analytic: samples have the moments of the data and of its noisy states",
          "[diffusion][analytic]") {
  // Means and second moments of 40000 samples within 4.5 standard errors: sqrt(v / n) and, for
  // products of elements with variances below 1.6, at most sqrt(kurtosis) v / sqrt(n) < 4 / 200.
  const Index n = 40000;
  const Level l{0.5, 0.8, 0.6};
  const auto check = [&](const Tensor<double>& x, std::array<double, 2> mean,
                         const Matrix& square) {
    std::array<double, 2> m{};
    Matrix s{};
    for (Index b = 0; b < n; ++b)
      for (std::size_t i = 0; i < 2; ++i) {
        const double xi = x(b, static_cast<Index>(i));
        m[i] += xi / static_cast<double>(n);
        for (std::size_t j = 0; j < 2; ++j)
          s[i][j] += xi * x(b, static_cast<Index>(j)) / static_cast<double>(n);
      }
    for (std::size_t i = 0; i < 2; ++i) {
      CHECK_THAT(m[i], WithinAbs(mean[i], 4.5 * 1.3 / 200));
      for (std::size_t j = 0; j < 2; ++j)
        CHECK_THAT(s[i][j], WithinAbs(square[i][j], 4.5 * 2 / 200));
    }
  };
  std::array<double, 2> mean{};
  Matrix square{};
  for (std::size_t i = 0; i < 2; ++i) {
    mean[i] = 0.25 * first.mean[i] + 0.75 * second.mean[i];
    for (std::size_t j = 0; j < 2; ++j)
      square[i][j] = 0.25 * (first.C[i][j] + first.mean[i] * first.mean[j]) +
                     0.75 * (second.C[i][j] + second.mean[i] * second.mean[j]);
  }
  check(two.draw({n, 2}, Rng(11)), mean, square);
  const std::array<double, 2> noisy_mean{0.8 * mean[0], 0.8 * mean[1]};
  Matrix noisy{};
  for (std::size_t i = 0; i < 2; ++i)
    for (std::size_t j = 0; j < 2; ++j) noisy[i][j] = 0.64 * square[i][j] + (i == j ? 0.36 : 0);
  check(two.draw({n, 2}, l, Rng(11)), noisy_mean, noisy);
  // a sample is the same in every batch, and alone
  const auto some = two.draw<float>({5, 2}, Rng(11), 7);
  CHECK(some.rows(2, 3) == two.draw<float>({3, 2}, Rng(11), 9));
  CHECK_THROWS_AS(two.draw({5, 3}, Rng(11)), ShapeError);
  CHECK_THROWS_AS(two.draw(Shape{}, Rng(11)), ShapeError);
}

TEST_CASE("full gaussian: refuses what is no covariance", "[diffusion][analytic]") {
  using Square = Tensor<double>;
  CHECK_THROWS_AS(FullGaussian({1, 2}, Square({2, 2}, {1, 0.5, 0, 1})), ArgumentError);
  CHECK_THROWS_AS(FullGaussian({1, 2}, Square({2, 2}, {1, 2, 2, 1})), ArgumentError);
  CHECK_THROWS_AS(FullGaussian({1, std::nan("")}, Square({2, 2}, {1, 0, 0, 1})), ArgumentError);
  CHECK_THROWS_AS(FullGaussian({1}, Square({2, 2}, {1, 0, 0, 1})), ShapeError);
  CHECK_THROWS_AS(FullGaussian({1, 2}, Square({4}, {1, 0, 0, 1})), ShapeError);
  CHECK_THROWS_AS(FullMixture({}), ArgumentError);
  CHECK_THROWS_AS(FullMixture({{0, {1}, Square({1, 1}, 1.0)}}), ArgumentError);
  CHECK_THROWS_AS(one(Tensor<double>({3, 3}), between[0]), ShapeError);
  const std::vector<Level> three(9, between[0]);
  CHECK_THROWS_AS(one(states, Levels(three, 3)), ShapeError);
}
