// Covers: levels loss/batch loss/options
#include "diffusion/loss/fixtures.hpp"
#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/diffusion/density.hpp"
#include "foglift/diffusion/loss.hpp"
#include "foglift/diffusion/parameterization.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

using namespace foglift;
using namespace foglift::test;

namespace {

/// Of a schedule whose level is always that of one time.
struct Frozen {
  Level level;
  Level at(double t) const { return {t, level.alpha, level.sigma}; }
  double time(double) const { return 0.5; }
};

}  // namespace

TEST_CASE("loss: densities with weights of one over pdf are unbiased", "[diffusion][loss]") {
  // Data at 1, X0 target, f = w x: E over eps of the error is (w alpha - 1)^2 + w^2 sigma^2; its
  // mean over uniform times by the midpoint rule (1e-10). 400 steps of 32 samples must lie within 4
  // standard errors of the sample, and the errors must be small enough to tell: below 3 %.
  const Scale net;
  const double w = 0.3;
  const Tensor<double> ones({32, 1}, 1.0);
  const double lo = 0.05, hi = 0.95;
  double exact = 0;
  for (int i = 0; i < 100000; ++i) {
    const Level l = cosine.at(lo + (hi - lo) * (i + 0.5) / 100000);
    exact += (std::pow(w * l.alpha - 1, 2) + w * w * l.sigma * l.sigma) / 100000;
  }
  std::vector<density::Any> all = {
      density::Uniform{},
      density::LogitNormal(),
      density::Mode(),
      density::CosMap{},
      density::Piecewise({1, 3, 0.5, 2}),
      density::Noise(density::LogNormal({.mean = 0, .std = 2}), cosine),
      density::Noise(density::LogLogistic(), cosine)};
  for (const Times how : {Times::uniform, Times::stratified, Times::antithetic})
    for (const auto& d : all) {
      double sum = 0, square = 0;
      const int steps = 400;
      for (int s = 0; s < steps; ++s) {
        const double loss =
            NetworkDenoiser(net, predict::X0{}, cosine)
                .loss(ones, Rng(2), {.step = s},
                      {.times = how, .t_min = lo, .t_max = hi, .density = d, .reweight = true})
                .item();
        sum += loss / steps;
        square += loss * loss / steps;
      }
      const double error = std::sqrt((square - sum * sum) / steps);
      CHECK_THAT(sum, WithinAbs(exact, 4 * error));
      CHECK(error < 0.03 * exact);
    }
}

TEST_CASE("loss: an empty density and a uniform one draw the same times", "[diffusion][loss]") {
  const auto x0 = Rng(4).normal<double>({9, 2});
  Tensor<double> x, time, again;
  NetworkDenoiser(Shown{x, time}, predict::X0{}, cosine)
      .loss(x0, Rng(1), {.step = 0}, {.t_min = 0.2, .t_max = 0.7});
  NetworkDenoiser(Shown{x, again}, predict::X0{}, cosine)
      .loss(x0, Rng(1), {.step = 0}, {.t_min = 0.2, .t_max = 0.7, .density = density::Uniform{}});
  for (Index b = 0; b < 9; ++b) CHECK_THAT(again[b], WithinAbs(time[b], 1e-15));
  // A density is asked at those numbers.
  NetworkDenoiser(Shown{x, time}, predict::X0{}, cosine).loss(x0, Rng(1), {.step = 0});
  NetworkDenoiser(Shown{x, again}, predict::X0{}, cosine)
      .loss(x0, Rng(1), {.step = 0}, {.density = density::Mode()});
  for (Index b = 0; b < 9; ++b)
    CHECK_THAT(again[b], WithinAbs(density::Mode().quantile(time[b]), 1e-15));
}

