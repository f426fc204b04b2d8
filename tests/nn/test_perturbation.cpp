#include "foglift/nn/mlp.hpp"
#include "foglift/nn/transformer.hpp"
#include "foglift/nn/unet.hpp"
#include "foglift/nn/uvit.hpp"
#include "nn/denoiser_checks.hpp"

#include <cmath>
#include <map>

using namespace foglift;

namespace {

using Names = std::vector<std::string>;
using T2 = Tensor<double>;

/// Self-attention by its definition, in plain loops, with the queries or the map replaced.
struct Naive {
  bool identity = false;
  double blur = 0;  // of queries, deviation in positions of a grid {H, W}, after `lead` tokens
  Index H = 1, W = 1;

  T2 map(const nn::MultiHeadAttention<double>& a, Index heads, const T2& x,
         const T2* mask = nullptr) const {
    const T2 h = (*a.qkv)(x);
    const Index B = x.dim(0), N = x.dim(1), D = x.dim(2), d = D / heads, lead = N - H * W;
    T2 q({B, N, D}), out({B, heads, N, N});
    for (Index b = 0; b < B; ++b)
      for (Index i = 0; i < N; ++i) {
        double total = 0;
        for (Index j = 0; j < N; ++j) {
          double w = i == j ? 1 : 0;
          if (blur > 0 && i >= lead) {
            const double dy = static_cast<double>((i - lead) / W - (j - lead) / W),
                         dx = static_cast<double>((i - lead) % W - (j - lead) % W);
            w = j < lead ? 0 : std::exp(-0.5 * (dx / blur * dx / blur + dy / blur * dy / blur));
          }
          total += w;
          for (Index c = 0; c < D; ++c) q(b, i, c) += w * h(b, j, c);
        }
        for (Index c = 0; c < D; ++c) q(b, i, c) /= total;
      }
    for (Index b = 0; b < B; ++b)
      for (Index head = 0; head < heads; ++head)
        for (Index i = 0; i < N; ++i) {
          double sum = 0;
          for (Index j = 0; j < N; ++j) {
            double s = 0;
            for (Index c = head * d; c < (head + 1) * d; ++c) s += q(b, i, c) * h(b, j, D + c);
            const bool open = !mask || (*mask)(b, j) != 0;
            sum += out(b, head, i, j) = open ? std::exp(s / std::sqrt(static_cast<double>(d))) : 0;
          }
          for (Index j = 0; j < N; ++j)
            out(b, head, i, j) = identity ? (i == j ? 1.0 : 0.0) : out(b, head, i, j) / sum;
        }
    return out;
  }

  T2 operator()(const nn::MultiHeadAttention<double>& a, Index heads, const T2& x,
                const T2* mask = nullptr) const {
    const T2 h = (*a.qkv)(x), weights = map(a, heads, x, mask);
    const Index B = x.dim(0), N = x.dim(1), D = x.dim(2), d = D / heads;
    T2 y({B, N, D});
    for (Index b = 0; b < B; ++b)
      for (Index i = 0; i < N; ++i)
        for (Index c = 0; c < D; ++c)
          for (Index j = 0; j < N; ++j) y(b, i, c) += weights(b, c / d, i, j) * h(b, j, 2 * D + c);
    return a.proj(y);
  }
};

/// Activations and attention maps by name.
struct Seen {
  std::map<std::string, T2> blocks, maps;
  void operator()(std::string_view name, const T2& h) {
    blocks.insert_or_assign(std::string(name), h);
  }
  void attention(std::string_view name, const T2& m) {
    maps.insert_or_assign(std::string(name), m);
  }
};

template <class Net>
Seen look(const Net& net, const T2& x, const nn::Condition<double>& c) {
  Seen seen;
  net(x, test::times<double>(x.dim(0)), c, seen);
  return seen;
}

nn::Condition<double> perturbed(nn::Condition<double> c, nn::Perturbation p) {
  c.perturbation = std::move(p);
  return c;
}

void check_close(const T2& a, const T2& b) {
  REQUIRE(a.shape() == b.shape());
  // sums of at most 30 products of order 1, in another order
  for (Index i = 0; i < a.size(); ++i) CHECK_THAT(a[i], WithinAbs(b[i], 1e-11));
}

/// An empty perturbation changes no bit; taps in order, blocks before the perturbed one untouched.
template <class Net>
void check_reach(const Net& net, const T2& x, const nn::Condition<double>& c,
                 const std::string& name) {
  const auto t = test::times<double>(x.dim(0));
  const T2 plain = net(x, t, c);
  CHECK(test::same_bits(plain, net(x, t, perturbed(c, {}))));
  const Seen before = look(net, x, c);
  for (const auto& p :
       {nn::Perturbation{.identity_attention = {name}}, nn::Perturbation{.skipped = {name}},
        nn::Perturbation{.blurred_queries = {name}, .blur = 0.8}}) {
    const T2 spoilt = net(x, t, perturbed(c, p));
    CHECK_FALSE(spoilt == plain);
    const Seen after = look(net, x, perturbed(c, p));
    bool reached = false;
    for (const std::string& tap : net.tap_names()) {
      reached = reached || tap == name;
      INFO(name << " seen at " << tap);
      CHECK(test::same_bits(before.blocks.at(tap), after.blocks.at(tap)) != reached);
    }
    Tape<double> tape;  // recorded as computed
    CHECK(test::same_bits(net(tape.constant(x), t, perturbed(c, p)).value(), spoilt));
    test::check_gradients(net, x.shape(), perturbed(c, p), 1);
  }
}

template <class Net>
void check_refusals(const Net& net, const T2& x, const std::string& without) {
  const auto t = test::times<double>(x.dim(0));
  const auto run = [&](nn::Perturbation p) { net(x, t, perturbed({}, std::move(p))); };
  CHECK_THROWS_AS(run({.skipped = {"blocks.99"}}), ArgumentError);
  CHECK_THROWS_AS(run({.skipped = {"input"}}), ArgumentError);
  CHECK_THROWS_AS(run({.identity_attention = {without}}), ArgumentError);
  CHECK_THROWS_AS(run({.blurred_queries = {net.attention_names()[0]}, .blur = 0}), ArgumentError);
}

nn::TransformerOptions options() {
  return {.in = 1,
          .patch = 2,
          .width = 8,
          .depth = 3,
          .heads = 2,
          .ratio = 2,
          .sequence = 3,
          .embedding = {.classes = 3, .vector = 2}};
}

/// Every variant of self-attention, on a grid.
std::vector<std::pair<nn::Perturbation, Naive>> variants(const std::string& name, Index H,
                                                         Index W) {
  return {{{}, {.H = H, .W = W}},
          {{.identity_attention = {name}}, {.identity = true, .H = H, .W = W}},
          {{.blurred_queries = {name}, .blur = 0.7}, {.blur = 0.7, .H = H, .W = W}},
          {{.blurred_queries = {name}}, {.blur = 1e9, .H = H, .W = W}}};
}

}  // namespace

