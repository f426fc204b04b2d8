// Covers: loss/batch
#include "diffusion/loss/fixtures.hpp"
#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/density.hpp"

#include <cmath>

using namespace foglift;
using namespace foglift::test;

namespace {

/// f = w x + the condition.
struct Told : Scale {
  template <Value X>
  X operator()(const X& x, const Tensor<double>& time, const Tensor<double>& shift) const {
    return Scale::operator()(x, time) + constant(shift, x);
  }
};

}  // namespace

TEST_CASE("batch: x, time and target are those of its levels and one noise", "[diffusion][loss]") {
  // eps from x, then the target of Edm from its formula in x0 and eps.
  const auto x0 = Rng(4).normal<double>({6, 2});
  const predict::Edm edm({.sigma_data = 0.7});
  const NetworkDenoiser denoise(Scale{}, edm, cosine);
  const auto batch = denoise.batch(x0, Rng(1), {.step = 0}, {.t_min = 0.1});
  REQUIRE(batch.levels.size() == 6);
  const auto input = batch.input();
  for (Index i = 0; i < 12; ++i) {
    const Level& l = batch.level(i / 2);
    const double eps = (batch.x[i] - l.alpha * x0[i]) / l.sigma;
    const double N = std::hypot(l.sigma, 0.7 * l.alpha);
    CHECK_THAT(batch.target[i],
               WithinAbs((l.sigma * x0[i] / 0.7 - 0.7 * l.alpha * eps) / N, 1e-12));
    CHECK_THAT(input[i], WithinRel(batch.x[i] / N, 1e-13));
    CHECK_THAT(batch.time[i / 2], WithinAbs(0.25 * std::log(l.ratio()), 1e-13));
  }
}

TEST_CASE("batch: a loss of one's own has the weights of the ready one", "[diffusion][loss]") {
  // mean(square(error)) by the operations of the tape is the fused loss, and so is its gradient.
  const auto x0 = Rng(4).normal<double>({7, 3});
  auto weight = Rng(5).uniform<double>({7, 3});
  weight[4] = 0;
  SampleLosses one, other;
  LossOptions<double> options{.level_weight = [](const Level& l) { return 1 + l.sigma; },
                              .weight = &weight,
                              .density = density::LogitNormal(),
                              .reweight = true,
                              .samples = &one};
  const Scale net;
  const NetworkDenoiser denoise(net, predict::Velocity{}, cosine);
  Tape<double> tape;
  const auto ready = denoise.loss(tape, x0, Rng(1), {.step = 3}, options);
  options.samples = &other;
  const auto batch = denoise.batch(x0, Rng(1), {.step = 3}, options);
  const auto own = batch.mean(square(denoise.output(tape, batch) - tape.constant(batch.target)));
  CHECK_THAT(own.value().item(), WithinRel(ready.value().item(), 1e-14));
  CHECK_THAT(tape.backward(own)[net.w].item(),
             WithinRel(tape.backward(ready)[net.w].item(), 1e-13));
  CHECK(own.value().item() == batch.mean(square(denoise.output(batch) - batch.target)).item());
  for (std::size_t b = 0; b < 7; ++b) CHECK_THAT(other.loss[b], WithinRel(one.loss[b], 1e-13));
  CHECK_THROWS_AS(batch.mean(Tensor<double>({7, 2})), ShapeError);
}

TEST_CASE("batch: the network is told the denoiser's condition", "[diffusion][loss]") {
  // Data 0 without noise, target 0: f is the condition.
  const Tensor<double> nothing({3, 2}), shift = Rng(2).normal<double>({3, 2});
  const NetworkDenoiser denoise(Told{}, predict::X0{}, cosine, shift);
  double mean = 0;
  for (const double v : shift) mean += v * v / 6;
  CHECK_THAT(denoise.loss(nothing, Rng(1), {.step = 0}, {.t_max = 0}).item(),
             WithinRel(mean, 1e-13));
}

TEST_CASE("denoiser: of another network keeps what it was trained on", "[diffusion][loss]") {
  const auto x = Rng(2).normal<double>({3, 2}), shift = Rng(3).normal<double>({3, 2});
  const predict::Edm edm({.sigma_data = 0.7});
  const schedule::Cosine late({.offset = 0.3});
  Told net;
  const NetworkDenoiser first(Told{}, edm, late, shift);
  const auto second = first.of(net);
  const Level level = cosine.at(0.4);
  CHECK(second(x, level) == first(x, level));
  net.w.value[0] = 0.9;  // a named network is referred to
  CHECK(second(x, level) == NetworkDenoiser(net, edm, late, shift)(x, level));
  CHECK(&second.network() == &net);
}
