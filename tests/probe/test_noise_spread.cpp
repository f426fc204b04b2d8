// Covers: noise_spread hooks/reweight data_consistency
#include "foglift/diffusion/analytic/gaussian.hpp"
#include "foglift/diffusion/grid.hpp"
#include "foglift/diffusion/guidance/data_consistency.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/nn/hooks/reweight.hpp"
#include "foglift/nn/nets/mlp.hpp"
#include "foglift/nn/nets/unet.hpp"
#include "foglift/probe/noise_spread.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;

TEST_CASE("averaged features: mean and standard error of the single draws", "[probe][extract]") {
  Rng rng(1);
  const nn::Mlp<double> net({.in = 3, .width = 8}, rng);
  const NetworkDenoiser denoise(net, predict::Velocity{}, schedule::Cosine{});
  const auto x = Rng(2).normal<double>({4, 3});
  const probe::noise::Fixed noise{Rng(3)};
  const Level level = denoise.at(0.4);
  const auto out = probe::averaged_features(denoise, x, level, noise, 5);
  const auto mean = probe::features(denoise, x, level, probe::noise::Mean(noise, 5));
  REQUIRE(out.size() == mean.size());
  std::vector<std::vector<probe::BlockFeatures<double>>> single;
  for (Index k = 0; k < 5; ++k)
    single.push_back(probe::features(denoise, x, level, probe::noise::Draw{noise, k}));
  for (std::size_t b = 0; b < out.size(); ++b) {
    CHECK(out[b].block == mean[b].block);
    for (Index i = 0; i < out[b].mean.size(); ++i) {
      CHECK_THAT(out[b].mean[i], WithinAbs(mean[b].values[i], 1e-13));
      double square = 0;
      for (const auto& draw : single) square += std::pow(draw[b].values[i] - mean[b].values[i], 2);
      CHECK_THAT(out[b].error[i], WithinAbs(std::sqrt(square / 4 / 5), 1e-12));
    }
  }
  CHECK_THROWS_AS(probe::averaged_features(denoise, x, level, noise, 1), ArgumentError);
}

TEST_CASE("reweight: attention to a key counts as often as it is told", "[nn][hooks]") {
  Rng rng(1);
  const nn::UNet1d<double> net(
      {.in = 1, .width = 8, .multipliers = {1}, .blocks = 1, .sequence = 3}, rng);
  const auto x = Rng(2).normal<double>({2, 4, 1}), told = Rng(3).normal<double>({2, 5, 3});
  const Tensor<double> time({2}, 0.3);
  const nn::Condition<double> condition{.sequence = told};
  const auto plain = net(x, time, condition);
  const std::string place = "middle.cross";
  nn::hooks::Reweight<double> same({place}, {1, 1, 1, 1, 1}), none({place}, {1, 1, 0, 1, 1});
  const auto kept = net(x, time, condition, nn::Call(same));
  for (Index i = 0; i < plain.size(); ++i) CHECK_THAT(kept[i], WithinAbs(plain[i], 1e-13));

  // Without attention to key 2, what stands there is of no effect but through the softmax's sum:
  // changing its value alone, not its key, would change nothing. Seen by the weights themselves.
  struct Sees {
    Tensor<double> w;
    bool needs_weights(const nn::Place& at) const { return at.name == "middle.cross"; }
    void weights(const nn::Place&, const Tensor<double>& seen) { w = seen; }
  };
  Sees before, after;
  net(x, time, condition, nn::Call(before));
  net(x, time, condition, nn::Call(nn::hooks::Join(none, after)));
  for (Index i = 0; i < before.w.size(); ++i)
    CHECK_THAT(after.w[i], WithinAbs(i % 5 == 2 ? 0 : before.w[i], 1e-14));

  nn::hooks::Reweight<double> few({place}, {1, 2}), unknown({"nowhere"}, {1});
  CHECK_THROWS_AS(net(x, time, condition, nn::Call(few)), ShapeError);
  CHECK_THROWS_AS(net(x, time, condition, nn::Call(unknown)), ArgumentError);
}

