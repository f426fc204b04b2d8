// Covers: packed_weights
#include "foglift/autograd/ops/linear.hpp"
#include "foglift/autograd/packed_weights.hpp"
#include "foglift/core/rng.hpp"
#include "foglift/diffusion/guidance/classifier_free.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/schedule/cosine.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/kernels/conv/winograd.hpp"
#include "support/catch.hpp"

#include <memory>
#include <optional>
#include <vector>

using namespace foglift;

namespace {

/// x + x A + ...: networks whose weights gemm has to pack, 3 columns being no whole packet.
struct Layer {
  Parameter<float> weight;
  static void each(auto& self, auto&& f) { f("weight", self.weight); }
};
struct Net {
  std::vector<Layer> layers;
  std::optional<Layer> last;

  explicit Net(std::uint64_t seed) {
    for (std::uint64_t i = 0; i < 3; ++i)
      layers.push_back({Parameter<float>(Rng(seed + i).normal<float>({3, 3}))});
  }
  Tensor<float> operator()(const Tensor<float>& x, const Tensor<float>&) const {
    Tensor<float> y = x;
    for (const Layer& layer : layers) y = linear(y, layer.weight.value);
    return y;
  }
  static void each(auto& self, auto&& f) {
    f("layers", self.layers);
    f("last", self.last);
  }
};

using Panels = kernels::Panels<float>;

/// Where the panels of a weight are.
const float* packed(const Parameter<float>& p) {
  return Panels(kernels::row_major(p.value.data(), 3), 3, 3).row(0, 0);
}
/// Whether the panels of a weight are made once: otherwise a second pair lies elsewhere.
bool kept(const Parameter<float>& p) {
  const Panels a(kernels::row_major(p.value.data(), 3), 3, 3);
  const Panels b(kernels::row_major(p.value.data(), 3), 3, 3);
  return a.row(0, 0) == b.row(0, 0);
}

/// Counts the calls in which its weight is kept.
struct Probe {
  Layer layer{Parameter<float>(Tensor<float>({3, 3}, 0.1f))};
  int* kept_calls;
  Tensor<float> operator()(const Tensor<float>& x, const Tensor<float>&) const {
    *kept_calls += kept(layer.weight) ? 1 : 0;
    return linear(x, layer.weight.value);
  }
  static void each(auto& self, auto&& f) { f("layer", self.layer); }
};

Tensor<float> drawn(const auto& denoise) {
  return sample(solver::Ddim{}, denoise, {2, 3}, grid::uniform(schedule::Cosine{}, 4), Rng(5));
}

}  // namespace

TEST_CASE("packed weights: are made once while the promise lasts", "[autograd][packed]") {
  const Net net(1);
  CHECK_FALSE(kept(net.layers[1].weight));
  {
    const PackedWeights promise(net);
    for (const Layer& layer : net.layers) CHECK(kept(layer.weight));
    CHECK(packed(net.layers[0].weight) != packed(net.layers[1].weight));
    const Net other(9);
    CHECK_FALSE(kept(other.layers[0].weight));
    const float* const w = net.layers[0].weight.value.data();  // another form of the same weight
    CHECK(Panels(kernels::transposed(w, 3), 3, 3).row(0, 0) != packed(net.layers[0].weight));
  }
  CHECK_FALSE(kept(net.layers[1].weight));
}

TEST_CASE("packed weights: the older of two promises keeps them", "[autograd][packed]") {
  const Net net(1);
  const PackedWeights outer(net);
  const float* inside = nullptr;
  {
    const PackedWeights inner(net);
    inside = packed(net.layers[0].weight);
  }
  CHECK(packed(net.layers[0].weight) == inside);
}

TEST_CASE("packed weights: promises end in any order", "[autograd][packed]") {
  const Net a(1), b(2), c(3);
  auto first = std::make_unique<PackedWeights>(a);
  auto second = std::make_unique<PackedWeights>(b);
  const PackedWeights third(c);
  second.reset();
  CHECK(kept(a.layers[0].weight));
  CHECK_FALSE(kept(b.layers[0].weight));
  CHECK(kept(c.layers[0].weight));
  first.reset();
  CHECK_FALSE(kept(a.layers[0].weight));
  CHECK(kept(c.layers[0].weight));
}

TEST_CASE("packed weights: serve the threads that help", "[autograd][packed]") {
  struct Threads {
    int before = threads();
    ~Threads() { set_threads(before); }
  } restore;
  set_threads(3);
  const Net net(1);
  const PackedWeights promise(net);
  std::vector<const float*> seen(64);
  parallel_for(64, 1,
               [&](Index i) { seen[static_cast<std::size_t>(i)] = packed(net.layers[0].weight); });
  for (const float* p : seen) CHECK(p == packed(net.layers[0].weight));
}

TEST_CASE("packed weights: a transformed weight is made once", "[autograd][packed]") {
  const Layer layer{Parameter<float>(Rng(1).normal<float>({3, 3, 5, 7}))};
  const PackedWeights promise(layer);
  const float* const w = layer.weight.value.data();
  CHECK(kernels::WinogradWeights<float>(5, 7, w).at(0, 0) ==
        kernels::WinogradWeights<float>(5, 7, w).at(0, 0));
}

TEST_CASE("packed weights: change no bit of a run, and the next run sees new weights",
          "[autograd][packed]") {
  Net net(1);
  const auto plain = [&](const Tensor<float>& x, const Tensor<float>& t) {
    CHECK_FALSE(kept(net.layers[0].weight));  // nothing is known of what a lambda calls
    return net(x, t);
  };
  const NetworkDenoiser denoise(net, predict::X0{}, schedule::Cosine{});
  const NetworkDenoiser unpacked(plain, predict::X0{}, schedule::Cosine{});
  const Tensor<float> first = drawn(denoise);
  CHECK(first == drawn(unpacked));
  net.layers[2].weight.value[4] += 1;
  CHECK(drawn(denoise) == drawn(unpacked));
  CHECK(drawn(denoise) != first);
}

TEST_CASE("packed weights: a run finds networks inside guidances", "[autograd][packed]") {
  int conditional = 0, unconditional = 0;
  const NetworkDenoiser c(Probe{.kept_calls = &conditional}, predict::X0{}, schedule::Cosine{});
  const NetworkDenoiser u(Probe{.kept_calls = &unconditional}, predict::X0{}, schedule::Cosine{});
  drawn(c | guide::ClassifierFree{u, 1.5});
  CHECK(conditional == 4);
  CHECK(unconditional == 4);
}
