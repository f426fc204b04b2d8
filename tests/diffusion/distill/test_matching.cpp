// Covers: distribution_matching moment_matching
#include "diffusion/distill/linear_student.hpp"
#include "foglift/diffusion/distill/distribution_matching.hpp"
#include "foglift/diffusion/distill/moment_matching.hpp"
#include "foglift/diffusion/grid.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "foglift/diffusion/solvers.hpp"

using namespace foglift;
using test::distance;
using test::law;

namespace {

/// y = a z + b.
struct Generator {
  Parameter<double> a{Tensor<double>(Shape{}, 1.0)}, b{Tensor<double>(Shape{}, 0.0)};
  template <Value X>
  X operator()(const X& z) const {
    return add(mul(z, use(a, z)), use(b, z));
  }
  /// The exact denoiser of what it makes.
  analytic::Gaussian fake() const {
    const double s = a.value.item();
    return analytic::gaussian({.mean = b.value.item(), .variance = s * s});
  }
  template <class Self, class F>
  static void each(Self& self, F f) {
    f("a", self.a), f("b", self.b);
  }
};

/// E k of independent normals whose difference has this mean and variance, and the kernel's width.
double kernel_mean(double mean, double variance, double w) {
  const double sum = w * w + variance;
  return w / std::sqrt(sum) * std::exp(-mean * mean / (2 * sum));
}

}  // namespace

TEST_CASE("distribution matching: the gradient is that of the divergence", "[distill]") {
  // One level: KL(N(alpha b, alpha^2 a^2 + sigma^2) | N(alpha m, alpha^2 v + sigma^2)) has the
  // derivatives alpha^2 (b - m) / Q in b and alpha^2 a (1 / Q - 1 / P) in a, P and Q being the
  // variances; the lesson's gradient is sigma^2 / alpha times that (eq. 8's factor, not
  // normalized).
  Generator g;
  g.a.value[0] = 1.4, g.b.value[0] = -0.3;
  constexpr Index n = 40'000;
  const double t = 0.4;
  const Level l = schedule::Flow{}.at(t);
  Tape<double> tape;
  const auto z = Rng(1).normal<double>({n, 1});
  const auto y = g(tape.constant(z));
  const auto lesson =
      distill::distribution_matching(law, g.fake(), y.value(), schedule::Flow{}, Rng(2),
                                     {.step = 0}, {.t_min = t, .t_max = t, .normalized = false});
  const auto gradients = tape.backward(lesson.loss(y));
  const double P = l.alpha * l.alpha * 1.96 + l.sigma * l.sigma;
  const double Q = l.alpha * l.alpha * 0.3 + l.sigma * l.sigma;
  const double factor = l.sigma * l.sigma / l.alpha * l.alpha * l.alpha;
  double square = 0;  // of what each sample adds
  for (Index b = 0; b < n; ++b) square += std::pow(y.value()[b] - lesson.x0[b], 2) / n;
  const double error = 4 * std::sqrt(square / n);
  CHECK_THAT(gradients[g.b].item(), WithinAbs(factor * (-0.3 - 0.7) / Q, error));
  CHECK_THAT(gradients[g.a].item(), WithinAbs(factor * 1.4 * (1 / Q - 1 / P), 2 * error));
}

TEST_CASE("distribution matching: each gradient is divided by the sample's distance", "[distill]") {
  const auto y = Rng(3).normal<double>({6, 2});
  const auto fake = analytic::gaussian({.mean = -1, .variance = 2});
  const auto at = [&](bool normalized) {
    return distill::distribution_matching(law, fake, y, schedule::Cosine{}, Rng(2), {.step = 4},
                                          {.normalized = normalized});
  };
  const auto plain = at(false), divided = at(true);
  const auto x0 = law(distill::noised(y, plain.levels, Rng(2), {.step = 4}), Levels(plain.levels));
  for (Index i = 0; i < 12; ++i) {
    const Index b = i / 2;
    const double size = (std::abs(y(b, 0) - x0(b, 0)) + std::abs(y(b, 1) - x0(b, 1))) / 2;
    CHECK_THAT((y[i] - divided.x0[i]) * size, WithinAbs(y[i] - plain.x0[i], 1e-11));
  }
}

