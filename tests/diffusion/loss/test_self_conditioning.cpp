// Covers: self_conditioning
#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/autograd/ops/shape_ops.hpp"
#include "foglift/diffusion/grid.hpp"
#include "foglift/diffusion/loss.hpp"
#include "foglift/diffusion/parameterization.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;

namespace {

const schedule::Cosine cosine;

/// f = w x + u estimate.
struct Net {
  Parameter<double> w{Tensor<double>(Shape{}, 0.3)}, u{Tensor<double>(Shape{}, 0.5)};
  template <Value X>
  X operator()(const X& both, const Tensor<double>&) const {
    const Index C = both.shape().dim(-1) / 2;
    return add(mul(slice(both, -1, 0, C), use(w, both)), mul(slice(both, -1, C, C), use(u, both)));
  }
};

/// Keeps the last input, and says x.
struct Shown {
  Tensor<double>& both;
  Tensor<double> operator()(const Tensor<double>& x, const Tensor<double>&) const {
    both = x;
    return slice(x, -1, 0, x.dim(-1) / 2);
  }
};

/// The loss of a network that sees its estimate, and of its batch without one.
template <class N, class P>
double loss_of(const N& net, const Tensor<double>& x0, const P& p, const Draws& draws,
               const SelfConditioning& self = {}) {
  const NetworkDenoiser denoise(net, p, cosine);
  const auto batch = denoise.batch(x0, Rng(3), draws);
  return batch.loss(denoise.ask(self_conditioned_input(denoise, batch, self), batch.time)).item();
}

}  // namespace

TEST_CASE("self-conditioning: half of the samples are shown their estimate", "[diffusion][loss]") {
  // Velocity: the estimate is alpha x - sigma f = (alpha - sigma) x. 20000 samples over 2 steps:
  // the share within 4 standard errors, sqrt(p (1 - p) / n).
  Tensor<double> both;
  const Index batch = 10000;
  const auto x0 = Rng(1).normal<double>({batch, 2});
  for (const double probability : {0.5, 0.2, 0.0, 1.0}) {
    double shown = 0, changed = 0;
    Tensor<double> before;
    for (Index step = 0; step < 2; ++step) {
      loss_of(Shown{both}, x0, predict::Velocity{}, {.step = step}, {.probability = probability});
      REQUIRE(both.shape() == Shape{batch, 4});
      for (Index b = 0; b < batch; ++b) {
        shown += both[4 * b + 2] != 0;
        if (step > 0) changed += (both[4 * b + 2] != 0) != (before[4 * b + 2] != 0);
      }
      before = both;
    }
    const double n = 2 * static_cast<double>(batch), p = probability;
    CHECK_THAT(shown / n, WithinAbs(p, 4 * std::sqrt(p * (1 - p) / n)));
    CHECK_THAT(changed / (n / 2),
               WithinAbs(2 * p * (1 - p), 4 * std::sqrt(2 * p * (1 - p) / (n / 2))));
  }
}

TEST_CASE("self-conditioning: the estimate is x0 from the first answer", "[diffusion][loss]") {
  Tensor<double> both, raw, time;
  const auto x0 = Rng(1).normal<double>({6, 2});
  const auto plain = [&](const Tensor<double>& x, const Tensor<double>& t) {
    raw = x;
    time = t;
    return x;
  };
  NetworkDenoiser(plain, predict::Velocity{}, cosine).loss(x0, Rng(3), {.step = 0});
  const double loss =
      loss_of(Shown{both}, x0, predict::Velocity{}, {.step = 0}, {.probability = 1});
  CHECK(loss ==
        NetworkDenoiser(plain, predict::Velocity{}, cosine).loss(x0, Rng(3), {.step = 0}).item());
  for (Index b = 0; b < 6; ++b) {
    const Level l = cosine.at(time[b]);
    for (Index c = 0; c < 2; ++c) {
      CHECK(both[4 * b + c] == raw[2 * b + c]);
      CHECK_THAT(both[4 * b + 2 + c], WithinAbs((l.alpha - l.sigma) * raw[2 * b + c], 1e-13));
    }
  }
}

