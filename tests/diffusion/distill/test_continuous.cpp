// Covers: continuous_consistency distill/features
#include "diffusion/distill/linear_student.hpp"
#include "foglift/diffusion/distill/continuous_consistency.hpp"
#include "foglift/diffusion/distill/features.hpp"
#include "foglift/diffusion/schedule.hpp"

#include <array>

using namespace foglift;
using test::distance;
using test::law;

namespace {

const distill::ContinuousConsistencyOptions fine{.h = 1e-4};

/// The consistency function of N(mean, deviation^2), with both to be learned: x0 = mean + (x -
/// alpha mean) deviation / sqrt(alpha^2 deviation^2 + sigma^2).
struct NormalStudent {
  Parameter<double> mean{Tensor<double>(Shape{}, 0.0)}, deviation{Tensor<double>(Shape{}, 1.0)};

  template <Value X>
  X operator()(const X& x, const Levels& levels) const {
    Tensor<double> alpha({x.dim(0), 1}), sigma({x.dim(0), 1});
    for (Index b = 0; b < x.dim(0); ++b) alpha[b] = levels[b].alpha, sigma[b] = levels[b].sigma;
    const X a = constant(alpha, x), s = constant(sigma, x);
    const X m = use(mean, x), d = use(deviation, x);
    const X there = sqrt(add(square(mul(a, d)), square(s)));
    return add(m, mul(div(sub(x, mul(a, m)), there), d));
  }
  template <class Self, class F>
  static void each(Self& self, F f) {
    f("mean", self.mean), f("deviation", self.deviation);
  }
};

NormalStudent exact() {
  NormalStudent out;
  out.mean.value[0] = 0.7, out.deviation.value[0] = std::sqrt(0.3);
  return out;
}

}  // namespace

TEST_CASE("continuous consistency: the exact function does not move", "[distill]") {
  const auto x0 = law.draw<double>({64, 1}, Rng(1));
  const auto self = exact();
  const auto lesson = distill::continuous_consistency(law, self, x0, Rng(2), {.step = 0},
                                                      {.norm = false, .h = 1e-4});
  // differences are off by h^2 and by rounding / h
  CHECK(distance(lesson.x0, self(lesson.x, Levels(lesson.levels))) < 1e-6);
  for (std::size_t b = 0; b < 64; ++b)
    CHECK_THAT(lesson.weights[b] * lesson.levels[b].sigma * lesson.levels[b].sigma,
               WithinRel(1, 1e-12));
}

TEST_CASE("continuous consistency: the target moves by the tangent of the closed form",
          "[distill]") {
  // A student of another law: d x0 / dw along the teacher's flow by differences of whole runs.
  const auto x0 = law.draw<double>({16, 1}, Rng(1));
  NormalStudent self;
  self.mean.value[0] = -0.2, self.deviation.value[0] = 0.8;
  const auto at = [&](double warm_up, bool norm) {
    return distill::continuous_consistency(law, self, x0, Rng(2), {.step = 0},
                                           {.warm_up = warm_up, .norm = norm, .h = 1e-4});
  };
  const auto lesson = at(1, false), normed = at(1, true), first = at(0, false);
  for (Index b = 0; b < 16; ++b) {
    const Level l = lesson.levels[static_cast<std::size_t>(b)];
    const double e = 1e-5;
    const auto moved = [&](double by) {
      const Level to = schedule::Trigonometric{}.at(l.t + by);
      return self(law.flow(lesson.x.rows(b, 1), l, to), Levels(to)).item();
    };
    const double rate = (moved(e) - moved(-e)) / (2 * e) * 2 / std::numbers::pi;  // by the angle
    const double said = self(lesson.x.rows(b, 1), Levels(l)).item();
    const double g = l.alpha * rate;  // F moves by g, x0 by -sin g
    CHECK_THAT(lesson.x0[b], WithinAbs(said - l.sigma * g, 1e-5));
    CHECK_THAT(normed.x0[b], WithinAbs(said - l.sigma * g / (std::abs(g) + 0.1), 1e-4));
    // without what comes from the network: -cos^2 (F - dx/dw), F - dx/dw = (D - f) / sin
    const double D = law(lesson.x.rows(b, 1), Levels(l)).item();
    CHECK_THAT(first.x0[b], WithinAbs(said + l.alpha * l.alpha * (D - said), 1e-10));
  }
}

