// Covers: dit hook hooks/perturb
#include "foglift/nn/hooks/join.hpp"
#include "foglift/nn/hooks/perturb.hpp"
#include "foglift/nn/hooks/record.hpp"
#include "foglift/nn/nets/mlp.hpp"
#include "nn/denoiser_checks.hpp"
#include "nn/small_networks.hpp"

#include <cmath>

using namespace foglift;
namespace hooks = nn::hooks;

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

/// Every block, and the weights of self-attention, of a call with a hook.
template <class Net, class H = nn::NoHook>
hooks::Activations<T2> look(const Net& net, const T2& x, const nn::Condition<double>& c,
                            const H& hook = {}) {
  Names self;
  for (const std::string& name : net.attention_names())
    if (name.ends_with(".self")) self.push_back(name);
  hooks::Record<T2> seen({.blocks = net.block_names(), .weights = self});
  net(x, test::times<double>(x.dim(0)), c, nn::Call(hooks::Join(hook, seen)));
  return seen.seen;
}

void check_close(const T2& a, const T2& b) {
  REQUIRE(a.shape() == b.shape());
  // sums of at most 30 products of order 1, in another order
  for (Index i = 0; i < a.size(); ++i) CHECK_THAT(a[i], WithinAbs(b[i], 1e-11));
}

/// Hooks of no places change no bit; blocks before the perturbed one are untouched.
template <class Net>
void check_reach(const Net& net, const T2& x, const nn::Condition<double>& c,
                 const std::string& name) {
  const auto t = test::times<double>(x.dim(0));
  const T2 plain = net(x, t, c);
  const auto before = look(net, x, c);
  const auto check = [&](const auto& none, const auto& hook) {
    CHECK(test::same_bits(plain, net(x, t, c, nn::Call(none))));
    const T2 spoilt = net(x, t, c, nn::Call(hook));
    CHECK_FALSE(spoilt == plain);
    const auto after = look(net, x, c, hook);
    bool reached = false;
    for (const std::string& block : net.block_names()) {
      reached = reached || block == name;
      INFO(name << " seen at " << block);
      CHECK(test::same_bits(before.blocks.at(block), after.blocks.at(block)) != reached);
    }
    Tape<double> tape;  // recorded as computed
    CHECK(test::same_bits(net(tape.constant(x), t, c, nn::Call(hook)).value(), spoilt));
    test::check_gradients(net, x.shape(), c, 1, nn::Call(hook));
  };
  check(hooks::IdentityAttention({}), hooks::IdentityAttention({name + ".self"}));
  check(hooks::SkipBlocks({}), hooks::SkipBlocks({name}));
  check(hooks::BlurQueries({}), hooks::BlurQueries({name + ".self"}, 0.8));
}

template <class Net>
void check_refusals(const Net& net, const T2& x, const std::string& without) {
  const auto t = test::times<double>(x.dim(0));
  const auto run = [&](const auto& hook) { net(x, t, {}, nn::Call(hook)); };
  CHECK_THROWS_AS(run(hooks::SkipBlocks({"blocks.99"})), ArgumentError);
  CHECK_THROWS_AS(run(hooks::SkipBlocks({"input"})), ArgumentError);
  CHECK_THROWS_AS(run(hooks::IdentityAttention({without + ".self"})), ArgumentError);
  CHECK_THROWS_AS(run(hooks::BlurQueries({without + ".self"})), ArgumentError);
  CHECK_THROWS_AS(hooks::BlurQueries({net.attention_names()[0]}, 0), ArgumentError);
}

/// f(hook, naive) for every variant of the self-attention of a block, on a grid.
template <class F>
void each_variant(const std::string& name, Index H, Index W, const F& f) {
  const Names self{name + ".self"};
  f(nn::NoHook{}, Naive{.H = H, .W = W});
  f(hooks::IdentityAttention(self), Naive{.identity = true, .H = H, .W = W});
  f(hooks::BlurQueries(self, 0.7), Naive{.blur = 0.7, .H = H, .W = W});
  f(hooks::BlurQueries(self), Naive{.blur = 1e9, .H = H, .W = W});
}

}  // namespace

TEST_CASE("perturbation: a DiT block with its attention replaced", "[nn][perturbation]") {
  Rng rng(1);
  nn::Dit2d<double> net(test::small_transformer(), rng);
  test::randomize(net, 1);
  const T2 x = Rng(2).normal<double>({2, 6, 4, 1});
  const auto c = test::told<double>(2, 3, 5);
  const T2 e = net.embedding(test::times<double>(2), c, x);
  const auto& block = net.blocks[1];
  CHECK(net.attention_names() == Names{"blocks.0.self", "blocks.0.cross", "blocks.1.self",
                                       "blocks.1.cross", "blocks.2.self", "blocks.2.cross"});
  each_variant("blocks.1", 3, 2, [&](const auto& hook, Naive naive) {
    const auto seen = look(net, x, c, hook);
    const T2 in = seen.blocks.at("blocks.0"), m = nn::per_sample(block.modulation(e), 3);
    const auto part = [&](Index i) { return nn::chunk(m, i, 6); };
    const T2 normed = nn::modulate(block.norm(in), part(0), part(1));
    T2 h = in + part(2) * naive(block.attention, 2, normed);
    h = h + (*block.cross)(block.norm(h), *c.sequence, &*c.mask);
    h = h + part(5) * block.ff(nn::modulate(block.norm(h), part(3), part(4)));
    check_close(seen.blocks.at("blocks.1"), h);
    naive.identity = false;  // the weights that identity attention does not take
    check_close(seen.weights.at("blocks.1.self"), naive.map(block.attention, 2, normed));
  });
  check_reach(net, x, c, "blocks.1");
  check_refusals(net, x, "middle");
}