namespace {

/// The sums and the differences of neighbours, of which only the sums are measured.
struct Sums {
  Tensor<double> forward(const Tensor<double>& x) const {
    Tensor<double> y({x.dim(0), x.dim(1) / 2});
    for (Index i = 0; i < y.size(); ++i) y[i] = x[2 * i] + x[2 * i + 1];
    return y;
  }
  Tensor<double> pseudo_inverse(const Tensor<double>& y) const {
    Tensor<double> x({y.dim(0), 2 * y.dim(1)});
    for (Index i = 0; i < x.size(); ++i) x[i] = y[i / 2] / 2;
    return x;
  }
};
static_assert(guide::LinearOperator<Sums, Tensor<double>>);

}  // namespace

TEST_CASE("data consistency: what is measured is met, what is not stays", "[guidance]") {
  const auto law = analytic::gaussian({.mean = 0.5, .variance = 2});
  const auto y = Rng(1).normal<double>({3, 4}), x = Rng(2).normal<double>({3, 8});
  const Level level = schedule::Cosine{}.at(0.5);
  const Sums sums;
  const auto plain = law(x, level);
  const auto full = (law | guide::DataConsistency<Sums, double>(sums, y))(x, level);
  const auto half = (law | guide::DataConsistency<Sums, double>(sums, y, 0.5))(x, level);
  const auto measured = sums.forward(full), before = sums.forward(plain),
             partly = sums.forward(half);
  for (Index i = 0; i < 12; ++i) {
    CHECK_THAT(measured[i], WithinAbs(y[i], 1e-13));
    CHECK_THAT(partly[i], WithinAbs((y[i] + before[i]) / 2, 1e-13));
    CHECK_THAT(full[2 * i] - full[2 * i + 1], WithinAbs(plain[2 * i] - plain[2 * i + 1], 1e-13));
  }
}

TEST_CASE("data consistency: a run on normal data ends in its conditional law", "[guidance]") {
  // Independent elements of variance 2: given the sums, differences are normal of variance 4.
  const auto law = analytic::gaussian({.mean = 0, .variance = 2});
  const Index n = 4000;
  const Tensor<double> y({n, 1}, 3.0);
  const auto known = law | guide::DataConsistency<Sums, double>(Sums{}, y);
  const schedule::Cosine cosine;
  const auto x =
      sample<Tensor<double>>(solver::Ddim{}, known, {n, 2}, grid::uniform(cosine, 60), Rng(4));
  double mean = 0, square = 0;
  for (Index i = 0; i < n; ++i) {
    CHECK(std::abs(x(i, 0) + x(i, 1) - 3) < 1e-10);
    const double d = x(i, 0) - x(i, 1);
    mean += d / n, square += d * d / n;
  }
  CHECK(std::abs(mean) < 5 * std::sqrt(4.0 / n));
  // Differences are untouched by the measurement: DDIM's own error at 60 steps beside the chance.
  const auto free =
      sample<Tensor<double>>(solver::Ddim{}, law, {n, 2}, grid::uniform(cosine, 60), Rng(4));
  for (Index i = 0; i < n; ++i)
    CHECK_THAT(x(i, 0) - x(i, 1), WithinAbs(free(i, 0) - free(i, 1), 1e-9));
}

TEST_CASE("data consistency: wrong arguments are refused", "[guidance]") {
  const auto law = analytic::gaussian({});
  const Tensor<double> x({1, 4});
  CHECK_THROWS_AS((guide::DataConsistency<Sums, double>(Sums{}, x, 1.5)), ArgumentError);
  const auto known = law | guide::DataConsistency<Sums, double>(Sums{}, x);
  CHECK_THROWS_AS(known(x, schedule::Cosine{}.at(0.5)), ShapeError);
}
