// Covers: autoencoder encoder
#include "foglift/autograd/ops/loss.hpp"
#include "foglift/nn/nets/autoencoder.hpp"
#include "foglift/train/rules/adam.hpp"
#include "nn/module_checks.hpp"

using namespace foglift;

namespace {

nn::ConvEncoderOptions small(Index levels = 2) {
  return {.in = 2,
          .out = 3,
          .width = 4,
          .multipliers = std::vector<Index>(static_cast<std::size_t>(levels), 1),
          .groups = 2};
}

}  // namespace

TEST_CASE("encoder: halves the extents of each level, rounded up", "[nn][encoder]") {
  Rng rng(1);
  const auto shape = [&](auto net, const Shape& s) { return net(Tensor<float>(s)).shape(); };
  CHECK(shape(nn::ConvEncoder<1, float>(small(3), rng), {2, 12, 2}) == Shape{2, 3, 3});
  CHECK(shape(nn::ConvEncoder<1, float>(small(2), rng), {2, 7, 2}) == Shape{2, 4, 3});
  CHECK(shape(nn::ConvEncoder<2, float>(small(2), rng), {2, 6, 4, 2}) == Shape{2, 3, 2, 3});
  auto pooled = small(2);
  pooled.pool = true;
  CHECK(shape(nn::ConvEncoder<1, float>(pooled, rng), {2, 7, 2}) == Shape{2, 3});
  CHECK(shape(nn::ConvEncoder<2, float>(pooled, rng), {2, 6, 4, 2}) == Shape{2, 3});
  CHECK(shape(nn::ConvDecoder<1, float>(small(3), rng), {2, 3, 3}) == Shape{2, 12, 2});
  CHECK(shape(nn::ConvDecoder<2, float>(small(2), rng), {2, 3, 2, 3}) == Shape{2, 6, 4, 2});
  auto bad = small(2);
  bad.multipliers = {};
  CHECK_THROWS_AS((nn::ConvEncoder<1, float>(bad, rng)), ArgumentError);
  bad = small(2);
  bad.groups = 3;
  CHECK_THROWS_AS((nn::ConvDecoder<1, float>(bad, rng)), ArgumentError);
}

TEST_CASE("encoder: pooling is the mean of positions", "[nn][encoder]") {
  Rng a(1), b(1);
  auto pooled = small(2);
  pooled.pool = true;
  const auto x = Rng(2).normal<double>({2, 6, 2});
  CHECK(nn::ConvEncoder<1, double>(pooled, a)(x) ==
        mean(nn::ConvEncoder<1, double>(small(2), b)(x), 1));
}

TEST_CASE("encoder: is a module, in one and two dimensions", "[nn][encoder]") {
  Rng rng(1);
  const auto x = Rng(2).normal<double>({2, 6, 2}), x2 = Rng(2).normal<double>({1, 4, 2, 2}),
             z = Rng(3).normal<double>({2, 3, 3});
  auto pooled = small(2);
  pooled.pool = true;
  test::check_module(nn::ConvEncoder<1, double>(pooled, rng),
                     [&](const auto& m, const auto& in) { return m(in(x)); });
  test::check_module(nn::ConvEncoder<2, double>(small(2), rng),
                     [&](const auto& m, const auto& in) { return m(in(x2)); });
  test::check_module(nn::ConvDecoder<1, double>(small(2), rng),
                     [&](const auto& m, const auto& in) { return m(in(z)); });
  const nn::ConvEncoder<1, float> encoder(small(2), rng);
  test::check_batches([&](const Tensor<float>& v) { return encoder(v); },
                      Rng(2).normal<float>({5, 6, 2}));
}