TEST_CASE("perturbation: a DiT block with its attention replaced", "[nn][perturbation]") {
  Rng rng(1);
  nn::Dit2d<double> net(options(), rng);
  test::randomize(net, 1);
  const T2 x = Rng(2).normal<double>({2, 6, 4, 1});
  const auto c = test::told<double>(2, 3, 5);
  const T2 e = net.embedding(test::times<double>(2), c, x);
  const auto& block = net.blocks[1];
  CHECK(net.attention_names() == Names{"blocks.0", "blocks.1", "blocks.2"});
  for (const auto& [p, naive] : variants("blocks.1", 3, 2)) {
    const Seen seen = look(net, x, perturbed(c, p));
    const T2 in = seen.blocks.at("blocks.0"), m = nn::per_sample(block.modulation(e), 3);
    const auto part = [&](Index i) { return nn::chunk(m, i, 6); };
    const T2 normed = nn::modulate(block.norm(in), part(0), part(1));
    T2 h = in + part(2) * naive(block.attention, 2, normed);
    h = h + (*block.cross)(block.norm(h), *c.sequence, &*c.mask);
    h = h + part(5) * block.ff(nn::modulate(block.norm(h), part(3), part(4)));
    check_close(seen.blocks.at("blocks.1"), h);
    check_close(seen.maps.at("blocks.1"), Naive{.H = 3, .W = 2}.map(block.attention, 2, normed));
  }
  check_reach(net, x, c, "blocks.1");
  check_refusals(net, x, "middle");
}

TEST_CASE("perturbation: a U-ViT block with its attention replaced", "[nn][perturbation]") {
  Rng rng(3);
  nn::UVit1d<double> net(options(), rng);
  test::randomize(net, 3);
  const T2 x = Rng(4).normal<double>({2, 8, 1});
  const auto c = test::told<double>(2, 3, 5);
  T2 mask({2, 1 + 5 + 4}, 1.0);  // [time | sequence | patches]
  for (Index b = 0; b < 2; ++b)
    for (Index i = 0; i < 5; ++i) mask(b, 1 + i) = (*c.mask)(b, i);
  const auto& block = net.blocks[2];  // takes the long skip of blocks.0
  for (const auto& [p, naive] : variants("blocks.2", 1, 4)) {
    const Seen seen = look(net, x, perturbed(c, p));
    T2 h = (*block.skip)(concat({seen.blocks.at("blocks.1"), seen.blocks.at("blocks.0")}, 2));
    const T2 normed = block.norm1(h);
    h = h + naive(block.attention, 2, normed, &mask);
    h = h + block.ff(block.norm2(h));
    check_close(seen.blocks.at("blocks.2"), h);
    check_close(seen.maps.at("blocks.2"),
                Naive{.H = 1, .W = 4}.map(block.attention, 2, normed, &mask));
  }
  check_reach(net, x, c, "blocks.2");
  check_refusals(net, x, "middle");
}

