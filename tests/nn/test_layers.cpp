// Covers: conditioning layers/conv residual
#include "foglift/nn/blocks/residual.hpp"
#include "foglift/nn/gradcheck.hpp"
#include "foglift/nn/layers/attention.hpp"
#include "foglift/nn/layers/conv.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cmath>

using namespace foglift;

namespace {

/// Parameters of a layer all random, also those that start at one or zero.
template <class Layer>
void randomize(Layer& layer, std::uint64_t seed) {
  Rng rng(seed);
  nn::for_each_parameter(layer, [&](const std::string&, Parameter<double>& p) {
    p.value = rng.split().normal<double>(p.value.shape());
    for (double& v : p.value) v *= 0.5;
  });
}

double affine(const nn::Linear<double>& f, const double* x, Index out) {
  double sum = f.bias ? f.bias->value[out] : 0;
  for (Index i = 0; i < f.weight.value.dim(0); ++i) sum += x[i] * f.weight.value(i, out);
  return sum;
}

// Sums of a few dozen products of order 1 in double.
void close(const Tensor<double>& a, const Tensor<double>& b) {
  REQUIRE(a.shape() == b.shape());
  for (Index i = 0; i < a.size(); ++i) CHECK_THAT(a[i], WithinAbs(b[i], 1e-12));
}

/// Multi-head attention head by head and position by position.
Tensor<double> naive_attention(const Tensor<double>& q, const Tensor<double>& k,
                               const Tensor<double>& v, Index heads) {
  const Index B = q.dim(0), N = q.dim(1), M = k.dim(1), d = q.dim(2) / heads;
  Tensor<double> y(q.shape());
  for (Index b = 0; b < B; ++b)
    for (Index h = 0; h < heads; ++h)
      for (Index n = 0; n < N; ++n) {
        std::vector<double> p;
        double total = 0;
        for (Index m = 0; m < M; ++m) {
          double score = 0;
          for (Index c = h * d; c < (h + 1) * d; ++c) score += q(b, n, c) * k(b, m, c);
          p.push_back(std::exp(score / std::sqrt(static_cast<double>(d))));
          total += p.back();
        }
        for (Index c = h * d; c < (h + 1) * d; ++c)
          for (Index m = 0; m < M; ++m)
            y(b, n, c) += p[static_cast<std::size_t>(m)] / total * v(b, m, c);
      }
  return y;
}

Tensor<double> naive_linear(const nn::Linear<double>& f, const Tensor<double>& x, Index first,
                            Index count) {
  Tensor<double> y({x.dim(0), x.dim(1), count});
  for (Index r = 0; r < x.dim(0) * x.dim(1); ++r)
    for (Index o = 0; o < count; ++o) y[r * count + o] = affine(f, &x[r * x.dim(2)], first + o);
  return y;
}

}  // namespace

TEST_CASE("linear: starts uniform within the root of its inputs", "[nn][linear]") {
  Rng rng(1);
  const nn::Linear<float> layer({.in = 100, .out = 300}, rng);
  double square = 0;
  float largest = 0;
  for (const float w : layer.weight.value) {
    largest = std::max(largest, std::abs(w));
    square += static_cast<double>(w) * static_cast<double>(w);
  }
  CHECK(largest <= 0.1f);
  // Variance of U(-a, a) is a^2 / 3; its estimate from n draws has relative deviation
  // sqrt(0.8 / n) = 0.5 % here: four of those.
  CHECK_THAT(square / 30000, WithinRel(0.01 / 3, 0.02));
  CHECK(layer.bias->value.size() == 300);
  CHECK(*std::max_element(layer.bias->value.begin(), layer.bias->value.end()) > 0.09f);
  const nn::Linear<float> zero({.in = 3, .out = 2, .zero = true}, rng);
  CHECK(zero.weight.value == Tensor<float>({3, 2}));
}

TEST_CASE("linear: the same generator gives the same weights, the next ones others",
          "[nn][linear]") {
  Rng a(7), b(7);
  const nn::Linear<float> first({.in = 3, .out = 4}, a), again({.in = 3, .out = 4}, b),
      second({.in = 3, .out = 4}, a);
  CHECK(first.weight.value == again.weight.value);
  CHECK_FALSE(first.weight.value == second.weight.value);
}

