// Covers: systems/dense
#include "foglift/diffusion/schedule/cosine.hpp"
#include "foglift/nn/nets/unet.hpp"
#include "foglift/probe/systems/dense.hpp"
#include "support/catch.hpp"

using namespace foglift;

TEST_CASE("dense features: those of whole maps at the pixels asked for", "[probe][dense]") {
  Rng rng(1);
  const nn::UNet2d<double> net(
      {.width = 8, .multipliers = {1, 2}, .blocks = 1, .middle_attention = false}, rng);
  const NetworkDenoiser denoise(net, predict::Velocity{}, schedule::Cosine{});
  const Tensor<double> x = Rng(2).normal<double>({3, 8, 8, 1});
  const std::vector<Level> levels{denoise.at(0.1), denoise.at(0.4)};
  const std::vector<std::string> blocks{"up.1.0", "down.0.0"};  // both of full extent
  const probe::noise::Shared noise{Rng(3)};
  const Tensor<Index> pixels({3, 2}, {0, 9, 63, 7, 20, 31});
  const auto rows = probe::pixel_features(
      denoise, x, levels, blocks, probe::pixel_points<double>(pixels, 8, 8), noise, {.batch = 2});
  REQUIRE(rows.shape() == Shape{6, 2 * 2 * 8});

  // Whole maps, flattened: the value at a pixel's centre is the cell's own.
  const auto whole = [](const nn::Place&, Index, const Tensor<double>& h) {
    return h.reshaped({h.dim(0), h.row_size()});
  };
  probe::Collect<double, decltype(whole)> maps(whole);
  probe::extract(denoise, x, levels, noise, nn::NoHook{}, maps);
  double worst = 0;
  Index column = 0;
  for (const auto& level : maps.levels)
    for (const auto& block : level) {
      if (block.block != "up.1.0" && block.block != "down.0.0") continue;
      for (Index i = 0; i < 6; ++i)
        for (Index c = 0; c < 8; ++c)
          worst = std::max(worst,
                           std::abs(rows(i, column + c) - block.values(i / 2, pixels[i] * 8 + c)));
      column += 8;
    }
  CHECK(column == 32);
  CHECK(worst < 1e-12);
}

TEST_CASE("dense features: a coarse map is read between its cells", "[probe][dense]") {
  // A pixel of 4 x 4 over a map of 2 x 2: its centre is a quarter of a cell from the cell's.
  const auto points = probe::pixel_points<double>(Tensor<Index>({1, 1}, {5}), 4, 4);
  CHECK(points == Tensor<double>({1, 1, 2}, {-0.25, -0.25}));
  const auto value = sample_points(Tensor<double>({1, 2, 2, 1}, {0, 1, 10, 11}), points);
  CHECK_THAT(value[0], WithinRel(0.25 + 2.5, 1e-14));
}

TEST_CASE("dense features: wrong arguments are refused", "[probe][dense]") {
  Rng rng(1);
  const nn::UNet2d<double> net(
      {.width = 8, .multipliers = {1}, .blocks = 1, .middle_attention = false}, rng);
  const NetworkDenoiser denoise(net, predict::Velocity{}, schedule::Cosine{});
  const Tensor<double> x({1, 4, 4, 1});
  const std::vector<Level> levels{denoise.at(0.1)};
  const auto points = probe::pixel_points<double>(Tensor<Index>({1, 1}), 4, 4);
  const probe::noise::None none;
  CHECK_THROWS_AS(probe::pixel_features(denoise, x, levels, {"nowhere"}, points, none),
                  ArgumentError);
  CHECK_THROWS_AS(probe::pixel_features(denoise, x, levels, {}, points, none), ArgumentError);
  CHECK_THROWS_AS(
      probe::pixel_features(denoise, x, levels, {"middle"}, points.reshaped({1, 2}), none),
      ShapeError);
  CHECK_THROWS_AS(probe::pixel_points(Tensor<Index>({1, 1}, {16}), 4, 4), ArgumentError);
  CHECK_THROWS_AS(probe::pixel_points(Tensor<Index>({16}), 4, 4), ShapeError);
}
