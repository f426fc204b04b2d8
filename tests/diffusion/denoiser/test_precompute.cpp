#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/guidance/classifier_free.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/schedule/cosine.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/diffusion/solver/heun.hpp"
#include "foglift/nn/nets/dit.hpp"
#include "foglift/nn/nets/mlp.hpp"
#include "support/catch.hpp"

using namespace foglift;

namespace {

/// A network that tells in how many of its calls its embedding knew the time.
template <class Net>
struct Asking {
  Net net;
  const nn::TimeEmbedding<float>& embedding = net.embedding;
  mutable int known = 0, calls = 0;

  explicit Asking(Net n) : net(std::move(n)) {}
  Tensor<float> operator()(const Tensor<float>& x, const Tensor<float>& time) const {
    ++calls;
    known += embedding.knows(time[0]) ? 1 : 0;
    return net(x, time);
  }
  static void each(auto& self, auto&& f) { f("net", self.net); }
};

nn::Mlp<float> mlp(int layers = 1) {
  Rng rng(1);
  return nn::Mlp<float>({.in = 3, .width = 20, .embedding = {.layers = layers}}, rng);
}

const TimeGrid grid5 = grid::uniform(schedule::Cosine{}, 5);

}  // namespace

TEST_CASE("precompute: a run embeds its times at once and changes no bit",
          "[diffusion][denoiser]") {
  const auto check = [](const auto& net, const Shape& shape, const auto& solver) {
    const Asking asking{net};
    const NetworkDenoiser denoise(asking, predict::Velocity{}, schedule::Cosine{});
    const NetworkDenoiser plain([&](const auto& x, const auto& time) { return net(x, time); },
                                predict::Velocity{}, schedule::Cosine{});
    const auto x = sample(solver, denoise, shape, grid5, Rng(3));
    CHECK(asking.known == asking.calls);
    CHECK(x == sample(solver, plain, shape, grid5, Rng(3)));
    CHECK_FALSE(net.embedding.knows(1.0f));
  };
  Rng rng(2);
  for (const Index batch : {1, 3}) {
    check(mlp(1), {batch, 3}, solver::Ddim{});
    check(mlp(2), {batch, 3}, solver::Heun{});
    check(nn::Dit1d<float>({.in = 2, .width = 16, .depth = 1, .heads = 2, .zero = false}, rng),
          {batch, 8, 2}, solver::Ddim{});
  }
}

TEST_CASE("precompute: reaches the networks inside a guidance", "[diffusion][denoiser]") {
  const Asking first{mlp()}, second{mlp()};
  const NetworkDenoiser a(first, predict::Velocity{}, schedule::Cosine{});
  const NetworkDenoiser b(second, predict::Velocity{}, schedule::Cosine{});
  sample(solver::Ddim{}, a | guide::ClassifierFree{b, 2.0}, {2, 3}, grid5, Rng(3));
  CHECK(first.calls == 5);
  CHECK(second.calls == 5);
  CHECK(first.known == 5);
  CHECK(second.known == 5);
}

TEST_CASE("precompute: once for many runs, and a run on another grid does it for itself",
          "[diffusion][denoiser]") {
  const Asking asking{mlp()};
  const NetworkDenoiser denoise(asking, predict::Velocity{}, schedule::Cosine{});
  PackedWeights promise(denoise);
  precompute(promise, denoise,
             TimeGrid{});  // a grid without steps is no error here: nothing to embed
  precompute(promise, denoise, {grid5.front()});
  const float* const weight = asking.embedding.fc1.weight.value.data();
  CHECK(PackedWeights::ahead(weight) == nullptr);
  precompute(promise, denoise, grid5);
  const auto* const table = PackedWeights::ahead(weight);
  REQUIRE(table != nullptr);
  CHECK(table->size() == 5 * (1 + 20));
  const auto run = [&](const TimeGrid& g) {
    bool same_table = true;
    asking.known = asking.calls = 0;
    sample(solver::Ddim{}, denoise, {1, 3}, g, Rng(3), {},
           [&](const auto&) { same_table = same_table && PackedWeights::ahead(weight) == table; });
    CHECK(asking.known == asking.calls);
    return same_table;
  };
  CHECK(run(grid5));
  CHECK_FALSE(run(grid::uniform(schedule::Cosine{}, 7)));
  CHECK(run(grid5));
}

TEST_CASE("precompute: an embedding that is told a class is left alone", "[diffusion][denoiser]") {
  Rng rng(1);
  const nn::Mlp<float> net({.in = 3, .width = 20, .embedding = {.classes = 2}}, rng);
  const NetworkDenoiser denoise(net, predict::Velocity{}, schedule::Cosine{});
  PackedWeights promise(denoise);
  precompute(promise, denoise, grid5);
  CHECK(PackedWeights::ahead(net.embedding.fc1.weight.value.data()) == nullptr);
}