TEST_CASE("linear: y = x W + b, with and without bias", "[nn][linear]") {
  Rng rng(1);
  nn::Linear<double> layer({.in = 2, .out = 2}, rng);
  layer.weight.value = Tensor<double>({2, 2}, {1, 2, 3, 4});
  layer.bias->value = Tensor<double>({2}, {10, 20});
  const Tensor<double> x({1, 2}, {5, 6});
  CHECK(layer(x) == Tensor<double>({1, 2}, {33, 54}));
  nn::Linear<double> plain({.in = 2, .out = 2, .bias = false}, rng);
  plain.weight.value = layer.weight.value;
  CHECK(plain(x) == Tensor<double>({1, 2}, {23, 34}));
  CHECK(nn::parameter_count(plain) == 4);
  CHECK_THROWS_AS(layer(Tensor<double>({1, 3})), ShapeError);
  CHECK_THROWS_AS(nn::Linear<double>({.in = 0, .out = 2}, rng), ArgumentError);
}

TEST_CASE("conv: extents follow kernel, stride, dilation and padding", "[nn][conv]") {
  Rng rng(1);
  const auto extent = [&](nn::ConvLayerOptions o, Index L) {
    o.in = o.out = 1;
    return nn::Conv1d<float>(o, rng)(Tensor<float>({1, L, 1})).dim(1);
  };
  CHECK(extent({.kernel = 3}, 9) == 9);
  CHECK(extent({.kernel = 5, .dilation = 2}, 9) == 9);
  CHECK(extent({.kernel = 3, .stride = 2}, 9) == 5);
  CHECK(extent({.kernel = 3, .stride = 2}, 8) == 4);
  CHECK(extent({.kernel = 4, .padding = 0}, 9) == 6);
  CHECK(extent({.kernel = 3, .padding = 2, .mode = Padding::reflect}, 9) == 11);
  const nn::Conv2d<float> two({.in = 2, .out = 3, .stride = 2}, rng);
  CHECK(two(Tensor<float>({1, 6, 5, 2})).shape() == Shape{1, 3, 3, 3});
  CHECK(two.weight.value.shape() == Shape{3, 3, 2, 3});
  CHECK_THROWS_AS(nn::Conv1d<float>({.in = 1, .out = 1, .stride = 0}, rng), ArgumentError);
  CHECK_THROWS_AS(nn::Conv1d<float>({.in = 1, .out = 1, .padding = -1}, rng), ArgumentError);
}

TEST_CASE("conv: a moving sum by hand, zero and circular", "[nn][conv]") {
  Rng rng(1);
  for (const Padding mode : {Padding::zero, Padding::circular}) {
    nn::Conv1d<double> sum({.in = 1, .out = 1, .mode = mode}, rng);
    sum.weight.value = Tensor<double>({3, 1, 1}, {1, 10, 100});
    sum.bias->value.fill(0.5);
    const bool ring = mode == Padding::circular;
    CHECK(sum(Tensor<double>({1, 3, 1}, {1, 2, 3})) ==
          Tensor<double>({1, 3, 1}, {ring ? 213.5 : 210.5, 321.5, ring ? 132.5 : 32.5}));
  }
}