TEST_CASE("distribution matching: the generator comes to the data's law", "[distill]") {
  Generator g;
  test::learn(g, 3000, 0.02, [&](auto& tape, const auto& model, Index step) {
    const auto y = model(tape.constant(Rng(1).normal<double>({64, 1}, 0, std::uint32_t(step))));
    return distill::distribution_matching(law, model.fake(), y.value(), schedule::Flow{}, Rng(2),
                                          {.step = step})
        .loss(y);
  });
  // at the optimum both denoisers are one, and no noise is left in the gradient
  CHECK_THAT(g.b.value.item(), WithinAbs(0.7, 1e-6));
  CHECK_THAT(g.a.value.item(), WithinAbs(std::sqrt(0.3), 1e-6));
}

TEST_CASE("moment matching: the discrepancy has its closed form on average", "[distill]") {
  // N(0, 1) against N(0.7, 0.3)
  double expected = 0;
  for (const double w : {0.5, 1.0, 2.0})
    expected += kernel_mean(0, 2, w) - 2 * kernel_mean(0.7, 1.3, w) + kernel_mean(0, 0.6, w);
  double sum = 0, square = 0;
  constexpr int runs = 60;
  for (int k = 0; k < runs; ++k) {
    const auto x = Rng(11).normal<double>({60, 1}, 0, std::uint32_t(k));
    const auto y = law.draw<double>({80, 1}, Rng(100 + std::uint64_t(k)));
    const double found = distill::mmd2(x, y).item();
    sum += found / runs, square += found * found / runs;
  }
  CHECK_THAT(sum, WithinAbs(expected, 4 * std::sqrt((square - sum * sum) / runs)));
  // {0, 3} against {0, 3} with width 1: k within, (1 + k) / 2 across, k = exp(-9 / 2)
  const Tensor<double> pair({2, 1}, {0.0, 3.0});
  CHECK_THAT(distill::mmd2(pair, pair, {1}).item(), WithinRel(std::exp(-4.5) - 1, 1e-14));
  CHECK_THROWS_AS(distill::mmd2(Tensor<double>({1, 2}), Tensor<double>({4, 2})), ShapeError);
  CHECK_THROWS_AS(distill::mmd2(Tensor<double>({3, 2}), Tensor<double>({4, 2}), {0.0}),
                  ArgumentError);
}

TEST_CASE("moment matching: the gradient is that of finite differences", "[distill]") {
  const auto y = law.draw<double>({5, 2}, Rng(1));
  auto x = Rng(2).normal<double>({4, 2});
  Tape<double> tape;
  const auto at = tape.variable(x);
  const auto gradient = tape.backward(mul(distill::mmd2(at, y), 3.0))[at];
  for (Index i = 0; i < x.size(); ++i) {
    const double h = 1e-5, before = x[i];
    x[i] = before + h;
    const double up = distill::mmd2(x, y).item();
    x[i] = before - h;
    const double down = distill::mmd2(x, y).item();
    x[i] = before;
    CHECK_THAT(gradient[i], WithinAbs(3 * (up - down) / (2 * h), 1e-9));
  }
}

TEST_CASE("moment matching: a sampler of two steps comes to the data's law", "[distill]") {
  const auto grid = grid::uniform(schedule::Flow{}, 2);
  // run_on_tape is integrate()
  const auto noise = Rng(5).normal<double>({7, 1});
  Tape<double> tape;
  CHECK(distance(distill::run_on_tape(law, tape.constant(noise), grid).value(),
                 integrate(solver::Euler{}, law, noise, grid)) < 1e-14);
  // Noise and data of exact moments, quantiles, so that what is learned has no noise of its own.
  // The estimator without bias leaves out the diagonal, which pushes samples apart by 1 / n.
  const auto off = [&](Index n) {
    Tensor<double> z({n, 1});
    for (Index i = 0; i < n; ++i) {
      double low = -6, high = 6;  // the normal quantile of (i + 1/2) / n
      for (int k = 0; k < 60; ++k) {
        const double middle = 0.5 * (low + high);
        const double below = 0.5 * std::erfc(-middle / std::sqrt(2.0));
        (below < (double(i) + 0.5) / double(n) ? low : high) = middle;
      }
      z[i] = low;
    }
    const Tensor<double> data = affine(std::sqrt(0.3), z, 1, Tensor<double>({n, 1}, 0.7));
    test::LinearStudent student(grid);
    test::learn(student, 600, 0.05, [&](auto& on, const auto& model, Index) {
      return distill::mmd2(distill::run_on_tape(model, on.constant(z), grid), data);
    });
    auto made = integrate(solver::Euler{}, student, z, grid);
    std::sort(made.begin(), made.end());  // the map may turn the line around
    return distance(made, data);
  };
  const double coarse = off(16), fine = off(32);
  CHECK(fine < 2.0 / 32);
  CHECK(fine < 0.65 * coarse);
}
