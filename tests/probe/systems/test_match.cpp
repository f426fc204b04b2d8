// Covers: systems/match
#include "foglift/diffusion/schedule/cosine.hpp"
#include "foglift/nn/nets/unet.hpp"
#include "foglift/probe/systems/match.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;

TEST_CASE("match: a shifted image is matched by its shift", "[probe][match]") {
  Rng rng(1);
  nn::UNetOptions options{.width = 8, .multipliers = {1}, .blocks = 1, .middle_attention = false};
  options.padding = Padding::circular;
  const nn::UNet2d<double> net(options, rng);
  const NetworkDenoiser denoise(net, predict::Velocity{}, schedule::Cosine{});
  const auto x = Rng(2).normal<double>({1, 10, 10, 1});
  Tensor<double> both({2, 10, 10, 1});
  for (Index i = 0; i < 10; ++i)
    for (Index j = 0; j < 10; ++j) {
      both(0, i, j, 0) = x(0, i, j, 0);
      both(1, (i + 3) % 10, (j + 8) % 10, 0) = x(0, i, j, 0);
    }
  const auto maps = probe::feature_map(denoise, both, denoise.at(0.1), "up.0.1",
                                       probe::noise::None{}, {.batch = 1});
  REQUIRE(maps.shape() == Shape{2, 10, 10, 8});
  const std::vector<std::pair<Index, Index>> at{{0, 0}, {4, 9}, {9, 3}},
      truth{{3, 8}, {7, 7}, {2, 1}};
  const auto found = probe::match_positions(maps.rows(0, 1), maps.rows(1, 1), at, {10, 10});
  CHECK(probe::correct_keypoints(found, truth, 0) == 1);
  for (const auto& match : found) CHECK_THAT(match.similarity, WithinAbs(1, 1e-9));
}

TEST_CASE("match: draws are averaged before they are compared", "[probe][match]") {
  Rng rng(1);
  const nn::UNet2d<double> net(
      {.width = 8, .multipliers = {1}, .blocks = 1, .middle_attention = false}, rng);
  const NetworkDenoiser denoise(net, predict::Velocity{}, schedule::Cosine{});
  const auto x = Rng(2).normal<double>({1, 4, 4, 1});
  const probe::noise::Fixed one{Rng(3)};
  const auto mean =
      probe::feature_map(denoise, x, denoise.at(0.4), "middle", probe::noise::Mean(one, 2));
  const auto first = probe::feature_map(denoise, x, denoise.at(0.4), "middle", one);
  double apart = 0;
  for (Index i = 0; i < mean.size(); ++i) apart = std::max(apart, std::abs(mean[i] - first[i]));
  CHECK(apart > 1e-3);
}

TEST_CASE("match: by hand, and PCK counts a radius", "[probe][match]") {
  const Tensor<double> from({1, 1, 2, 2}, {1, 0, 0, 2}), to({1, 1, 3, 2}, {-1, 0, 3, 0.3, 0, 1});
  const auto found = probe::match_positions(from, to.rows(0, 1), {{0, 0}}, {1, 3});
  CHECK(found[0].row == 0);
  CHECK(found[0].column == 1);
  CHECK_THAT(found[0].similarity, WithinRel(3 / std::sqrt(9.09), 1e-12));
  const std::vector<probe::Match> matches{{0, 0, 1}, {3, 4, 1}};
  CHECK(probe::correct_keypoints(matches, {{0, 0}, {0, 0}}, 4.9) == 0.5);
  CHECK(probe::correct_keypoints(matches, {{0, 0}, {0, 0}}, 5) == 1);
}

TEST_CASE("match: wrong arguments are refused", "[probe][match]") {
  const Tensor<double> a({1, 2, 2, 3}), b({1, 2, 2, 4}), two({2, 2, 2, 3});
  CHECK_THROWS_AS(probe::match_positions(a, b, {}, {2, 2}), ShapeError);
  CHECK_THROWS_AS(probe::match_positions(two, a, {}, {2, 2}), ShapeError);
  CHECK_THROWS_AS(probe::match_positions(a, a, {{2, 0}}, {2, 2}), ArgumentError);
  CHECK_THROWS_AS(probe::correct_keypoints({}, {}, 1), ArgumentError);
  CHECK_THROWS_AS(probe::correct_keypoints({}, {{0, 0}}, 1), ShapeError);
}
