// Covers: diffusion/times
#include "diffusion/loss/fixtures.hpp"
#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/diffusion/analytic.hpp"
#include "foglift/diffusion/loss.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

using namespace foglift;
using namespace foglift::test;

TEST_CASE("times: every sample is uniform over the steps", "[diffusion][loss]") {
  // 20000 steps of a batch of 8: each sample's mean and second moment of t, within 5 standard
  // errors of 1/2 and 1/3 (variances 1/12 and 4/45), and the histogram by chi-squared with 9
  // degrees.
  const int steps = 20000;
  for (const Times how : {Times::uniform, Times::stratified, Times::antithetic}) {
    std::vector<double> mean(8), square(8);
    std::vector<std::vector<double>> counts(8, std::vector<double>(10));
    for (int s = 0; s < steps; ++s) {
      const auto t = draw_times(how, Rng(3), 8, {.first_sample = 40, .step = s});
      for (std::size_t b = 0; b < 8; ++b) {
        REQUIRE((t[b] >= 0 && t[b] < 1));
        mean[b] += t[b] / steps;
        square[b] += t[b] * t[b] / steps;
        ++counts[b][static_cast<std::size_t>(10 * t[b])];
      }
    }
    for (std::size_t b = 0; b < 8; ++b) {
      CHECK_THAT(mean[b], WithinAbs(0.5, 5 * std::sqrt(1.0 / 12 / steps)));
      CHECK_THAT(square[b], WithinAbs(1.0 / 3, 5 * std::sqrt(4.0 / 45 / steps)));
      double chi2 = 0;
      for (const double c : counts[b]) chi2 += std::pow(c - steps / 10.0, 2) / (steps / 10.0);
      CHECK(chi2 < 9 + 5 * std::sqrt(18.0));
    }
  }
}

TEST_CASE("times: stratified covers and antithetic mirrors", "[diffusion][loss]") {
  for (Index step = 0; step < 20; ++step) {
    auto t = draw_times(Times::stratified, Rng(5), 16, {.first_sample = 5, .step = step});
    std::sort(t.begin(), t.end());
    for (std::size_t i = 0; i + 1 < 16; ++i) CHECK(t[i + 1] - t[i] < 2.0 / 16);
    CHECK(t[0] + 1 - t[15] < 2.0 / 16);  // round the circle
    const auto pairs = draw_times(Times::antithetic, Rng(5), 16, {.step = step});
    for (std::size_t i = 0; i < 16; i += 2)
      CHECK_THAT(pairs[i] + pairs[i + 1], WithinAbs(1, 1e-15));
  }
}

TEST_CASE("times: shards agree with the whole batch", "[diffusion][loss]") {
  for (const Times how : {Times::uniform, Times::stratified, Times::antithetic}) {
    const auto all = draw_times(how, Rng(5), 12, {.step = 7});
    const std::uint64_t mixed[] = {3, 11, 0, 6};
    const auto part = draw_times(how, Rng(5), 4, {.samples = mixed, .step = 7, .strata = 12});
    for (std::size_t i = 0; i < 4; ++i) CHECK(part[i] == all[mixed[i]]);
  }
  CHECK_THROWS_AS(draw_times(Times::uniform, Rng(5), 3, {.step = -1}), ArgumentError);
  const std::uint64_t two[] = {1, 2};
  CHECK_THROWS_AS(draw_times(Times::uniform, Rng(5), 3, {.samples = two, .step = 0}), ShapeError);
}