TEST_CASE("continuous consistency: distilled, the student has the teacher's law", "[distill]") {
  const auto x0 = law.draw<double>({64, 1}, Rng(1));
  NormalStudent student;
  test::learn(student, 1500, 0.02, [&](auto& tape, const auto& model, Index step) {
    return distill::continuous_consistency(law, model, x0, Rng(2), {.step = step}, fine)
        .loss(tape, model);
  });
  CHECK_THAT(student.mean.value.item(), WithinAbs(0.7, 1e-4));
  CHECK_THAT(student.deviation.value.item(), WithinAbs(std::sqrt(0.3), 1e-4));
}

TEST_CASE("continuous consistency: with the data's velocity the tangent is 0 on average",
          "[distill]") {
  constexpr Index n = 20'000;
  const auto x0 = law.draw<double>({n, 1}, Rng(1));
  const auto self = exact();
  const auto lesson =
      distill::continuous_consistency(distill::teacher_of(x0), self, x0, Rng(2), {.step = 0},
                                      {.t_min = 0.1, .t_max = 0.9, .norm = false, .h = 1e-4});
  const auto said = self(lesson.x, Levels(lesson.levels));
  std::array<double, 2> mean{}, square{};
  for (Index b = 0; b < n; ++b) {
    const double e = lesson.x0[b] - said[b];
    mean[0] += e / n, mean[1] += e * lesson.x[b] / n;
    square[0] += e * e, square[1] += std::pow(e * lesson.x[b], 2);
  }
  for (std::size_t k = 0; k < 2; ++k)
    CHECK_THAT(mean[k], WithinAbs(0, 4 * std::sqrt(square[k]) / n + 1e-6));
}

TEST_CASE("continuous consistency: options out of range are named", "[distill]") {
  const auto x0 = law.draw<double>({4, 1}, Rng(1));
  const auto with = [&](const distill::ContinuousConsistencyOptions& o) {
    return distill::continuous_consistency(law, law, x0, Rng(2), {.step = 0}, o);
  };
  CHECK_THROWS_AS(with({.warm_up = 2}), ArgumentError);
  CHECK_THROWS_AS(with({.t_min = 0.001}), ArgumentError);
}

TEST_CASE("features: the divergence is that of its definition, with its gradient", "[distill]") {
  // two features a sample, (x, -x): softmax is the logistic function of 2 x
  const auto features = [](const auto& x) { return concat({x, neg(x)}, 1); };
  const distill::Lesson<double> lesson{
      .x = Tensor<double>({2, 1}), .levels = {}, .x0 = Tensor<double>({2, 1}, {0.3, -1.0})};
  const auto logistic = [](double v) { return 1 / (1 + std::exp(-v)); };
  const auto value = [&](double target, double x) {
    const double p = logistic(2 * target / 0.9), q = logistic(2 * x);
    return p * std::log(p / q) + (1 - p) * std::log((1 - p) / (1 - q));
  };
  Tape<double> tape;
  const auto said = tape.variable(Tensor<double>({2, 1}, {0.1, 0.5}));
  const auto loss = distill::feature_loss(lesson, said, features);
  CHECK_THAT(loss.value().item(), WithinRel((value(0.3, 0.1) + value(-1, 0.5)) / 2, 1e-12));
  // d/dx = 2 (q - p)
  const auto gradient = tape.backward(loss)[said];
  CHECK_THAT(gradient[0], WithinAbs(logistic(0.2) - logistic(0.6 / 0.9), 1e-12));
  CHECK_THAT(gradient[1], WithinAbs(logistic(1.0) - logistic(-2 / 0.9), 1e-12));
  const auto flat = [](const auto& x) { return reshape(x, {x.size()}); };
  CHECK_THROWS_AS(distill::feature_loss(lesson, said.value(), flat), ShapeError);
}
