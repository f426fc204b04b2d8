// Covers: look_ahead
#include "foglift/diffusion/grid.hpp"
#include "foglift/diffusion/loss/look_ahead.hpp"
#include "foglift/nn/gradcheck.hpp"
#include "foglift/nn/nets/mlp.hpp"
#include "foglift/train/frozen.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;
using corruption::Between;

namespace {

using Net = nn::Mlp<double>;

Tensor<double> times(const Levels& levels, Index batch) {
  Tensor<double> out({batch});
  for (Index b = 0; b < batch; ++b) out[b] = levels[b].t;
  return out;
}

/// A network with dropout as an interpolator: its weights are frozen.
auto interpolator(const Net& net) {
  return [&net](const Tensor<double>& first, const auto& last, const Levels& levels,
                const StepRng& rng) {
    return train::frozen(net)(
        concat({constant(first, last), last}, 1), times(levels, first.dim(0)),
        nn::Condition<double>{},
        nn::Call(nn::DropoutNoise{rng.generator(), rng.first_sample(), rng.step()}));
  };
}
auto forecaster(const Net& net) {
  return [&net](const Var<double>& x, const Levels& levels, const StepRng&) {
    return net(x, times(levels, x.dim(0)));
  };
}

/// (1 - s) first + s last.
const auto straight = [](const auto& first, const auto& last, const Levels& levels,
                         const StepRng&) {
  return affine(constant(first, last), last,
                [&](Index b) { return Mix{levels[b].sigma, levels[b].alpha}; });
};

const auto first = Rng(1).normal<double>({6, 2}), last = Rng(2).normal<double>({6, 2});
const TimeGrid grid5 = grid::dynamics(4, 1);

}  // namespace

TEST_CASE("look-ahead: gradients are those of finite differences", "[loss][dyffusion]") {
  Rng rng(3);
  const Net between({.in = 4, .out = 2, .width = 8, .depth = 2, .dropout = 0.2}, rng);
  const Net net({.in = 2, .width = 8, .depth = 2}, rng);
  for (const auto distance :
       {LookAheadOptions::Distance::squared, LookAheadOptions::Distance::absolute}) {
    const auto loss = [&](const Net& model, Tape<double>& tape) {
      return look_ahead_loss(tape, Between(first, interpolator(between)), forecaster(model), last,
                             grid5, Rng(4), {.step = 7}, {.distance = distance});
    };
    CHECK(nn::gradcheck(net, loss).max_error < 1e-8);
    // the interpolator gets none, and passes on what the first forecast needs
    Tape<double> tape;
    const auto gradients = tape.backward(loss(net, tape));
    nn::for_each_parameter(between, [&](const std::string& name, const Parameter<double>& p) {
      INFO(name);
      CHECK(gradients.find(p) == nullptr);
    });
    CHECK(gradients.find(net.output.weight) != nullptr);
  }
}

TEST_CASE("look-ahead: the loss is what its definition says", "[loss][dyffusion]") {
  // a forecaster 2 x + alpha, samples one by one
  const auto forecast = [](const auto& x, const Levels& levels, const StepRng&) {
    Tensor<double> shift(x.shape());
    for (Index b = 0; b < 6; ++b) shift(b, 0) = shift(b, 1) = levels[b].alpha;
    return x * 2.0 + constant(shift, x);
  };
  const Rng rng(8);
  Tape<double> tape;
  const auto found = [&](const LookAheadOptions& options) {
    return look_ahead_loss(tape, Between(first, straight), forecast, last, grid5, rng, {.step = 3},
                           options)
        .value()
        .item();
  };
  const auto drawn = draw_times(Times::stratified, rng.stream(0), 6, {.step = 3});
  double one = 0, two = 0, squares = 0, count = 0;
  for (Index b = 0; b < 6; ++b) {
    const auto n = static_cast<std::size_t>(drawn[static_cast<std::size_t>(b)] * 5);
    const double s = grid5[n].alpha, ahead = grid5[n + 1].alpha;
    count += n < 4;
    for (Index i = 0; i < 2; ++i) {
      const double x = 2 * ((1 - s) * first(b, i) + s * last(b, i)) + s;
      one += std::abs(x - last(b, i)) / 12;
      squares += (x - last(b, i)) * (x - last(b, i)) / 12;
      if (n < 4)
        two += std::abs(2 * ((1 - ahead) * first(b, i) + ahead * x) + ahead - last(b, i)) / 2;
    }
  }
  REQUIRE((count > 0 && count < 6));
  using Distance = LookAheadOptions::Distance;
  CHECK_THAT(found({}), Catch::Matchers::WithinRel(0.5 * one + 0.5 * two / count, 1e-14));
  CHECK_THAT(found({.first = 1, .second = 0.1}),
             Catch::Matchers::WithinRel(one + 0.1 * two / count, 1e-14));
  CHECK_THAT(found({.distance = Distance::squared, .first = 1, .second = 0}),
             Catch::Matchers::WithinRel(squares, 1e-14));
}

TEST_CASE("look-ahead: every step of the grid is drawn as often", "[loss][dyffusion]") {
  std::vector<double> count(5);
  const auto forecast = [&](const Var<double>& x, const Levels& levels, const StepRng&) {
    for (Index b = 0; b < 6; ++b)
      for (std::size_t n = 0; n < 5; ++n) count[n] += levels[b] == grid5[n];
    return x;
  };
  for (Index step = 0; step < 500; ++step) {
    Tape<double> tape;
    look_ahead_loss(tape, Between(first, straight), forecast, last, grid5, Rng(1), {.step = step},
                    {.first = 1, .second = 0});
  }
  for (const double n : count) CHECK_THAT(n, Catch::Matchers::WithinAbs(600, 4 * std::sqrt(480.0)));
}

TEST_CASE("look-ahead: a grid of one step has none", "[loss][dyffusion]") {
  const auto forecast = [](const Var<double>& x, const Levels&, const StepRng&) { return x; };
  Tape<double> tape;
  const auto loss = look_ahead_loss(tape, Between(first, straight), forecast, last,
                                    grid::dynamics(1), Rng(1), {.step = 0});
  CHECK_THAT(loss.value().item(), Catch::Matchers::WithinRel(l1(first, last).item() / 2, 1e-14));
}

TEST_CASE("look-ahead: what can not be computed is named", "[loss][dyffusion]") {
  const auto forecast = [](const Var<double>& x, const Levels&, const StepRng&) { return x; };
  Tape<double> tape;
  const auto loss = [&](const Tensor<double>& to, const LookAheadOptions& options) {
    return look_ahead_loss(tape, Between(first, straight), forecast, to, grid5, Rng(1), {.step = 0},
                           options);
  };
  CHECK_THROWS_AS(loss(last, {.first = -1}), ArgumentError);
  CHECK_THROWS_AS(loss(last.rows(0, 3), {}), ShapeError);
}