TEST_CASE("loss: the network sees noised data at its times", "[diffusion][loss]") {
  // x and the target from a network that predicts 0: mse = mean(target^2), and with X0 and Epsilon
  // the target is known, so x = alpha x0 + sigma eps can be checked by its moments. Here: data 0, x
  // = sigma eps, target eps.
  Tensor<double> x, time;
  const Index count = 4096;
  const Tensor<double> zero({count, 2});
  const TrainingBatch<double> batch(zero, cosine, predict::Epsilon{}, Rng(1), {.step = 0});
  const auto loss = batch.loss(Shown{x, time}(batch.input(), batch.time));
  CHECK(time.shape() == Shape{count});
  double square = 0, mean = 0;
  for (Index i = 0; i < x.size(); ++i) {
    const double eps = x[i] / cosine.at(time[i / 2]).sigma;
    mean += eps / static_cast<double>(x.size());
    square += eps * eps / static_cast<double>(x.size());
  }
  CHECK_THAT(loss.item(), WithinRel(square, 1e-12));
  CHECK_THAT(mean, WithinAbs(0, 4 / std::sqrt(8192.0)));
  CHECK_THAT(square, WithinAbs(1, 4 * std::sqrt(2 / 8192.0)));
  // Constant data 3 without noise at t_max = 0.
  const Tensor<double> three({5, 2}, 3.0);
  const auto clean = NetworkDenoiser(Shown{x, time}, predict::X0{}, cosine)
                         .loss(three, Rng(1), {.step = 0}, {.t_max = 0});
  CHECK(x == three);
  CHECK(clean.item() == 9);
}

TEST_CASE("loss: unbiased for every way to draw times", "[diffusion][loss]") {
  // Data at 1, X0 target, network w x: E over eps of (w (alpha + sigma eps) - 1)^2 = (w alpha -
  // 1)^2
  // + w^2 sigma^2, averaged over t by the midpoint rule with 1e5 points (error 1e-10). The
  // estimates of 2000 steps lie within 4 standard errors, measured from the sample; stratified
  // times spread less than uniform ones.
  const Scale net;
  const double w = net.w.value.item();
  double exact = 0;
  for (int i = 0; i < 100000; ++i) {
    const Level l = cosine.at((i + 0.5) / 100000);
    exact += (std::pow(w * l.alpha - 1, 2) + w * w * l.sigma * l.sigma) / 100000;
  }
  const Tensor<double> ones({16, 1}, 1.0);
  std::vector<double> spread;
  for (const Times how : {Times::uniform, Times::stratified, Times::antithetic}) {
    double sum = 0, square = 0;
    const int steps = 2000;
    for (int s = 0; s < steps; ++s) {
      const double loss = NetworkDenoiser(net, predict::X0{}, cosine)
                              .loss(ones, Rng(2), {.step = s}, {.times = how})
                              .item();
      sum += loss / steps;
      square += loss * loss / steps;
    }
    spread.push_back(square - sum * sum);
    CHECK_THAT(sum, WithinAbs(exact, 4 * std::sqrt(spread.back() / steps)));
  }
  CHECK(spread[1] < 0.9 * spread[0]);
}

TEST_CASE("loss: the least squares optimum is the analytic denoiser", "[diffusion][loss]") {
  // Gaussian data of mean 0 and variance v at one level: E[(w x - x0)^2] is least at w = alpha v /
  // (alpha^2 v + sigma^2). The loss is a parabola in w: three values give its bottom, which for n
  // samples has standard error below sqrt(Var(x0 | x) / (n Var(x))).
  const double v = 2, t = 0.6;
  const Level l = cosine.at(t);
  auto x0 = Rng(4).normal<double>({1 << 15, 1});
  for (double& e : x0) e *= std::sqrt(v);
  Scale net;
  const auto at = [&](double w) {
    net.w.value[0] = w;
    return NetworkDenoiser(net, predict::X0{}, cosine)
        .loss(x0, Rng(6), {.step = 0}, {.t_min = t, .t_max = t})
        .item();
  };
  const double a = at(-1), b = at(0), c = at(1), bottom = 0.5 * (a - c) / (a - 2 * b + c);
  const double var = l.alpha * l.alpha * v + l.sigma * l.sigma;
  const double residual = v * l.sigma * l.sigma / var;
  CHECK_THAT(bottom, WithinAbs(l.alpha * v / var, 4 * std::sqrt(residual / (32768 * var))));
}