TEST_CASE("loss: an importance-sampled loop is unbiased and spreads less", "[diffusion][loss]") {
  // Weight e^(6 t) of the error: the history learns where the loss is. After warming up, the loss
  // over 600 steps agrees with uniform times within 4 standard errors of both, with less spread.
  const Scale net;
  const Tensor<double> ones({16, 1}, 1.0);
  const auto grow = [](const Level& l) { return std::exp(6 * l.t); };
  density::LossHistory history({.parts = 20, .length = 4});
  double sum[2] = {}, square[2] = {};
  const int warm_up = 100, steps = 600;
  for (int s = 0; s < warm_up + steps; ++s) {
    SampleLosses samples;
    const Draws draws{.step = s};
    const double important = NetworkDenoiser(net, predict::X0{}, cosine)
                                 .loss(ones, Rng(2), draws,
                                       {.times = Times::uniform,
                                        .level_weight = grow,
                                        .density = history.density(),
                                        .reweight = true,
                                        .samples = &samples})
                                 .item();
    REQUIRE(samples.loss.size() == 16);
    history.update(samples.time, samples.loss);
    if (s < warm_up) continue;
    const double plain =
        NetworkDenoiser(net, predict::X0{}, cosine)
            .loss(ones, Rng(3), draws, {.times = Times::uniform, .level_weight = grow})
            .item();
    for (const auto& [i, v] : {std::pair{0, important}, {1, plain}}) {
      sum[i] += v / steps;
      square[i] += v * v / steps;
    }
  }
  REQUIRE(history.warm());
  const double var0 = square[0] - sum[0] * sum[0], var1 = square[1] - sum[1] * sum[1];
  CHECK_THAT(sum[0], WithinAbs(sum[1], 4 * std::sqrt((var0 + var1) / steps)));
  CHECK(var0 < 0.5 * var1);
}

TEST_CASE("loss: samples are told their own losses", "[diffusion][loss]") {
  // The batch's loss is the mean of the samples' times their factors, and without reweight the
  // plain mean; a sample without a counted element is left out.
  const auto x0 = Rng(4).normal<double>({6, 2});
  SampleLosses samples;
  LossOptions<double> options{.samples = &samples};
  const Scale net;
  const double plain = NetworkDenoiser(net, predict::Velocity{}, cosine)
                           .loss(x0, Rng(1), {.step = 0}, options)
                           .item();
  REQUIRE(samples.loss.size() == 6);
  CHECK_THAT(std::accumulate(samples.loss.begin(), samples.loss.end(), 0.0) / 6,
             WithinRel(plain, 1e-13));
  options.samples = nullptr;
  CHECK_THAT(NetworkDenoiser(net, predict::Velocity{}, cosine)
                 .loss(x0, Rng(1), {.step = 0}, options)
                 .item(),
             WithinRel(plain, 1e-13));
  const density::Mode mode;
  options = {.density = mode, .reweight = true, .samples = &samples};
  const double reweighted = NetworkDenoiser(net, predict::Velocity{}, cosine)
                                .loss(x0, Rng(1), {.step = 0}, options)
                                .item();
  double mean = 0;
  for (std::size_t b = 0; b < 6; ++b) mean += samples.loss[b] / mode.pdf(samples.time[b]) / 6;
  CHECK_THAT(mean, WithinRel(reweighted, 1e-12));
  Tensor<double> weight({6, 2}, 1.0);
  weight[4] = weight[5] = 0;
  options = {.weight = &weight, .samples = &samples};
  NetworkDenoiser(net, predict::Velocity{}, cosine).loss(x0, Rng(1), {.step = 0}, options);
  CHECK(samples.loss.size() == 5);
}

TEST_CASE("loss: gradients of every option are finite differences", "[diffusion][loss]") {
  // Penalties are smooth where probed: central differences at h = 1e-5 err by h^2 and 1e-11 / h.
  const auto x0 = Rng(4).normal<double>({7, 3});
  auto weight = Rng(5).uniform<double>({7, 3});
  weight[4] = 0;
  const auto check = [&](const auto& p, const LossOptions<double>& options) {
    Scale net;
    Tape<double> tape;
    const auto loss = NetworkDenoiser(net, p, cosine).loss(tape, x0, Rng(1), {.step = 3}, options);
    const auto value = [&] {
      return NetworkDenoiser(net, p, cosine).loss(x0, Rng(1), {.step = 3}, options).item();
    };
    CHECK(loss.value().item() == value());
    const double gradient = tape.backward(loss)[net.w].item();
    net.w.value[0] += 1e-5;
    const double up = value();
    net.w.value[0] -= 2e-5;
    CHECK_THAT(gradient, WithinRel((up - value()) / 2e-5, 1e-6));
  };
  check(predict::Velocity{}, {.penalty = Penalty::huber(0.7)});
  check(predict::X0{}, {.weight = &weight, .penalty = Penalty::pseudo_huber(0.4)});
  check(predict::FlowVelocity{}, {.density = density::LogitNormal(), .reweight = true});
  check(predict::Edm{}, {.level_weight = weight::of_output(weight::Edm(), predict::Edm{}),
                         .density = density::Noise(density::LogNormal(), cosine)});
  check(predict::Velocity{},
        {.t_min = 0.1,
         .t_max = 0.9,
         .level_weight = weight::of_output(weight::Likelihood(cosine), predict::Velocity{}),
         .offset_noise = 0.3,
         .assign_noise = true});
}