TEST_CASE("norm: layers start as plain normalizations", "[nn][norm]") {
  const Tensor<double> x({1, 2, 2}, {1, 3, 5, 11});
  // Groups of one channel: {1, 5} and {3, 11}; of two: all four numbers.
  const auto each = nn::GroupNorm<double>({.channels = 2, .groups = 2, .eps = 1e-300})(x);
  close(each, Tensor<double>({1, 2, 2}, {-1, -1, 1, 1}));
  const auto all = nn::GroupNorm<double>({.channels = 2, .groups = 1, .eps = 1e-300})(x);
  const double deviation = std::sqrt((16 + 4 + 0 + 36) / 4.0);
  close(all,
        Tensor<double>({1, 2, 2}, {-4 / deviation, -2 / deviation, 0 / deviation, 6 / deviation}));
  for (const bool affine : {true, false})
    close(nn::LayerNorm<double>({.channels = 2, .eps = 1e-300, .affine = affine})(x),
          Tensor<double>({1, 2, 2}, {-1, 1, -1, 1}));
  const double r1 = std::sqrt(5.0), r2 = std::sqrt(73.0);
  close(nn::RmsNorm<double>({.channels = 2, .eps = 1e-300})(x),
        Tensor<double>({1, 2, 2}, {1 / r1, 3 / r1, 5 / r2, 11 / r2}));
  CHECK_THROWS_AS(nn::GroupNorm<double>({.channels = 6, .groups = 4}), ArgumentError);
  CHECK_THROWS_AS(nn::LayerNorm<double>({}), ArgumentError);
}

TEST_CASE("film: scales and shifts each channel by the condition", "[nn][conditioning]") {
  Rng rng(1);
  nn::Film<double> film({.channels = 2, .condition = 1}, rng);
  film.linear.weight.value = Tensor<double>({1, 4}, {1, 2, 3, 4});
  film.linear.bias->value.fill(0);
  const Tensor<double> x({2, 2, 2}, {1, 1, 2, 2, 1, 1, 2, 2}), c({2, 1}, {1, -1});
  // Sample 0: shift 1, 2, gain 4, 5; sample 1: shift -1, -2, gain -2, -3.
  CHECK(film(x, c) == Tensor<double>({2, 2, 2}, {5, 7, 9, 12, -3, -5, -5, -8}));
  const nn::Film<double> zero({.channels = 2, .condition = 1, .zero = true}, rng);
  CHECK(zero(x, c) == x);
  const nn::AdaLayerNorm<double> ada({.channels = 2, .condition = 1, .zero = true}, rng);
  const nn::LayerNorm<double> plain({.channels = 2, .eps = 1e-6, .affine = false});
  CHECK(ada(x, c) == plain(x));
}

TEST_CASE("attention: self and cross agree with loops over heads", "[nn][attention]") {
  Rng rng(1);
  const auto x = Rng(2).normal<double>({2, 5, 6}), context = Rng(3).normal<double>({2, 4, 3});
  const nn::MultiHeadAttention<double> self({.width = 6, .heads = 2}, rng);
  const auto q = naive_linear(*self.qkv, x, 0, 6), k = naive_linear(*self.qkv, x, 6, 6),
             v = naive_linear(*self.qkv, x, 12, 6);
  close(self(x), naive_linear(self.proj, naive_attention(q, k, v, 2), 0, 6));

  const nn::MultiHeadAttention<double> cross({.width = 6, .heads = 3, .context = 3}, rng);
  const auto cq = naive_linear(*cross.q, x, 0, 6), ck = naive_linear(*cross.kv, context, 0, 6),
             cv = naive_linear(*cross.kv, context, 6, 6);
  const auto seen = cross(x, context);
  close(seen, naive_linear(cross.proj, naive_attention(cq, ck, cv, 3), 0, 6));

  // A mask over the context equals a shorter context.
  const Tensor<double> mask({2, 4}, {1, 1, 0, 0, 1, 1, 0, 0});
  close(cross(x, context, &mask), cross(x, slice(context, 1, 0, 2)));

  CHECK_THROWS_AS(self(x, context), ArgumentError);
  CHECK_THROWS_AS(cross(x), ArgumentError);
  CHECK_THROWS_AS(nn::MultiHeadAttention<double>({.width = 6, .heads = 4}, rng), ArgumentError);
}

TEST_CASE("attention: a block adds to its input over all positions", "[nn][attention]") {
  Rng rng(1);
  nn::AttentionBlock<double> block({.width = 4, .heads = 2, .groups = 2, .context = 3}, rng);
  randomize(block, 5);
  const auto x = Rng(2).normal<double>({2, 2, 3, 4}), context = Rng(3).normal<double>({2, 5, 3});
  const auto flat = x.reshaped({2, 6, 4});
  const auto self = flat + block.attention(block.norm(flat));
  close(block(x), self.reshaped(x.shape()));
  const nn::Context<Tensor<double>> told{context};
  close(block(x, &told),
        (self + (*block.cross)((*block.cross_norm)(self), context)).reshaped(x.shape()));
  const nn::AttentionBlock<double> start({.width = 4, .heads = 2, .groups = 2, .zero = true}, rng);
  CHECK(start(x) == x);
  CHECK_THROWS_AS(start(x, &told), ArgumentError);
}

