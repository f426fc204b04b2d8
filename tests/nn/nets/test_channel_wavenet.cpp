// Covers: channel_wavenet
#include "foglift/nn/nets/channel_wavenet.hpp"
#include "nn/module_checks.hpp"

#include <cmath>
#include <vector>

using namespace foglift;

namespace {

using Net = nn::ChannelWavenet<double>;
using Rows = std::vector<std::vector<double>>;  // of places, each of channels

Net small(Index channels, Index depth = 3) {
  Rng rng(1);
  Net net({.channels = channels,
           .condition = 3,
           .width = 2,
           .depth = depth,
           .features = 4,
           .embedding = 5},
          rng);
  test::randomize(net, 1);
  return net;
}

double leaky(double v) { return v > 0 ? v : 0.4 * v; }

template <class L>
std::vector<double> affine(const L& layer, const std::vector<double>& x) {
  std::vector<double> y;
  for (Index j = 0; j < layer.weight.value.dim(1); ++j) {
    double sum = layer.bias->value[j];
    for (std::size_t i = 0; i < x.size(); ++i) sum += x[i] * layer.weight.value(Index(i), j);
    y.push_back(sum);
  }
  return y;
}

/// Taps of a convolution at places at + dilation * {0, 1, 2}, around the circle.
std::vector<double> conv(const nn::Conv1d<double>& layer, const Rows& x, Index at, Index dilation) {
  const auto n = std::ssize(x);
  std::vector<double> y;
  for (Index j = 0; j < layer.weight.value.dim(2); ++j) {
    double sum = layer.bias->value[j];
    for (Index tap = 0; tap < 3; ++tap) {
      const auto& from = x[std::size_t((at + dilation * tap + n) % n)];
      for (std::size_t i = 0; i < from.size(); ++i)
        sum += from[i] * layer.weight.value(tap, Index(i), j);
    }
    y.push_back(sum);
  }
  return y;
}

/// One sample by its definition, with dilations 1, 2, 1, ...
std::vector<double> defined(const Net& net, const std::vector<double>& x,
                            const std::vector<double>& e, std::vector<double> c) {
  const Index K = std::ssize(x);
  for (const auto* layer : {&net.told1, &net.told2}) {
    c = affine(*layer, c);
    for (double& v : c) v = leaky(v);
  }
  Rows h, told, sum;
  for (Index i = -2; i < K + 2; ++i) {
    const auto k = std::size_t((i + 2 * K) % K);
    told.push_back({c[k]});
    h.push_back(affine(net.input, {x[k]}));
    for (double& v : h.back()) v = leaky(v);
    sum.push_back({0, 0});
  }
  for (std::size_t b = 0; b < net.blocks.size(); ++b) {
    const auto& block = net.blocks[b];
    const Index dilation = b % 2 == 0 ? 1 : 2;
    Rows shifted = h;
    for (auto& row : shifted)
      for (std::size_t i = 0; i < 2; ++i) row[i] += affine(*block.gated.embed, e)[i];
    for (std::size_t at = 0; at < h.size(); ++at) {
      const auto mixed = conv(block.conv, shifted, Index(at) - dilation, dilation);
      const auto added = affine(*block.gated.condition, told[at]);
      std::vector<double> gate;
      for (std::size_t i = 0; i < 2; ++i)
        gate.push_back(std::tanh(mixed[i + 2] + added[i + 2]) /
                       (1 + std::exp(-mixed[i] - added[i])));
      const auto both = affine(block.gated.output, gate);
      for (std::size_t i = 0; i < 2; ++i) {
        h[at][i] = (h[at][i] + both[i]) / std::sqrt(2.0);
        sum[at][i] += both[i + 2] / std::sqrt(double(net.blocks.size()));
      }
    }
  }
  Rows skipped;
  for (Index at = 0; at < K + 2; ++at) {
    skipped.push_back(conv(net.skip, sum, at, 1));
    for (double& v : skipped.back()) v = leaky(v);
  }
  std::vector<double> y;
  for (Index at = 0; at < K; ++at) y.push_back(conv(net.output, skipped, at, 1)[0]);
  return y;
}

}  // namespace

TEST_CASE("channel_wavenet: is what its definition says", "[nn][channel_wavenet]") {
  for (const Index K : {1, 2, 5}) {
    const Net net = small(K);
    const auto x = Rng(2).normal<double>({2, K}), c = Rng(3).normal<double>({2, 3});
    const Tensor<double> time({2}, {0.3, 0.9}), e = net.embedding(time, {}, x);
    const Tensor<double> y = net(x, time, c);
    REQUIRE(y.shape() == Shape{2, K});
    const auto row = [](const Tensor<double>& t, Index b) {
      const Tensor<double> one = t.rows(b, 1);
      return std::vector<double>(one.begin(), one.end());
    };
    for (const Index b : {0, 1}) {
      const auto expected = defined(net, row(x, b), row(e, b), row(c, b));
      for (Index k = 0; k < K; ++k) CHECK_THAT(y(b, k), WithinRel(expected[std::size_t(k)], 1e-12));
    }
  }
  CHECK_THROWS_AS(small(3)(Tensor<double>({2, 4}), Tensor<double>({2}), Tensor<double>({2, 3})),
                  ShapeError);
}

TEST_CASE("channel_wavenet: is a module", "[nn][channel_wavenet]") {
  const auto x = Rng(2).normal<double>({2, 3}), c = Rng(3).normal<double>({2, 3});
  test::check_module(small(3, 2), [&](const auto& m, const auto& in) {
    return m(in(x), Tensor<double>({2}, {0.1, 0.8}), in(c));
  });
}