TEST_CASE("loss: gradients are the finite differences of the loss", "[diffusion][loss]") {
  // A parabola in w: central differences are exact up to rounding, eps / h = 1e-11.
  const auto x0 = Rng(4).normal<double>({7, 3});
  auto weight = Rng(5).uniform<double>({7, 3});
  weight[4] = 0;
  const auto check = [&](const auto& p, const LossOptions<double>& options) {
    Scale net;
    Tape<double> tape;
    const TrainingBatch<double> batch(x0, cosine, p, Rng(1), {.step = 3}, options);
    const auto loss = batch.loss(net(tape.constant(batch.input()), batch.time));
    const auto value = [&] { return batch.loss(net(batch.input(), batch.time)).item(); };
    CHECK(loss.value().item() == value());
    const double gradient = tape.backward(loss)[net.w].item();
    net.w.value[0] += 1e-5;
    const double up = value();
    net.w.value[0] -= 2e-5;
    CHECK_THAT(gradient, WithinRel((up - value()) / 2e-5, 1e-8));
  };
  const auto parameterizations = [&](const LossOptions<double>& o) {
    check(predict::Epsilon{}, o);
    check(predict::X0{}, o);
    check(predict::Velocity{}, o);
  };
  parameterizations({});
  parameterizations({.weight = &weight});
  parameterizations({.times = Times::antithetic, .level_weight = predict::min_snr(predict::X0{})});
  parameterizations({.level_weight = [](const Level& l) { return l.sigma; }, .weight = &weight});
}

TEST_CASE("loss: weights of elements and of levels are the formula's", "[diffusion][loss]") {
  Tensor<double> x, time;
  const auto x0 = Rng(4).normal<double>({6, 2});
  auto weight = Rng(5).uniform<double>({6, 2});
  const auto by_level = [](const Level& l) { return 0.5 + l.sigma; };
  const auto loss =
      NetworkDenoiser(Shown{x, time}, predict::X0{}, cosine)
          .loss(x0, Rng(1), {.step = 0}, {.level_weight = by_level, .weight = &weight});
  double sum = 0, total = 0;
  for (Index i = 0; i < 12; ++i) {
    sum += by_level(cosine.at(time[i / 2])) * weight[i] * x0[i] * x0[i];
    total += weight[i];
  }
  CHECK_THAT(loss.item(), WithinRel(sum / total, 1e-13));
}

TEST_CASE("loss: a missing value counts for nothing", "[diffusion][loss]") {
  auto x0 = Rng(4).normal<double>({6, 2});
  Tensor<double> weight({6, 2}, 1.0), x, time;
  x0[3] = std::numeric_limits<double>::quiet_NaN();
  weight[3] = 0;
  const LossOptions<double> options{.weight = &weight};
  const auto loss = [&] {
    return NetworkDenoiser(Shown{x, time}, predict::Velocity{}, cosine)
        .loss(x0, Rng(1), {.step = 0}, options)
        .item();
  };
  const double missing = loss();
  CHECK(std::isfinite(missing));
  for (const double v : x) CHECK(std::isfinite(v));
  x0[3] = 17;
  CHECK(loss() == missing);
  weight.fill(0);
  CHECK(loss() == 0);
}

TEST_CASE("loss: shards of a step are the step", "[diffusion][loss]") {
  const auto x0 = Rng(4).normal<double>({12, 2});
  Tensor<double> x, time, part, part_time;
  NetworkDenoiser(Shown{x, time}, predict::X0{}, cosine).loss(x0, Rng(1), {.step = 5});
  NetworkDenoiser(Shown{part, part_time}, predict::X0{}, cosine)
      .loss(x0.rows(8, 4), Rng(1), {.first_sample = 8, .step = 5, .strata = 12});
  CHECK(part == x.rows(8, 4));
  CHECK(part_time == time.rows(8, 4));
}

TEST_CASE("loss: wrong arguments are refused", "[diffusion][loss]") {
  const Scale net;
  const Tensor<double> x0({3, 2}), narrow({3, 1});
  const auto loss = [&](const Tensor<double>& data, const LossOptions<double>& options) {
    return NetworkDenoiser(net, predict::X0{}, cosine).loss(data, Rng(1), {.step = 0}, options);
  };
  CHECK_THROWS_AS(loss(Tensor<double>({0, 2}), {}), ShapeError);
  CHECK_THROWS_AS(loss(x0, {.weight = &narrow}), ShapeError);
  CHECK_THROWS_AS(loss(x0, {.t_min = 0.5, .t_max = 0.4}), ArgumentError);
  CHECK_THROWS_AS(loss(x0, {.t_max = 1.5}), ArgumentError);
}
