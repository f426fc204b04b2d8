// Covers: reflow mean_flow
#include "diffusion/distill/linear_student.hpp"
#include "foglift/diffusion/distill/mean_flow.hpp"
#include "foglift/diffusion/distill/reflow.hpp"
#include "foglift/diffusion/grid.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "foglift/diffusion/solvers.hpp"

#include <array>

using namespace foglift;
using test::distance;
using test::law;

namespace {

/// The velocity of the straight couples z -> mean + deviation z, with both to be learned:
/// u = z (1 - deviation) - mean, z = (x - (1 - t) mean) / ((1 - t) deviation + t).
struct StraightNet {
  Parameter<double> mean{Tensor<double>(Shape{}, 0.0)}, deviation{Tensor<double>(Shape{}, 1.0)};

  template <Value X>
  X operator()(const X& x, const Tensor<double>& time) const {
    const X m = use(mean, x), s = use(deviation, x);
    const X t = constant(time.reshaped({time.size(), 1}), x), rest = sub(1, t);
    const X z = div(sub(x, mul(rest, m)), add(mul(rest, s), t));
    return sub(mul(z, sub(1, s)), m);
  }
  template <class Self, class F>
  static void each(Self& self, F f) {
    f("mean", self.mean), f("deviation", self.deviation);
  }
};

/// (x_t - x_r) / (t - r) on the flow of the law, dx/dt where the two are one time.
struct ExactMeanVelocity {
  Tensor<double> operator()(const Tensor<double>& x, const Tensor<double>& t,
                            const Tensor<double>& r) const {
    std::vector<Level> at, to;
    for (Index b = 0; b < t.size(); ++b) {
      at.push_back({t[b], 1 - t[b], t[b]});
      to.push_back({r[b], 1 - r[b], r[b]});
    }
    Tensor<double> x0 = law(x, Levels(at)), moved = law.flow(x, Levels(at), Levels(to));
    for (Index b = 0; b < t.size(); ++b)
      moved[b] = t[b] - r[b] > 1e-9 ? (x[b] - moved[b]) / (t[b] - r[b]) : (x[b] - x0[b]) / t[b];
    return moved;
  }
};

}  // namespace

TEST_CASE("reflow: couples are the ends of runs, and rows follow the generator", "[distill]") {
  const auto grid = grid::uniform(schedule::Flow{}, 40);
  const auto all = distill::couples<double>(solver::Heun{}, law, {6, 1}, grid, Rng(3));
  const auto later = distill::couples<double>(solver::Heun{}, law, {2, 1}, grid, Rng(3), 4);
  CHECK(distance(all.rows(std::array<Index, 2>{4, 5}).data, later.data) == 0);
  // Heun's rule in 40 steps against the exact flow, of error h^2
  CHECK(distance(all.data, law.flow(all.noise, grid.front(), grid::clean)) < 2.0 / 1600);
}

TEST_CASE("reflow: straightness is that of the exact flow, and 0 after one ReFlow", "[distill]") {
  const auto noise = Rng(4).normal<double>({200, 1});
  // x(t) = (1 - t) m + S(t) z, S = sqrt((1 - t)^2 v + t^2): what is not straight is S' z, and the
  // integral of (S' - (1 - sqrt v))^2 = that of S'^2 - (1 - sqrt v)^2
  double integral = 0;
  constexpr int n = 20'000;
  for (int i = 0; i < n; ++i) {
    const double t = (i + 0.5) / n, s = std::sqrt((1 - t) * (1 - t) * 0.3 + t * t);
    integral += std::pow((t - (1 - t) * 0.3) / s, 2) / n;
  }
  integral -= std::pow(1 - std::sqrt(0.3), 2);
  double square = 0;
  for (const double z : noise) square += z * z / 200;
  // Euler's rule is off by O(1 / steps)
  CHECK_THAT(distill::straightness(law, noise, 1000), WithinRel(integral * square, 0.01));
  CHECK(distill::straightness(law, noise, 1) == 0);

  // exact couples are met by a straight flow with no loss left
  const distill::Couples<double> exact{noise, law.flow(noise, Level{1, 0, 1}, grid::clean)};
  StraightNet net;
  const NetworkDenoiser flow(net, predict::FlowVelocity{}, schedule::Flow{});
  test::learn(net, 4000, 0.02, [&](auto& tape, const auto&, Index step) {
    return flow.loss(tape, exact.data, Rng(5), {.step = step}, {.noise = &exact.noise});
  });
  CHECK_THAT(net.mean.value.item(), WithinAbs(0.7, 1e-6));
  CHECK_THAT(net.deviation.value.item(), WithinAbs(std::sqrt(0.3), 1e-6));
  CHECK(distill::straightness(flow, noise, 50) < 1e-10);
  const auto one = integrate(solver::Euler{}, flow, noise, grid::uniform(schedule::Flow{}, 1));
  CHECK(distance(one, exact.data) < 1e-5);
}