TEST_CASE("perturbation: a U-ViT block with its attention replaced", "[nn][perturbation]") {
  Rng rng(3);
  nn::UVit1d<double> net(test::small_transformer(), rng);
  test::randomize(net, 3);
  const T2 x = Rng(4).normal<double>({2, 8, 1});
  const auto c = test::told<double>(2, 3, 5);
  T2 mask({2, 1 + 5 + 4}, 1.0);  // [time | sequence | patches]
  for (Index b = 0; b < 2; ++b)
    for (Index i = 0; i < 5; ++i) mask(b, 1 + i) = (*c.mask)(b, i);
  const auto& block = net.blocks[2];  // takes the long skip of blocks.0
  each_variant("blocks.2", 1, 4, [&](const auto& hook, Naive naive) {
    const auto seen = look(net, x, c, hook);
    T2 h = (*block.skip)(concat({seen.blocks.at("blocks.1"), seen.blocks.at("blocks.0")}, 2));
    const T2 normed = block.norm1(h);
    h = h + naive(block.attention, 2, normed, &mask);
    h = h + block.ff(block.norm2(h));
    check_close(seen.blocks.at("blocks.2"), h);
    naive.identity = false;
    check_close(seen.weights.at("blocks.2.self"), naive.map(block.attention, 2, normed, &mask));
  });
  check_reach(net, x, c, "blocks.2");
  check_refusals(net, x, "middle");
}

TEST_CASE("perturbation: a U-Net block with its attention replaced", "[nn][perturbation]") {
  const auto net = test::made<nn::UNet2d<double>>(test::small_unet(), 5);
  const T2 x = Rng(6).normal<double>({2, 6, 5, 1});
  const auto c = test::told<double>(2, 3, 5);
  CHECK(net.attention_names() == Names{"down.1.0.self", "down.1.0.cross", "middle.self",
                                       "middle.cross", "up.0.0.self", "up.0.0.cross", "up.0.1.self",
                                       "up.0.1.cross"});
  const T2 e = net.embedding(test::times<double>(2), c, x);
  each_variant("middle", 3, 3, [&](const auto& hook, Naive naive) {
    const auto seen = look(net, x, c, hook);
    const auto& attention = net.middle.attention[0];
    T2 h = net.middle.blocks[0](seen.blocks.at("down.1.0"), e);
    const T2 flat = nn::as_sequence(h), normed = attention.norm(flat);
    h = flat + naive(attention.attention, 2, normed);
    h = h + (*attention.cross)((*attention.cross_norm)(h), *c.sequence, &*c.mask);
    h = net.middle.blocks[1](reshape(h, {2, 3, 3, 8}), e);
    check_close(seen.blocks.at("middle"), h);
    naive.identity = false;
    check_close(seen.weights.at("middle.self"), naive.map(attention.attention, 2, normed));
  });
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
    nn::Dit1d<double> net(test::small_transformer(), rng);
    test::randomize(net, 7);
    const T2 x = Rng(8).normal<double>({2, 8, 1});
    const T2 skipped = net(x, t, c, nn::Call(hooks::SkipBlocks({"blocks.0", "blocks.2"})));
    for (auto* block : {&net.blocks[0], &net.blocks[2]}) {
      silence(block->modulation);  // both gates
      silence(block->cross->proj);
    }
    check_close(skipped, net(x, t, c));
  }
  {
    nn::UVit1d<double> net(test::small_transformer(), rng);
    test::randomize(net, 9);
    const T2 x = Rng(10).normal<double>({2, 8, 1});
    const T2 skipped = net(x, t, c, nn::Call(hooks::SkipBlocks({"blocks.0", "blocks.2"})));
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
    const T2 skipped = net(x, t, c, nn::Call(hooks::SkipBlocks({"down.1.0", "middle", "up.1.0"})));
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

TEST_CASE("perturbation: of an Mlp", "[nn][perturbation]") {
  Rng rng(13);
  const nn::Mlp<double> net({.in = 2, .width = 8}, rng);
  const T2 x({1, 2}), t({1});
  CHECK_THROWS_AS(net(x, t, {}, nn::Call(hooks::SkipBlocks({"layers.0"}))), ArgumentError);
  CHECK_THROWS_AS(net(x, t, {}, nn::Call(hooks::IdentityAttention({"layers.1.self"}))),
                  ArgumentError);
  auto shorter = net;
  shorter.layers.erase(shorter.layers.begin() + 1);
  CHECK(net(x, t, {}, nn::Call(hooks::SkipBlocks({"layers.1"}))) == shorter(x, t));
}