TEST_CASE("perturbation: a U-Net block with its attention replaced", "[nn][perturbation]") {
  Rng rng(5);
  nn::UNet2d<double> net({.in = 1,
                          .width = 4,
                          .multipliers = {1, 2},
                          .blocks = 1,
                          .attention = {1},
                          .heads = 2,
                          .groups = 2,
                          .sequence = 3,
                          .embedding = {.classes = 3, .vector = 2}},
                         rng);
  test::randomize(net, 5);
  const T2 x = Rng(6).normal<double>({2, 6, 5, 1});
  const auto c = test::told<double>(2, 3, 5);
  CHECK(net.attention_names() == Names{"down.1.0", "middle", "up.0.0", "up.0.1"});
  const T2 e = net.embedding(test::times<double>(2), c, x);
  for (const auto& [p, naive] : variants("middle", 3, 3)) {
    const Seen seen = look(net, x, perturbed(c, p));
    const auto& attention = net.middle.attention[0];
    T2 h = net.middle.blocks[0](seen.blocks.at("down.1.0"), e);
    const T2 flat = nn::as_sequence(h), normed = attention.norm(flat);
    h = flat + naive(attention.attention, 2, normed);
    h = h + (*attention.cross)((*attention.cross_norm)(h), *c.sequence, &*c.mask);
    h = net.middle.blocks[1](reshape(h, {2, 3, 3, 8}), e);
    check_close(seen.blocks.at("middle"), h);
    check_close(seen.maps.at("middle"), Naive{.H = 3, .W = 3}.map(attention.attention, 2, normed));
  }
  check_reach(net, x, c, "middle");
  check_reach(net, x, c, "up.0.1");
  check_refusals(net, x, "down.0.0");
}

TEST_CASE("perturbation: a skipped block is one whose residual branches give nothing",
          "[nn][perturbation]") {
  const auto silence = [](auto& layer) {
    nn::for_each_parameter(layer, [](const std::string&, auto& p) { p.value.fill(0); });
  };
  const auto c = test::told<double>(2, 3, 5);
  const auto t = test::times<double>(2);
  Rng rng(7);
  {
    nn::Dit1d<double> net(options(), rng);
    test::randomize(net, 7);
    const T2 x = Rng(8).normal<double>({2, 8, 1});
    const T2 skipped = net(x, t, perturbed(c, {.skipped = {"blocks.0", "blocks.2"}}));
    for (auto* block : {&net.blocks[0], &net.blocks[2]}) {
      silence(block->modulation);  // both gates
      silence(block->cross->proj);
    }
    check_close(skipped, net(x, t, c));
  }
  {
    nn::UVit1d<double> net(options(), rng);
    test::randomize(net, 9);
    const T2 x = Rng(10).normal<double>({2, 8, 1});
    const T2 skipped = net(x, t, perturbed(c, {.skipped = {"blocks.0", "blocks.2"}}));
    for (auto* block : {&net.blocks[0], &net.blocks[2]}) {
      silence(block->attention.proj);
      silence(block->ff.fc2);
    }
    check_close(skipped, net(x, t, c));
  }
  {
    nn::UNet1d<double> net({.in = 1,
                            .width = 4,
                            .multipliers = {1, 2},
                            .blocks = 1,
                            .attention = {1},
                            .heads = 2,
                            .groups = 2,
                            .sequence = 3,
                            .embedding = {.classes = 3, .vector = 2}},
                           rng);
    test::randomize(net, 11);
    const T2 x = Rng(12).normal<double>({2, 8, 1});
    const T2 skipped = net(x, t, perturbed(c, {.skipped = {"down.1.0", "middle", "up.1.0"}}));
    for (auto* block : {&net.down[1].blocks[0], &net.middle.blocks[0], &net.middle.blocks[1],
                        &net.up[1].blocks[0]})
      silence(block->conv2);
    for (auto* attention : {&net.down[1].attention[0], &net.middle.attention[0]}) {
      silence(attention->attention.proj);
      silence(attention->cross->proj);
    }
    check_close(skipped, net(x, t, c));
  }
}

TEST_CASE("perturbation: a network without attention refuses", "[nn][perturbation]") {
  Rng rng(13);
  const nn::Mlp<double> net({.in = 2, .width = 8}, rng);
  nn::Condition<double> c;
  c.perturbation = nn::Perturbation{.skipped = {"layers.0"}};
  CHECK_THROWS_AS(net(T2({1, 2}), T2({1}), c), ArgumentError);
}
