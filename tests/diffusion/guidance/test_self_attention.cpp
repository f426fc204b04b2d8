// Covers: perturbed self_attention
#include "diffusion/guidance/fixtures.hpp"
#include "foglift/diffusion/guidance/perturbed.hpp"
#include "foglift/diffusion/guidance/self_attention.hpp"
#include "foglift/nn/hooks/perturb.hpp"
#include "foglift/nn/hooks/record.hpp"
#include "foglift/nn/nets/dit.hpp"
#include "foglift/nn/nets/uvit.hpp"

using namespace foglift;
using namespace foglift::test;

namespace {

const Tensor<double> x = Rng(1).normal<double>({3, 5, 4, 2});
const Tensor<double> ones_and_zeros = [] {
  Tensor<double> m = Rng(2).normal<double>(x.shape());
  for (double& v : m) v = v > 0 ? 1 : 0;
  return m;
}();

/// A denoiser that is not linear and mixes nothing.
Tensor<double> bent(const Tensor<double>& state, const Levels& l) {
  Tensor<double> out = state;
  for (double& v : out) v = std::sin(v) + 0.1 * l[0].alpha * v * v;
  return out;
}

Tensor<double> naive_blur(const Tensor<double>& v, double s) {
  Tensor<double> out(v.shape());
  const Index H = v.dim(1), W = v.dim(2);
  for (Index b = 0; b < v.dim(0); ++b)
    for (Index c = 0; c < v.dim(3); ++c)
      for (Index i = 0; i < H * W; ++i) {
        double sum = 0, total = 0;
        for (Index j = 0; j < H * W; ++j) {
          const double dy = static_cast<double>(i / W - j / W),
                       dx = static_cast<double>(i % W - j % W);
          const double w = std::exp(-(dx * dx + dy * dy) / (2 * s * s));
          sum += w * v(b, j / W, j % W, c);
          total += w;
        }
        out(b, i / W, i % W, c) = sum / total;
      }
  return out;
}

struct Constant {
  Tensor<double> mask;
  Tensor<double> operator()(const Tensor<double>&) const { return mask; }
};

}  // namespace

TEST_CASE("self attention: is the published rule on eps", "[diffusion][guidance]") {
  const double s = 0.8, blur = 1.3;
  const auto guided =
      bent | guide::SelfAttention{Constant{ones_and_zeros}, {.scale = s, .blur = blur}};
  for (const Level& l : all_levels) {
    const auto got = guided(x, l);
    CHECK(finite(got));
    if (l.alpha == 0 || l.sigma == 0) continue;
    const auto x0 = bent(x, l), smooth = naive_blur(x0, blur);
    Tensor<double> eps(x.shape()), degraded(x.shape());
    for (Index i = 0; i < x.size(); ++i) {
      eps[i] = (x[i] - l.alpha * x0[i]) / l.sigma;
      const double m = ones_and_zeros[i];
      degraded[i] = l.alpha * (m * smooth[i] + (1 - m) * x0[i]) + l.sigma * eps[i];
    }
    const auto away = bent(degraded, l);
    for (Index i = 0; i < x.size(); ++i) {
      const double eps_away = (degraded[i] - l.alpha * away[i]) / l.sigma;
      const double published = eps[i] + s * (eps[i] - eps_away);
      // x0 = (x - sigma eps) / alpha loses |x| / alpha roundings in the oracle
      CHECK_THAT(got[i],
                 WithinAbs((x[i] - l.sigma * published) / l.alpha, 1e-13 * (10 + 100 / l.alpha)));
    }
  }
  // alpha = 0 is the limit of a little signal
  CHECK(distance(guided(x, Level{1, 0, 1}), guided(x, Level{1, 1e-9, 1})) < 1e-7);
}

TEST_CASE("self attention: nothing attended or scale 0 leaves the denoiser",
          "[diffusion][guidance]") {
  const Level l{0.5, 0.6, 0.8};
  const Tensor<double> none(x.shape());
  const auto off = bent | guide::SelfAttention{Constant{ones_and_zeros}, {.scale = 0}};
  const auto dark = bent | guide::SelfAttention{Constant{none}};
  CHECK(off(x, l) == bent(x, l));
  CHECK(distance(dark(x, l), bent(x, l)) < 1e-15);
  const auto wrong = bent | guide::SelfAttention{Constant{Tensor<double>({2})}};
  CHECK_THROWS_AS(wrong(x, l), ShapeError);
  CHECK_THROWS_AS((guide::SelfAttention{Constant{none}, {.blur = 0}}), ArgumentError);
  CHECK_THROWS_AS((guide::SelfAttention{Constant{none}, {.scale = NAN}}), ArgumentError);
}