TEST_CASE("loss: pseudo-huber is its mean over the elements", "[diffusion][loss]") {
  Tensor<double> x, time;
  const auto x0 = Rng(4).normal<double>({5, 3});
  const double loss = NetworkDenoiser(Shown{x, time}, predict::X0{}, cosine)
                          .loss(x0, Rng(1), {.step = 0}, {.penalty = Penalty::pseudo_huber(0.5)})
                          .item();
  double mean = 0;
  for (const double v : x0) mean += (std::sqrt(v * v + 0.25) - 0.5) / 15;
  CHECK_THAT(loss, WithinRel(mean, 1e-13));
}

TEST_CASE("loss: the network is shown what its parameterization asks for", "[diffusion][loss]") {
  // x / sqrt(sigma^2 + d^2 alpha^2) and ln(sigma / alpha) / 4, as NetworkDenoiser shows it.
  Tensor<double> x, time, raw, t;
  const auto x0 = Rng(4).normal<double>({5, 3});
  NetworkDenoiser(Shown{raw, t}, predict::X0{}, cosine).loss(x0, Rng(1), {.step = 0});
  NetworkDenoiser(Shown{x, time}, predict::Edm({.sigma_data = 0.7}), cosine)
      .loss(x0, Rng(1), {.step = 0});
  for (Index b = 0; b < 5; ++b) {
    const Level l = cosine.at(t[b]);
    CHECK_THAT(time[b], WithinAbs(0.25 * std::log(l.ratio()), 1e-13));
    for (Index i = 3 * b; i < 3 * b + 3; ++i)
      CHECK_THAT(x[i], WithinRel(raw[i] / std::hypot(l.sigma, 0.7 * l.alpha), 1e-13));
  }
}

TEST_CASE("loss: flow matching regresses the straight velocity", "[diffusion][loss]") {
  // A network that predicts 0 on the path x = (1 - s) x0 + s eps: the loss is the mean of (eps -
  // x0)^2, with eps = (x - (1 - s) x0) / s.
  struct Straight {
    Level at(double t) const { return {t, 1 - t, t}; }
    double time(double lambda) const { return 1 / (1 + std::exp(lambda)); }
  };
  Tensor<double> x, time;
  const auto x0 = Rng(4).normal<double>({6, 2});
  const double loss = NetworkDenoiser(Shown{x, time}, predict::FlowVelocity{}, Straight{})
                          .loss(x0, Rng(1), {.step = 0})
                          .item();
  double mean = 0;
  for (Index i = 0; i < 12; ++i) {
    const double s = time[i / 2];
    mean += std::pow((x[i] - (1 - s) * x0[i]) / s - x0[i], 2) / 12;
  }
  CHECK_THAT(loss, WithinRel(mean, 1e-10));
}