TEST_CASE("latent law: sample and divergence by their formulas", "[nn][autoencoder]") {
  const nn::LatentLaw<Tensor<double>> law{Tensor<double>({2, 1}, {1, -2}),
                                          Tensor<double>({2, 1}, {0, std::log(4.0)})};
  const auto z = law.sample(Tensor<double>({2, 1}, {0.5, 3}));
  CHECK_THAT(z[0], WithinAbs(1.5, 1e-15));
  CHECK_THAT(z[1], WithinAbs(4, 1e-14));
  // (mu^2 + s^2 - 1 - log s^2) / 2 for both, their mean.
  CHECK_THAT(law.divergence().item(), WithinAbs((1.0 + (4 + 4 - 1 - std::log(4.0))) / 4, 1e-15));
}

TEST_CASE("autoencoders: are modules that give back the shape", "[nn][autoencoder]") {
  const auto x = Rng(2).normal<double>({2, 4, 2}), noise = Rng(3).normal<double>({2, 2, 3});
  Rng rng(1);
  test::check_module(nn::KlAutoencoder<1, double>({.codec = small(2)}, rng),
                     [&](const auto& m, const auto& in) {
                       const auto law = m.encode(in(x));
                       const auto y = m.decode(law.sample(noise));
                       REQUIRE(value_of(y).shape() == x.shape());
                       return y + law.divergence();
                     });
  // Differences can not see through the choice of a code: here of the decoder and the codebook.
  const nn::VqAutoencoder<2, double> vq({.codec = small(2), .codes = 6}, rng);
  const auto image = Rng(2).normal<double>({2, 4, 6, 2});
  const auto out = vq.encode(image);
  CHECK(out.quantized.shape() == Shape{2, 2, 3, 3});
  CHECK(out.codes.shape() == Shape{2, 2, 3});
  CHECK(vq.decode(out.quantized).shape() == image.shape());
  CHECK(vq.decode(out.codes) == vq.decode(out.quantized));
  CHECK_NOTHROW(nn::check_children(vq));
  CHECK_THROWS_WITH(
      vq.encode(Tensor<double>({2, 4, 5, 2})),
      "VqAutoencoder: input [2, 4, 5, 2], expected [batch, 2 extents divisible by 2, 2]");
  const nn::KlAutoencoder<1, float> kl({.codec = small(3)}, rng);
  CHECK_THROWS_AS(kl.encode(Tensor<float>({2, 6, 2})), ShapeError);
}

TEST_CASE("autoencoders: learn to give back what they are shown", "[nn][autoencoder]") {
  // Waves of two frequencies: 8 positions of 2 channels through 4 x 3 numbers, or 4 codes.
  Tensor<float> x({16, 8, 2});
  for (Index i = 0; i < x.size(); ++i) {
    const auto b = static_cast<double>(i / 16), t = static_cast<double>(i / 2 % 8);
    x[i] = static_cast<float>(std::sin((i % 2 == 0 ? 0.8 : 1.6) * t + b));
  }
  const auto error = [&](const Tensor<float>& y) { return mse(y, x).item(); };
  const float start = error(Tensor<float>(x.shape()));  // of saying zero

  Rng rng(1);
  nn::ConvEncoderOptions codec{.in = 2, .out = 3, .width = 16};
  nn::KlAutoencoder<1, float> kl({.codec = codec}, rng);
  nn::VqAutoencoder<1, float> vq({.codec = codec, .codes = 32}, rng);
  train::Adam<float> first({.lr = 5e-3}), second({.lr = 5e-3});
  for (std::uint32_t step = 0; step < 150; ++step) {
    Tape<float> tape;
    const auto law = kl.encode(tape.constant(x));
    const auto noise = Rng(5).normal<float>({16, 4, 3}, 0, step);
    first.step(kl, tape.backward(mse(kl.decode(law.sample(noise)), x) + law.divergence() * 1e-4),
               5e-3);
    Tape<float> other;
    const auto out = vq.encode(other.constant(x));
    second.step(vq, other.backward(mse(vq.decode(out.quantized), x) + out.loss), 5e-3);
  }
  CHECK(error(kl.decode(kl.encode(x).mean)) < 0.1F * start);
  CHECK(error(vq.decode(vq.encode(x).quantized)) < 0.5F * start);
}