TEST_CASE("attention mask: keys that get more than their share, spread over the state",
          "[diffusion][guidance]") {
  // Two heads, one leading token and a grid of 2 x 2; the mean over heads of the column sums is
  // 1.3 and 1.1 at the keys (0, 1) and (1, 0), and below 1 elsewhere.
  Tensor<double> map({1, 2, 5, 5});
  const double columns[2][5] = {{2.0, 0.2, 1.6, 0.9, 0.3}, {0.6, 0.4, 1.0, 1.3, 1.7}};
  for (Index head = 0; head < 2; ++head)
    for (Index query = 0; query < 5; ++query)
      for (Index key = 0; key < 5; ++key) map(0, head, query, key) = columns[head][key] / 5;
  const auto mask = guide::attention_mask(map, {2, 2}, {1, 4, 6, 2}, 1.05);
  for (Index y = 0; y < 4; ++y)
    for (Index w = 0; w < 6; ++w)
      for (Index c = 0; c < 2; ++c) {
        const Index key = y / 2 * 2 + w / 3;
        CHECK(mask(0, y, w, c) == (key == 1 || key == 2 ? 1 : 0));
      }
  CHECK(guide::attention_mask(map, {2, 2}, {1, 2, 2, 1}, 1.2) ==
        Tensor<double>({1, 2, 2, 1}, {0, 1, 0, 0}));
  CHECK(guide::attention_mask(map, {4}, {1, 4, 1}) == Tensor<double>({1, 4, 1}, {0, 1, 1, 0}));
  // an extent that the grid does not divide: floor(2 y / 5) is 0 for y = 0, 1, 2
  CHECK(guide::attention_mask(map, {2}, {1, 5, 1}, 1.05) ==
        Tensor<double>({1, 5, 1}, {1, 1, 1, 0, 0}));
  CHECK_THROWS_AS(guide::attention_mask(map, {2, 3}, {1, 2, 3, 1}), ShapeError);
  CHECK_THROWS_AS(guide::attention_mask(map, {4}, {1, 2, 2, 1}), ShapeError);
  CHECK_THROWS_AS(guide::attention_mask(map, {4}, {2, 4, 1}), ShapeError);
}

TEST_CASE("self attention: a mask from what a hook saw in the denoiser's own call",
          "[diffusion][guidance]") {
  Rng rng(4);
  const nn::Dit2d<float> net(
      {.in = 1, .patch = 2, .width = 8, .depth = 2, .heads = 2, .zero = false}, rng);
  nn::hooks::Record<Tensor<float>> record({.weights = {"blocks.1.self"}});
  const auto map = [&]() -> const Tensor<float>& {
    return record.seen.weights.at("blocks.1.self");
  };
  int calls = 0;
  const NetworkDenoiser denoise(
      [&](const Tensor<float>& s, const Tensor<float>& time) {
        ++calls;
        return net(s, time, {}, nn::Call(record));
      },
      predict::Velocity{}, schedule::Cosine{});
  const Tensor<float> state = Rng(5).normal<float>({2, 8, 6, 1});
  Tensor<float> mask;
  const auto look = [&](const Tensor<float>& x0) {
    return mask = guide::attention_mask(map(), {4, 3}, x0.shape());
  };
  const Level l{0.5, 0.6, 0.8};
  const auto plain = denoise(state, l);
  const Tensor<float> seen = map();
  calls = 0;
  const auto guided = (denoise | guide::SelfAttention{look, {.scale = 0.5}})(state, l);
  CHECK(calls == 2);
  CHECK(mask == guide::attention_mask(seen, {4, 3}, state.shape()));
  double attended = 0;
  for (const float m : mask) attended += static_cast<double>(m);
  CHECK(attended > 0);
  CHECK(attended < 96);
  CHECK(finite(guided));
  CHECK_FALSE(guided == plain);
}

TEST_CASE("away from: a network whose blocks a hook spoils", "[diffusion][guidance]") {
  Rng rng(6);
  const nn::UVit1d<float> net(
      {.in = 1, .patch = 2, .width = 8, .depth = 3, .heads = 2, .zero = false}, rng);
  const NetworkDenoiser plain(net, predict::Velocity{}, schedule::Cosine{});
  const Tensor<float> state = Rng(7).normal<float>({2, 8, 1});
  const auto check = [&](const auto& hook) {
    const auto spoilt = plain.of(nn::WithCall(net, nn::Call(hook)));
    const auto guided = plain | guide::away_from(spoilt, 2.0);
    static_assert(DifferentiableDenoiser<decltype(guided), float>);
    static_assert(KnowsRows<decltype(spoilt)>);
    for (const Level& l : {Level{1, 0, 1}, Level{0.5, 0.6, 0.8}, Level{0, 1, 0}}) {
      const auto x0 = guided(state, l), a = plain(state, l), b = spoilt(state, l);
      if (l.sigma > 0) CHECK_FALSE(a == b);  // v says nothing of clean data
      for (Index i = 0; i < x0.size(); ++i) CHECK_THAT(x0[i], WithinAbs(3 * a[i] - 2 * b[i], 1e-5));
    }
  };
  check(nn::hooks::IdentityAttention({"blocks.1.self"}));
  check(nn::hooks::SkipBlocks({"blocks.1"}));
  check(nn::hooks::BlurQueries({"blocks.1.self", "blocks.2.self"}));
}
