// Covers: denoiser state_space two_axis
#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/grid.hpp"
#include "foglift/diffusion/loss.hpp"
#include "foglift/diffusion/parameterization.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/nn/blocks/two_axis.hpp"
#include "foglift/nn/layers/embedding.hpp"
#include "foglift/nn/layers/state_space.hpp"
#include "foglift/train/rules/adam.hpp"
#include "nn/module_checks.hpp"

#include <cmath>

using namespace foglift;

// An exercise: a program writes a denoiser of the library's blocks. Files touched: this one.

namespace {

/// A denoiser of K series of L times in the manner of CSDI (Tashiro et al. 2021), with a
/// state-space layer in front that tells times apart: x [B, L, K], time [B] -> [B, L, K].
template <class T>
struct PanelNet {
  using value_type = T;
  static constexpr Index width = 8;

  nn::TimeEmbedding<T> embedding;
  nn::StateSpace<T> past;  // over times, of all series
  nn::Linear<T> input, output;
  Parameter<T> series;  // what each series is
  std::vector<nn::TwoAxisBlock<T>> blocks;

  PanelNet(Index K, Index depth, Rng& rng)
      : embedding({.features = width, .width = width}, rng),
        past({.channels = K, .modes = 4}, rng),
        input({.in = 2, .out = width}, rng),
        output({.in = width, .out = 1}, rng),
        series(nn::normal_parameter<T>({K, width}, 0.1, rng)) {
    for (Index i = 0; i < depth; ++i)
      blocks.emplace_back(
          nn::TwoAxisBlockOptions{.width = width, .heads = 2, .hidden = 16, .embedding = width},
          rng);
  }

  template <nn::ValueOf<T> X>
  X operator()(const X& x, const Tensor<T>& time) const {
    const Index B = x.dim(0), L = x.dim(1), K = x.dim(2);
    const X e = embedding(time, {}, x);
    const X both = concat({reshape(x, {B, L, K, 1}), reshape(past(x).sequence, {B, L, K, 1})}, -1);
    X h = input(both) + use(series, x);
    std::vector<X> skips;
    for (const auto& block : blocks) {
      const auto next = block(h, &e);
      h = next.x;
      skips.push_back(skips.empty() ? next.skip : skips.back() + next.skip);
    }
    return reshape(output(silu(skips.back())), {B, L, K});
  }

  static void each(auto& self, auto&& f) {
    f("embedding", self.embedding);
    f("past", self.past);
    f("input", self.input);
    f("series", self.series);
    f("blocks", self.blocks);
    f("output", self.output);
  }
};

}  // namespace

TEST_CASE("own network: is a module", "[nn][own]") {
  Rng rng(1);
  const auto x = Rng(2).normal<double>({2, 4, 3});
  const Tensor<double> time({2}, {0.2, 0.9});
  test::check_module(PanelNet<double>(3, 2, rng),
                     [&](const auto& m, const auto& in) { return m(in(x), time); });
}

TEST_CASE("own network: learns, and samples with any solver", "[nn][own]") {
  Rng rng(1);
  PanelNet<float> net(2, 1, rng);
  NetworkDenoiser denoise(net, predict::Velocity{}, schedule::Cosine{});
  // Two series of which the second is the first turned around: their sum is 0.
  auto data = rng.stream(1).normal({64, 6, 2});
  for (Index i = 0; i < data.size(); i += 2) data[i + 1] = -data[i];
  train::Adam<float> adam({.lr = 5e-3});
  float first = 0, last = 0;
  for (Index step = 0; step < 200; ++step) {
    Tape<float> tape;
    const auto loss = denoise.loss(tape, data, rng, {.step = step});
    (step < 10 ? first : last) += step < 10 || step >= 190 ? loss.value().item() / 10 : 0;
    adam.step(net, tape.backward(loss), adam.learning_rate());
  }
  CHECK(last < 0.8F * first);
  const auto x = sample(solver::Ddim{}, denoise, {16, 6, 2}, grid::uniform(denoise, 10), Rng(3));
  const auto y = sample(solver::Ddim{}, denoise, {4, 6, 2}, grid::uniform(denoise, 10), Rng(3));
  CHECK(y == x.rows(0, 4));
  double sum = 0, size = 0;
  for (Index i = 0; i < x.size(); i += 2) {
    sum += std::pow(static_cast<double>(x[i] + x[i + 1]), 2);
    size += std::pow(static_cast<double>(x[i] - x[i + 1]), 2);
  }
  CHECK(sum < 0.5 * size);  // unrelated series would have them equal
}