TEST_CASE("reflow: a batch with given noise is made of it", "[distill]") {
  const auto x0 = law.draw<double>({5, 1}, Rng(1)), eps = Rng(2).normal<double>({5, 1});
  const TrainingBatch<double> batch(x0, schedule::Flow{}, predict::FlowVelocity{}, Rng(3),
                                    {.step = 0}, {.noise = &eps});
  for (Index b = 0; b < 5; ++b) {
    const double t = batch.levels[static_cast<std::size_t>(b)].t;
    CHECK_THAT(batch.x[b], WithinAbs((1 - t) * x0[b] + t * eps[b], 1e-15));
    CHECK_THAT(batch.target[b], WithinAbs(eps[b] - x0[b], 1e-15));
  }
  const Tensor<double> narrow({4, 1});
  CHECK_THROWS_AS((TrainingBatch<double>(x0, schedule::Flow{}, predict::FlowVelocity{}, Rng(3),
                                         {.step = 0}, {.noise = &narrow})),
                  ShapeError);
}

TEST_CASE("mean flow: the derivative along a path is that of the closed form", "[distill]") {
  // f = x^2 sin t along v: 2 x v sin t + x^2 cos t
  const auto f = [](const Tensor<double>& x, const Tensor<double>& t) {
    Tensor<double> out = x;
    for (Index i = 0; i < x.size(); ++i) out[i] = x[i] * x[i] * std::sin(t[i]);
    return out;
  };
  const Tensor<double> x({2}, {0.5, -1.2}), v({2}, {0.7, 2.0}), t({2}, {0.3, 0.9});
  const auto d = distill::derivative_along(f, x, v, t, 1e-4);
  for (Index i = 0; i < 2; ++i)
    CHECK_THAT(d[i], WithinAbs(2 * x[i] * v[i] * std::sin(t[i]) + x[i] * x[i] * std::cos(t[i]),
                               1e-8 * 20 + 2e-16 * 3 / 1e-4));
}

TEST_CASE("mean flow: the mean velocity of the exact flow is its own target", "[distill]") {
  const auto x0 = law.draw<double>({64, 1}, Rng(1));
  const ExactMeanVelocity u;
  const distill::MeanFlowBatch<double> batch(law, u, x0, Rng(2), {.step = 0}, {.h = 1e-4});
  Index apart = 0;
  for (Index b = 0; b < 64; ++b) {
    apart += batch.r[b] < batch.t[b];
    if (batch.t[b] < 0.05) continue;  // the formula of u is taken from t - h > 0
    CHECK_THAT(batch.target[b], WithinAbs(u(batch.x, batch.t, batch.r)[b], 1e-5));
  }
  CHECK((apart > 15 && apart < 49));  // half, 4 standard errors
  const auto noise = Rng(6).normal<double>({20, 1});
  const auto data = law.flow(noise, Level{1, 0, 1}, grid::clean);
  CHECK(distance(distill::follow(u, noise, std::array{1.0, 0.0}), data) < 1e-13);
  CHECK(distance(distill::follow(u, noise, std::array{1.0, 0.6, 0.1, 0.0}), data) < 1e-13);
  CHECK_THROWS_AS(distill::follow(u, noise, std::array{0.5, 0.6}), ArgumentError);
  CHECK_THROWS_AS((distill::MeanFlowBatch<double>(law, u, x0, Rng(2), {.step = 0}, {.apart = 2})),
                  ArgumentError);
}

TEST_CASE("mean flow: with the data's own velocity the target is right on average", "[distill]") {
  constexpr Index n = 40'000;
  const auto x0 = law.draw<double>({n, 1}, Rng(1));
  const ExactMeanVelocity u;
  const distill::MeanFlowBatch<double> batch(distill::teacher_of(x0), u, x0, Rng(2), {.step = 0},
                                             {.h = 1e-4});
  const auto exact = u(batch.x, batch.t, batch.r);
  // the error has the mean 0 given x, so 0 against 1, x and t x
  std::array<double, 3> mean{}, square{};
  double count = 0;
  for (Index b = 0; b < n; ++b) {
    if (batch.t[b] < 0.05) continue;
    const double e = batch.target[b] - exact[b];
    const std::array<double, 3> seen{e, e * batch.x[b], e * batch.x[b] * batch.t[b]};
    ++count;
    for (std::size_t k = 0; k < 3; ++k) mean[k] += seen[k], square[k] += seen[k] * seen[k];
  }
  for (std::size_t k = 0; k < 3; ++k)
    CHECK_THAT(mean[k] / count, WithinAbs(0, 4 * std::sqrt(square[k]) / count + 1e-5));
}

TEST_CASE("mean flow: the loss is robust by the power of each sample's error", "[distill]") {
  const auto x0 = law.draw<double>({4, 1}, Rng(1));
  const ExactMeanVelocity u;
  const distill::MeanFlowBatch<double> batch(law, u, x0, Rng(2), {.step = 0}, {.h = 1e-4});
  Tape<double> tape;
  const auto said =
      tape.variable(affine(1, batch.target, 1, Tensor<double>({4, 1}, {0., 1., 2., 3.})));
  CHECK_THAT(batch.loss(said, 0).value().item(), WithinRel(14.0 / 4, 1e-12));
  const auto robust = batch.loss(said, 1, 0.5);
  CHECK_THAT(robust.value().item(), WithinRel((1 / 1.5 + 4 / 4.5 + 9 / 9.5) / 4, 1e-12));
  CHECK_THAT(tape.backward(robust)[said][2], WithinRel(2 * 2 / 4.5 / 4, 1e-12));
}
