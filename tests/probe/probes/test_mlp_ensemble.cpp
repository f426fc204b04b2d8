// Covers: mlp_ensemble
// Alone: it takes long to compile.
#include "foglift/diffusion/schedule/cosine.hpp"
#include "foglift/nn/nets/mlp.hpp"
#include "foglift/probe/metric/accuracy.hpp"
#include "foglift/probe/probes/mlp_ensemble.hpp"
#include "foglift/probe/search.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;

namespace {

/// Points of two rings, which no line tells apart, in units that differ a thousandfold.
std::pair<Tensor<double>, std::vector<Index>> rings(Index n, std::uint64_t seed) {
  Tensor<double> x({n, 2});
  std::vector<Index> labels;
  for (Index i = 0; i < n; ++i) {
    const double angle = 2 * M_PI * Rng(seed).uniform(static_cast<std::uint64_t>(i)),
                 r = (i % 2 ? 3 : 1) + 0.2 * Rng(seed + 1).uniform(static_cast<std::uint64_t>(i));
    x(i, 0) = 100 + 5 * r * std::cos(angle);
    x(i, 1) = 0.001 * r * std::sin(angle);
    labels.push_back(i % 2);
  }
  return {x, labels};
}

}  // namespace

TEST_CASE("MLP ensemble: learns what is not linear, and doubts between the classes",
          "[probe][mlp]") {
  const auto [x, labels] = rings(200, 1);
  const auto [more, truth] = rings(200, 3);
  const probe::MlpEnsemble how{2, 4, {.hidden = {32, 16}, .steps = 300, .lr = 1e-2}};
  const auto fit = how.fit(x, labels);
  CHECK(probe::accuracy(fit.predict(more), truth) == 1);

  const auto sure = fit.vote(more), unsure = fit.vote(Tensor<double>({1, 2}, {100.0, 0.00205}));
  double mean = 0;
  for (const double d : sure.disagreement) {
    CHECK(d >= -1e-12);
    mean += d / 200;
  }
  CHECK(unsure.disagreement[0] > 3 * mean);
  CHECK(unsure.disagreement[0] <= std::log(2.0));
  for (Index i = 0; i < 200; ++i)
    CHECK_THAT(sure.probabilities(i, 0) + sure.probabilities(i, 1), WithinAbs(1, 1e-12));
}

TEST_CASE("MLP ensemble: one member has nothing to disagree with", "[probe][mlp]") {
  const auto [x, labels] = rings(40, 1);
  const auto fit = probe::MlpEnsemble{2, 1, {.hidden = {8}, .steps = 5}}.fit(x, labels);
  const auto vote = fit.vote(x);
  for (Index i = 0; i < 40; ++i) {
    CHECK_THAT(vote.disagreement[static_cast<std::size_t>(i)], WithinAbs(0, 1e-14));
    CHECK(vote.predicted[static_cast<std::size_t>(i)] ==
          (vote.probabilities(i, 1) > vote.probabilities(i, 0) ? 1 : 0));
  }
  CHECK(
      probe::MlpEnsemble{2, 1, {.hidden = {8}, .steps = 5}}.fit(x, labels).vote(x).probabilities ==
      vote.probabilities);
}

TEST_CASE("MLP ensemble: is the head of a search over blocks and levels", "[probe][mlp]") {
  const auto [x, labels] = rings(120, 1);
  Rng rng(2);
  const nn::Mlp<double> net({.in = 2, .width = 16, .depth = 2}, rng);
  const NetworkDenoiser denoise(net, predict::Velocity{}, schedule::Cosine{});
  const auto split = probe::stratified_split(labels, Rng(3));
  const auto metric = [](const auto& a, const auto& b) { return probe::accuracy(a, b); };
  const probe::MlpEnsemble head{2, 2, {.hidden = {16}, .steps = 200, .lr = 1e-2}};
  probe::Search<probe::MlpEnsemble, double, std::vector<Index>, decltype(metric)> search(
      head, labels, split, metric);
  Tensor<double> centred = x;
  for (Index i = 0; i < 120; ++i) {
    centred(i, 0) = (x(i, 0) - 100) / 5;
    centred(i, 1) = 1000 * x(i, 1);
  }
  const std::vector<Level> levels{denoise.at(0.02), denoise.at(0.9)};
  probe::extract(denoise, centred, levels, probe::noise::Fixed{Rng(4)}, nn::NoHook{}, search);
  CHECK(search.map.cells.size() == 4);
  CHECK(search.map.best().level == 0);  // less noise tells more
  CHECK(probe::accuracy(search.map.best().predicted, gather(labels, split.test)) > 0.9);
}

TEST_CASE("MLP ensemble: wrong arguments are refused", "[probe][mlp]") {
  const auto [x, labels] = rings(10, 1);
  CHECK_THROWS_AS(probe::MlpEnsemble{1}.fit(x, labels), ArgumentError);
  CHECK_THROWS_AS((probe::MlpEnsemble{2, 0}.fit(x, labels)), ArgumentError);
  CHECK_THROWS_AS(probe::MlpEnsemble{2}.fit(x, {0, 1}), ShapeError);
  const auto fit = probe::MlpEnsemble{2, 1, {.steps = 1}}.fit(x, labels);
  CHECK_THROWS_AS(fit.predict(Tensor<double>({1, 3})), ShapeError);
  CHECK_THROWS_AS(probe::MlpEnsemble::Predictor<double>().predict(x), ArgumentError);
}
