// Covers: structured_noise simplex_noise
#include "foglift/probe/noise_policy.hpp"
#include "foglift/probe/simplex_noise.hpp"
#include "foglift/probe/structured_noise.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;

namespace {

static_assert(probe::NoisePolicy<probe::noise::PowerLaw>);
static_assert(probe::NoisePolicy<probe::noise::Simplex>);

template <class P>
Tensor<double> drawn(const P& policy, Index n, Index size) {
  Tensor<double> x({n, size});
  for (Index i = 0; i < n; ++i)
    policy.fill(std::span<double>(x.data() + i * size, static_cast<std::size_t>(size)),
                static_cast<std::uint64_t>(i), 0, 0);
  return x;
}

/// The mean over examples of x_i x_j.
double covariance(const Tensor<double>& x, Index i, Index j) {
  double sum = 0;
  for (Index b = 0; b < x.dim(0); ++b) sum += x(b, i) * x(b, j) / double(x.dim(0));
  return sum;
}

}  // namespace

TEST_CASE("power law: every position has variance 1 and the correlations of its waves",
          "[probe][noise]") {
  const Index n = 20000, H = 3, W = 4;
  const auto x = drawn(probe::noise::PowerLaw(Rng(1), 2, H, W, 1), n, H * W);
  const double error = 5 * std::sqrt(2.0 / n);
  for (const Index p : {0, 3, 6, 11}) CHECK_THAT(covariance(x, p, p), WithinAbs(1, error));
  // Naively: sum over waves of power cos(difference), over the sum of powers.
  const auto exact = [&](Index dy, Index dx) {
    double sum = 0, total = 0;
    for (Index u = 0; u < H; ++u)
      for (Index v = 0; v < W; ++v) {
        const double fu = double(std::min(u, H - u)) / double(H),
                     fv = double(std::min(v, W - v)) / double(W);
        const double power = std::pow(std::max(std::hypot(fu, fv), 0.25), -2);
        total += power;
        sum +=
            power * std::cos(2 * M_PI * (double(u * dy) / double(H) + double(v * dx) / double(W)));
      }
    return sum / total;
  };
  CHECK_THAT(covariance(x, 0, 1), WithinAbs(exact(0, 1), error));
  CHECK_THAT(covariance(x, 5, 7), WithinAbs(exact(0, 2), error));
  CHECK_THAT(covariance(x, 1, 4 + 2), WithinAbs(exact(1, 1), error));
  CHECK(exact(0, 1) > 0.1);
}

TEST_CASE("power law: exponent 0 is white, and channels are apart", "[probe][noise]") {
  const Index n = 20000;
  const auto white = drawn(probe::noise::PowerLaw(Rng(2), 0, 1, 6, 1), n, 6);
  const double error = 5 * std::sqrt(2.0 / n);
  for (Index j = 0; j < 6; ++j)
    CHECK_THAT(covariance(white, 2, j), WithinAbs(j == 2 ? 1 : 0, error));
  const auto two = drawn(probe::noise::PowerLaw(Rng(3), 2, 1, 6, 2), n, 12);
  CHECK_THAT(covariance(two, 4, 5), WithinAbs(0, error));  // one place, two channels
  CHECK(covariance(two, 4, 6) > 0.1);
}

TEST_CASE("simplex noise: every pixel has mean 0 and variance 1", "[probe][noise]") {
  const Index n = 6000, side = 4;
  for (const Index octaves : {1, 6}) {
    const probe::noise::Simplex policy(Rng(4), side, side, 1,
                                       {.octaves = octaves, .persistence = 0.8, .period = 8});
    const auto x = drawn(policy, n, side * side);
    for (const Index p : {0, 5, 15}) {
      double mean = 0, fourth = 0;
      for (Index i = 0; i < n; ++i) mean += x(i, p) / n, fourth += std::pow(x(i, p), 4) / n;
      CHECK(std::abs(mean) < 5 / std::sqrt(double(n)));
      CHECK_THAT(covariance(x, p, p), WithinAbs(1, 5 * std::sqrt((fourth - 1) / n)));
    }
    CHECK(covariance(x, 0, 1) > (octaves == 1 ? 0.8 : 0.3));  // smooth
  }
}

TEST_CASE("simplex noise: continuous across the triangles of its grid", "[probe][noise]") {
  const Rng rng(5);
  double largest = 0, steps = 0;
  for (int i = 0; i < 4000; ++i) {
    const double x = 0.002 * i, y = 0.0013 * i;
    const double step = std::abs(probe::noise::detail::simplex(x + 1e-4, y, rng, 1) -
                                 probe::noise::detail::simplex(x, y, rng, 1));
    largest = std::max(largest, step);
    steps += step / 4000;
  }
  CHECK(steps > 0);
  CHECK(largest < 20 * steps);  // a jump would be some thousand times a step
}

TEST_CASE("structured noise: wrong arguments are refused", "[probe][noise]") {
  CHECK_THROWS_AS(probe::noise::PowerLaw(Rng(1), -1, 2, 2, 1), ArgumentError);
  CHECK_THROWS_AS(probe::noise::PowerLaw(Rng(1), 1, 0, 2, 1), ArgumentError);
  CHECK_THROWS_AS(probe::noise::Simplex(Rng(1), 2, 2, 1, {.period = 0}), ArgumentError);
  std::vector<double> five(5);
  CHECK_THROWS_AS(probe::noise::PowerLaw(Rng(1), 1, 2, 2, 1).fill(std::span<double>(five), 0, 0, 0),
                  ShapeError);
  CHECK_THROWS_AS(probe::noise::Simplex(Rng(1), 2, 2, 1).fill(std::span<double>(five), 0, 0, 0),
                  ShapeError);
}
