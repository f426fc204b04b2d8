// Covers: autocast
#include "foglift/autograd/ops/loss.hpp"
#include "foglift/autograd/packed_weights.hpp"
#include "foglift/core/autocast.hpp"
#include "foglift/diffusion/grid.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/train/fit.hpp"
#include "foglift/train/rules/adam.hpp"
#include "nn/small_networks.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;

namespace {

/// Wide enough that products and convolutions go in pairs: 32 channels and a depth of 32 and more.
nn::TransformerOptions wide_transformer() {
  return {.in = 1,
          .width = 32,
          .depth = 2,
          .heads = 1,
          .ratio = 2,
          .extents = {34},
          .embedding = {.width = 32}};
}
nn::UNetOptions wide_unet() {
  return {.in = 1,
          .width = 32,
          .multipliers = {1, 1},
          .blocks = 1,
          .attention = {1},
          .groups = 4,
          .embedding = {.width = 32}};
}
nn::Dit1d<float> transformer() { return test::made<nn::Dit1d<float>>(wide_transformer(), 3); }

double norm(const Tensor<float>& a) {
  double sum = 0;
  for (const float v : a) sum += double{v} * double{v};
  return std::sqrt(sum);
}

/// The bits of sampling in bfloat16 do not depend on the batch, the threads, or kept weights.
template <class Net>
void check_sampling(const Net& net, const Shape& one) {
  const schedule::Cosine cosine;
  const NetworkDenoiser denoise(net, predict::Velocity{}, cosine);
  const TimeGrid grid = grid::uniform(cosine, 3);
  const auto draw = [&](Index first, Index count) {
    return sample(solver::Ddim{}, denoise, one.with(0, count), grid, Rng(5),
                  {.first_sample = static_cast<std::uint64_t>(first)});
  };
  const Tensor<float> single = draw(0, 5);
  const Autocast bf16;
  const Tensor<float> x = draw(0, 5);
  const double apart = norm(x - single) / norm(single);
  CHECK(apart > 1e-6);
  CHECK(apart < 0.05);  // some ten products of 2^-8 each, one behind the other
  const int before = threads();
  for (const int n : {1, 3}) {
    set_threads(n);
    CHECK(draw(0, 2) == x.rows(0, 2));
    CHECK(draw(2, 3) == x.rows(2, 3));
    const Tensor<float> time({1}, 0.4F), input = x.rows(1, 1);
    const Tensor<float> plain = net(input, time);
    const PackedWeights packed(net);
    CHECK(net(input, time) == plain);  // packs
    CHECK(net(input, time) == plain);  // finds
  }
  set_threads(before);
}

}  // namespace

TEST_CASE("autocast: samples of networks", "[nn][autocast]") {
  check_sampling(transformer(), {1, 34, 1});
  check_sampling(test::made<nn::UNet1d<float>>(wide_unet(), 4), {1, 40, 1});
  check_sampling(test::made<nn::UNet2d<float>>(wide_unet(), 5), {1, 8, 8, 1});
}

TEST_CASE("autocast: gradients are near those of floats, and training has its own bits",
          "[nn][autocast]") {
  const auto net = transformer();
  const auto x0 = Rng(1).normal<float>({12, 34, 1});
  const auto loss = [&](const auto& model, Tape<float>& tape, const train::Examples& e) {
    return NetworkDenoiser(model, predict::Velocity{}, schedule::Cosine{})
        .loss(tape, x0.rows(e.index), Rng(2), e.draws);
  };
  const auto gradients = [&] {
    Tape<float> tape;
    const std::vector<Index> examples = {0, 1, 2, 3};
    const auto y = loss(net, tape, train::Examples{.index = examples, .draws = {.step = 0}});
    return std::move(tape).backward(y);
  };
  const auto single = gradients();
  const auto rounded = [&] {
    const Autocast bf16;
    return gradients();
  }();
  double difference = 0, all = 0;
  ModelView(net).each_parameter([&](const ModelPath&, const Parameter<float>& p) {
    const Tensor<float>& a = single[p];
    const Tensor<float>& b = rounded[p];
    difference += std::pow(norm(a - b), 2);
    all += std::pow(norm(a), 2);
  });
  CHECK(difference > 0);
  CHECK(std::sqrt(difference / all) < 0.05);

  const int before = threads();
  const auto trained = [&](int n, Index stop) {
    set_threads(n);
    train::FitState state(net, train::Adam<float>({.lr = 1e-3}), 1);
    for (const Index end : {stop, Index{6}})  // in one go, or in two
      train::fit(state, loss, {.examples = 12, .batch = 8, .shard = 4, .steps = end});
    return state.result()(x0, Tensor<float>({12}, 0.5F));
  };
  const Autocast bf16;
  const Tensor<float> once = trained(1, 6);
  CHECK(trained(3, 6) == once);
  CHECK(trained(2, 2) == once);
  set_threads(before);
}
