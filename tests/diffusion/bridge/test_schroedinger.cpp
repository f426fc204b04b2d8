// Covers: schroedinger
#include "foglift/diffusion/bridge/schroedinger.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <vector>

using namespace foglift;

namespace {

/// Mean, variance and covariance of numbers.
struct Sums {
  double mx = 0, my = 0, xx = 0, xy = 0, yy = 0;
  Sums(const Tensor<double>& x, const Tensor<double>& y) {
    const auto n = static_cast<double>(x.size());
    for (Index i = 0; i < x.size(); ++i) mx += x[i] / n, my += y[i] / n;
    for (Index i = 0; i < x.size(); ++i) {
      xx += (x[i] - mx) * (x[i] - mx) / n;
      xy += (x[i] - mx) * (y[i] - my) / n;
      yy += (y[i] - my) * (y[i] - my) / n;
    }
  }
};

/// A move that is a line for each step: exact for normal laws.
struct Lines {
  std::vector<double> a, b;
  explicit Lines(Index steps) : a(static_cast<std::size_t>(steps), 1.0), b(a.size(), 0.0) {}
  Tensor<double> operator()(Tensor<double> x, Index k) const {
    for (double& v : x) v = a[static_cast<std::size_t>(k)] * v + b[static_cast<std::size_t>(k)];
    return x;
  }
  Var<double> operator()(const Var<double>& x, Index k) const {
    return add(mul(x, a[static_cast<std::size_t>(k)]), b[static_cast<std::size_t>(k)]);
  }
  /// The least squares of a half bridge.
  void fit(const bridge::HalfBridge<double>& half) {
    for (std::size_t k = 0; k < a.size(); ++k) {
      const Sums s(half.x[k], half.target[k]);
      a[k] = s.xy / s.xx, b[k] = s.my - a[k] * s.mx;
    }
  }
};

Tensor<double> normals(double mean, double variance, Index n, const Rng& rng) {
  auto x = rng.normal<double>({n, 1});
  for (double& v : x) v = mean + std::sqrt(variance) * v;
  return x;
}

}  // namespace

TEST_CASE("schroedinger: half a bridge of Brownian motion is its reverse", "[bridge]") {
  // From N(0, v), after k steps of variance 2 s: E[x_k | x_k+1] = (v + 2 s k) / (v + 2 s (k + 1))
  // x. With the identity as move the target is x_k itself.
  const bridge::Walk walk{.steps = 4, .step = 0.2};
  const auto stay = [](const Tensor<double>& x, Index) { return x; };
  const auto start = normals(0, 0.7, 20'000, Rng(1));
  const bridge::HalfBridge<double> half(walk, stay, start, Rng(2));
  REQUIRE(half.x.size() == 4);
  CHECK(half.target[3] == start);
  const bridge::HalfBridge<double> published(walk, stay, start, Rng(2), bridge::Came::difference);
  double worst = 0;
  for (Index i = 0; i < start.size(); ++i)
    worst = std::max(worst, std::abs(published.target[3][i] - start[i]));
  CHECK(worst < 2 * 10 * 2.3e-16);  // two sums of numbers below 10
  for (std::size_t back = 0; back < 4; ++back) {
    const double k = 3 - double(back), v = 0.7 + 0.4 * k;
    const Sums s(half.x[back], half.target[back]);
    CHECK_THAT(s.xx, WithinRel(v + 0.4, 4 * std::sqrt(2.0 / 2e4)));
    // the residual's variance is v 0.4 / (v + 0.4)
    CHECK_THAT(s.xy / s.xx, WithinAbs(v / (v + 0.4), 4 * std::sqrt(v * 0.4 / 2e4) / (v + 0.4)));
  }
  Tape<double> tape;
  Lines lines(4);
  double expected = 0;
  for (std::size_t k = 0; k < 4; ++k) expected += mse(half.x[k], half.target[k]).item() / 4;
  CHECK_THAT(half.loss(tape, lines).value().item(), WithinRel(expected, 1e-12));
  CHECK_THROWS_AS((bridge::Walk{.steps = 0}.states(stay, start, Rng(1))), ArgumentError);
}

TEST_CASE("schroedinger: fitting in turn comes to the entropic coupling", "[bridge]") {
  // Between N(m0, v0) and N(m1, v1) with Brownian motion of variance s2 in all, the ends of the
  // bridge have the covariance (sqrt(4 v0 v1 + s2^2) - s2) / 2. Steps of s2 / n leave O(1 / n).
  const double m0 = 0.5, v0 = 0.6, m1 = -1, v1 = 1.2, s2 = 0.8;
  const double covariance = (std::sqrt(4 * v0 * v1 + s2 * s2) - s2) / 2;
  constexpr Index n = 2000;
  const auto ends = [&](Index steps, bridge::Came came) {
    const bridge::Walk walk{.steps = steps, .step = s2 / 2 / double(steps)};
    const auto x0 = normals(m0, v0, n, Rng(3)), x1 = normals(m1, v1, n, Rng(4));
    Lines there(steps), back(steps);
    for (std::uint64_t round = 0; round < 6; ++round) {
      back.fit({walk, there, x0, Rng(10 + round), came});
      there.fit({walk, back, x1, Rng(100 + round), came});
    }
    return Sums(x0, walk.states(there, x0, Rng(5)).back());
  };
  // 4 standard errors of the ends and as many of the fits beside them, and 1 / n of the steps for
  // variances, which a step back of the forward noise has wrong by its size
  for (const Index steps : {8, 24}) {
    const Sums s = ends(steps, bridge::Came::state);
    INFO(steps << " steps: " << s.my << " " << s.yy << " " << s.xy);
    CHECK_THAT(s.my, WithinAbs(m1, 8 * std::sqrt(v1 / n)));
    CHECK_THAT(s.yy, WithinRel(v1, 8 * std::sqrt(2.0 / n) + 1.0 / double(steps)));
    CHECK_THAT(s.xy, WithinAbs(covariance, 8 * std::sqrt(v0 * v1 / n) + 1.0 / double(steps)));
  }
  // the difference is off in the mean, too, by the size of the steps
  const double coarse = ends(8, bridge::Came::difference).my - m1;
  const double fine = ends(24, bridge::Came::difference).my - m1;
  CHECK(coarse > 0.1);
  CHECK(fine < 0.6 * coarse);
}