TEST_CASE("loss: offset noise is shared by a channel's positions", "[diffusion][loss]") {
  // Data 0 at alpha = 0, sigma = 1: x = eps. Over 20000 samples [3 positions, 2 channels], strength
  // 0.5: variance 1.25, covariance 0.25 within a channel, 0 across; standard error of a covariance
  // at most sqrt(2) 1.25 / sqrt(20000) = 0.0125.
  Tensor<double> x, time;
  const Index batch = 20000;
  NetworkDenoiser(Shown{x, time}, predict::X0{}, Frozen{{1, 0, 1}})
      .loss(Tensor<double>({batch, 3, 2}), Rng(1), {.step = 0}, {.offset_noise = 0.5});
  for (Index i = 0; i < 6; ++i)
    for (Index j = 0; j < 6; ++j) {
      double cov = 0;
      for (Index b = 0; b < batch; ++b)
        cov += x[6 * b + i] * x[6 * b + j] / static_cast<double>(batch);
      const double exact = (i == j ? 1 : 0) + (i % 2 == j % 2 ? 0.25 : 0);
      CHECK_THAT(cov, WithinAbs(exact, 4 * 0.0125));
    }
  // A sample's noise is its own.
  Tensor<double> part;
  NetworkDenoiser(Shown{part, time}, predict::X0{}, Frozen{{1, 0, 1}})
      .loss(Tensor<double>({2, 3, 2}), Rng(1), {.first_sample = 5, .step = 0},
            {.offset_noise = 0.5});
  CHECK(part == x.rows(5, 2));
  CHECK_THROWS_AS(NetworkDenoiser(Shown{part, time}, predict::X0{}, cosine)
                      .loss(Tensor<double>({2, 3, 2}), Rng(1), {.step = 0}, {.offset_noise = -1}),
                  ArgumentError);
}

TEST_CASE("loss: assigned noise is the batch's own in the nearest order", "[diffusion][loss]") {
  // In one dimension at alpha = sigma = 1: x - x0 = eps, the same numbers in the order of the data.
  Tensor<double> plain, dealt, time;
  const auto x0 = Rng(4).normal<double>({20, 1});
  const Frozen half{{0.5, 1, 1}};
  NetworkDenoiser(Shown{plain, time}, predict::X0{}, half).loss(x0, Rng(1), {.step = 0});
  NetworkDenoiser(Shown{dealt, time}, predict::X0{}, half)
      .loss(x0, Rng(1), {.step = 0}, {.assign_noise = true});
  std::vector<std::pair<double, double>> pairs;
  std::vector<double> noise;
  for (Index b = 0; b < 20; ++b) {
    pairs.emplace_back(x0[b], dealt[b] - x0[b]);
    noise.push_back(plain[b] - x0[b]);
  }
  std::sort(pairs.begin(), pairs.end());
  std::sort(noise.begin(), noise.end());
  for (std::size_t b = 0; b < 20; ++b) CHECK_THAT(pairs[b].second, WithinAbs(noise[b], 1e-14));
}

TEST_CASE("times: slots stratify samples of any numbers", "[diffusion][loss]") {
  // Shuffled indices of a large set hardly cover [0, 1) by themselves; by their slots they do, and
  // shards agree with the whole.
  const std::array<std::uint64_t, 8> samples = {16, 24, 800, 8, 32, 64, 72, 96};
  const std::array<std::uint64_t, 8> slots = {0, 1, 2, 3, 4, 5, 6, 7};
  for (Index step = 0; step < 10; ++step) {
    auto t = draw_times(Times::stratified, Rng(5), 8,
                        {.samples = samples, .step = step, .slots = slots});
    const auto part = draw_times(Times::stratified, Rng(5), 3,
                                 {.samples = std::span(samples).subspan(4, 3),
                                  .step = step,
                                  .strata = 8,
                                  .slots = std::span(slots).subspan(4, 3)});
    for (std::size_t i = 0; i < 3; ++i) CHECK(part[i] == t[4 + i]);
    std::sort(t.begin(), t.end());
    for (std::size_t i = 0; i + 1 < 8; ++i) CHECK(t[i + 1] - t[i] < 2.0 / 8);
    CHECK(t[0] + 1 - t[7] < 2.0 / 8);  // round the circle
    const auto pairs = draw_times(Times::antithetic, Rng(5), 8,
                                  {.samples = samples, .step = step, .slots = slots});
    for (std::size_t i = 0; i < 8; i += 2) CHECK_THAT(pairs[i] + pairs[i + 1], WithinAbs(1, 1e-15));
  }
  // Slots that are the numbers change nothing.
  CHECK(draw_times(Times::stratified, Rng(5), 8, {.step = 0, .slots = slots}) ==
        draw_times(Times::stratified, Rng(5), 8, {.step = 0}));
  CHECK_THROWS_AS(draw_times(Times::stratified, Rng(5), 4, {.step = 0, .slots = slots}),
                  ShapeError);
}