TEST_CASE("self-conditioning: the estimate is of the state and not of its scaled input",
          "[diffusion][loss]") {
  // Edm: x0 = c_skip x + c_out F with F the scaled input itself.
  Tensor<double> both, raw, time;
  const auto x0 = Rng(1).normal<double>({4, 2});
  const predict::Edm edm({.sigma_data = 0.7});
  NetworkDenoiser(
      [&](const Tensor<double>& x, const Tensor<double>& t) {
        raw = x;
        time = t;
        return x;
      },
      predict::X0{}, cosine)
      .loss(x0, Rng(3), {.step = 0});
  loss_of(Shown{both}, x0, edm, {.step = 0}, {.probability = 1});
  for (Index i = 0; i < 8; ++i) {
    const Level l = cosine.at(time[i / 2]);
    const double N = std::hypot(l.sigma, 0.7 * l.alpha);
    const double estimate = (0.49 * l.alpha / (N * N) + 0.7 * l.sigma / (N * N)) * raw[i];
    CHECK_THAT(both[4 * (i / 2) + 2 + i % 2], WithinAbs(estimate, 1e-12));
  }
}

TEST_CASE("self-conditioning: no gradient runs through the estimate", "[diffusion][loss]") {
  // X0: the estimate is w x, the loss mean((w x + u w x - x0)^2); with the estimate held, d/dw is
  // mean(2 d x) and d/du mean(2 d w x).
  Tensor<double> x;
  const auto x0 = Rng(1).normal<double>({6, 2});
  NetworkDenoiser(
      [&](const Tensor<double>& at, const Tensor<double>&) {
        x = at;
        return at;
      },
      predict::X0{}, cosine)
      .loss(x0, Rng(3), {.step = 0});
  const Net net;
  Tape<double> tape;
  const NetworkDenoiser denoise(net, predict::X0{}, cosine);
  const auto batch = denoise.batch(x0, Rng(3), {.step = 0});
  const auto both = tape.constant(self_conditioned_input(denoise, batch, {.probability = 1}));
  const auto loss = batch.loss(denoise.ask(both, batch.time));
  const auto gradients = tape.backward(loss);
  double dw = 0, du = 0;
  for (Index i = 0; i < 12; ++i) {
    const double d = 0.3 * x[i] + 0.5 * 0.3 * x[i] - x0[i];
    dw += 2 * d * x[i] / 12;
    du += 2 * d * 0.3 * x[i] / 12;
  }
  CHECK_THAT(gradients[net.w].item(), WithinRel(dw, 1e-12));
  CHECK_THAT(gradients[net.u].item(), WithinRel(du, 1e-12));
  CHECK(loss.value().item() == loss_of(net, x0, predict::X0{}, {.step = 0}, {.probability = 1}));
}

TEST_CASE("self-conditioning: shards of a step are the step", "[diffusion][loss]") {
  Tensor<double> all, part;
  const auto x0 = Rng(1).normal<double>({12, 2});
  loss_of(Shown{all}, x0, predict::X0{}, {.step = 2});
  loss_of(Shown{part}, x0.rows(5, 4), predict::X0{}, {.first_sample = 5, .step = 2, .strata = 12});
  CHECK(part == all.rows(5, 4));
}

TEST_CASE("self-conditioning: a sampler shows the network its last x0", "[diffusion][loss]") {
  // X0 on the schedule's own levels: first w x, then w x + u (first).
  const Net net;
  const auto x = Rng(2).normal<double>({3, 2}), y = Rng(5).normal<double>({3, 2});
  const Level high = cosine.at(0.8), low = cosine.at(0.5);
  Tensor<double> last;
  const SelfConditioned denoise(net, predict::X0{}, cosine, last);
  static_assert(BatchDenoiser<decltype(denoise), double>);
  const Tensor<double> first = denoise(x, high), second = denoise(y, low);
  CHECK(last == second);
  for (Index i = 0; i < 6; ++i) {
    CHECK_THAT(first[i], WithinRel(0.3 * x[i], 1e-12));
    CHECK_THAT(second[i], WithinRel(0.3 * y[i] + 0.5 * 0.3 * x[i], 1e-12));
  }
  // A row by itself has the same bits.
  Tensor<double> last_of_one;
  const SelfConditioned one(net, predict::X0{}, cosine, last_of_one);
  one(x.rows(1, 1), high);
  CHECK(one(y.rows(1, 1), low) == second.rows(1, 1));
  // An emptied memory begins a run; another shape is refused.
  CHECK_THROWS_AS(denoise(x.rows(0, 2), high), ShapeError);
  last = {};
  CHECK(denoise(x, high) == first);
}

TEST_CASE("self-conditioning: wrong arguments are refused", "[diffusion][loss]") {
  Tensor<double> both;
  CHECK_THROWS_AS(loss_of(Shown{both}, Tensor<double>({3, 2}), predict::X0{}, {.step = 0},
                          {.probability = 1.5}),
                  ArgumentError);
  CHECK_THROWS_AS(loss_of(Shown{both}, Tensor<double>(Shape{3}), predict::X0{}, {.step = 0}),
                  ShapeError);
}