TEST_CASE("residual: the branch is added to the input or its projection", "[nn][residual]") {
  Rng rng(1);
  const auto x = Rng(2).normal<double>({2, 5, 4}), e = Rng(3).normal<double>({2, 3});
  nn::ResBlock<1, double> block({.in = 4, .out = 6, .embedding = 3, .groups = 2}, rng);
  randomize(block, 4);
  Tensor<double> h = block.conv1(silu(block.norm1(x)));
  for (Index b = 0; b < 2; ++b)
    for (Index l = 0; l < 5; ++l)
      for (Index c = 0; c < 6; ++c) h(b, l, c) += affine(*block.embed, &e(b, 0), c);
  close(block(x, e), block.conv2(silu(block.norm2(h))) + (*block.skip)(x));

  const nn::ResBlock<2, double> zero({.in = 4, .out = 4, .groups = 2, .zero = true}, rng);
  const auto image = Rng(4).normal<double>({2, 3, 3, 4});
  CHECK(zero(image) == image);
  CHECK_THROWS_AS(block(x), ArgumentError);
  CHECK_THROWS_AS((nn::ResBlock<1, double>({.in = 4, .out = 6, .groups = 4}, rng)), ArgumentError);
}

TEST_CASE("residual: an embedding of two halves scales by the first and shifts by the second",
          "[nn][residual]") {
  // As guided-diffusion and diffusers: scale, shift = chunk(embed(e), 2); norm2(h) (1 + scale) +
  // shift.
  Rng rng(1);
  const auto x = Rng(2).normal<double>({2, 5, 4}), e = Rng(3).normal<double>({2, 3});
  nn::ResBlock<1, double> block(
      {.in = 4, .out = 6, .embedding = 3, .scale_shift = true, .groups = 2}, rng);
  randomize(block, 4);
  Tensor<double> h = block.norm2(block.conv1(silu(block.norm1(x))));
  for (Index b = 0; b < 2; ++b)
    for (Index l = 0; l < 5; ++l)
      for (Index c = 0; c < 6; ++c)
        h(b, l, c) = h(b, l, c) * (1 + affine(*block.embed, &e(b, 0), c)) +
                     affine(*block.embed, &e(b, 0), 6 + c);
  close(block(x, e), block.conv2(silu(h)) + (*block.skip)(x));
}

TEST_CASE("residual: weights of an embedding that adds are none of one that scales and shifts",
          "[nn][residual]") {
  const auto names = [](bool scale_shift) {
    Rng rng(1);
    const nn::ResBlock<1, double> block(
        {.in = 4, .out = 4, .embedding = 3, .scale_shift = scale_shift, .groups = 2}, rng);
    std::vector<std::string> all;
    nn::for_each_parameter(block,
                           [&](const std::string& name, const auto&) { all.push_back(name); });
    return all;
  };
  CHECK(names(false)[4] == "embed.weight");
  CHECK(names(true)[4] == "scale_shift.weight");
}

TEST_CASE("residual: gradients with scale and shift are right", "[nn][residual]") {
  Rng rng(1);
  nn::ResBlock<2, double> block(
      {.in = 2, .out = 4, .embedding = 3, .scale_shift = true, .groups = 2}, rng);
  randomize(block, 4);
  const auto x = Rng(2).normal<double>({2, 3, 4, 2}), e = Rng(3).normal<double>({2, 3});
  const auto report = nn::gradcheck(
      block,
      [&](const auto& net, Tape<double>& tape) { return net(tape.constant(x), tape.constant(e)); },
      {.points = 4, .step = 1e-3, .max_entries = 12});
  INFO(report);
  CHECK(report.max_error < 1e-6);
}