TEST_CASE("loss: data of another order than the network is made for are refused",
          "[diffusion][loss]") {
  const Scale net;
  const auto loss = [&](const Tensor<double>& x0, const auto& p,
                        const LossOptions<double>& o = {}) {
    return NetworkDenoiser(net, p, cosine).loss(x0, Rng(1), {.step = 0}, o);
  };
  // Pixels in 0..255, a fifth of them not black.
  Tensor<double> pixels({8, 10, 10, 1});
  for (Index i = 0; i < pixels.size(); i += 5) pixels[i] = 255.0 - static_cast<double>(i % 100);
  CHECK_THROWS_AS(loss(pixels, predict::Velocity{}), ArgumentError);
  CHECK_THROWS_WITH(loss(pixels, predict::Velocity{}),
                    ContainsSubstring("8 of 8 samples have values beyond 50 (up to 255)"));
  CHECK_THROWS_AS(loss(pixels, predict::Edm({.sigma_data = 0.5})), ArgumentError);
  CHECK_NOTHROW(loss(pixels, predict::Edm({.sigma_data = 64})));
  CHECK_NOTHROW(loss(pixels, predict::Velocity{}, {.data_scale = 60}));
  CHECK_NOTHROW(
      loss(pixels, predict::Velocity{}, {.data_scale = std::numeric_limits<double>::infinity()}));
  CHECK_THROWS_AS(loss(pixels, predict::Velocity{}, {.data_scale = -1}), ArgumentError);
  CHECK_THROWS_AS(loss(pixels, predict::Velocity{}, {.data_scale = std::nan("")}), ArgumentError);
  Tensor<double> unit = pixels;
  for (double& v : unit) v = v / 127.5 - 1;
  CHECK_NOTHROW(loss(unit, predict::Velocity{}));
  // What does not count does not.
  Tensor<double> seen({8, 10, 10, 1}, 1.0);
  for (Index i = 0; i < pixels.size(); i += 5) seen[i] = 0;
  CHECK_NOTHROW(loss(pixels, predict::Velocity{}, {.weight = &seen}));
  // Outliers are data: five samples of eight are no proof.
  auto outliers = Rng(2).normal<double>({8, 3});
  for (Index b = 0; b < 5; ++b) outliers(b, 1) = 1e6;
  CHECK_NOTHROW(loss(outliers, predict::Velocity{}));
  outliers(5, 1) = 1e6;
  CHECK_THROWS_AS(loss(outliers, predict::Velocity{}), ArgumentError);
}

TEST_CASE("loss: weights that are not numbers are refused", "[diffusion][loss]") {
  const Scale net;
  const Tensor<double> x0({3, 2});
  const auto loss = [&](const LossOptions<double>& o) {
    return NetworkDenoiser(net, predict::X0{}, cosine).loss(x0, Rng(1), {.step = 0}, o);
  };
  CHECK_THROWS_AS(loss({.level_weight = [](const Level&) { return std::nan(""); }}), NumericError);
  CHECK_THROWS_AS(loss({.level_weight = [](const Level&) { return -1.0; }}), NumericError);
  const Tensor<double> negative({3, 2}, -1.0);
  CHECK_THROWS_AS(loss({.weight = &negative, .penalty = Penalty::huber(1)}), ArgumentError);
  CHECK_THROWS_AS(loss({.t_min = 0.5, .t_max = 0.5, .density = density::Mode()}), ArgumentError);
  const auto wide = [](const Tensor<double>& x, const Tensor<double>&) {
    return Tensor<double>({x.dim(0), 2 * x.dim(1)});
  };
  CHECK_THROWS_AS(NetworkDenoiser(wide, predict::X0{}, cosine)
                      .loss(x0, Rng(1), {.step = 0}, {.penalty = Penalty::huber(1)}),
                  ShapeError);
}
