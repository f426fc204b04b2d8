// Covers: collect extract noise_policy
#include "foglift/diffusion/schedule.hpp"
#include "foglift/probe/sink/collect.hpp"
#include "support/catch.hpp"

#include <limits>

using namespace foglift;

namespace {

/// A network of two blocks: the image itself, and its square scaled by time and label.
struct Toy {
  template <class H>
  Tensor<double> operator()(const Tensor<double>& x, const Tensor<double>& time,
                            const nn::Condition<double>& condition, const nn::Call<H>& call) const {
    Tensor<double> image = x;
    call.at({4, 4}, "image").block(image);
    Tensor<double> square = x;
    const Index n = x.row_size();
    for (Index i = 0; i < x.size(); ++i) {
      const double label =
          condition.labels.empty()
              ? 0
              : static_cast<double>(condition.labels[static_cast<std::size_t>(i / n)]);
      square[i] = x[i] * x[i] * time[i / n] + label;
    }
    call.at({4, 4}, "square").block(square);
    return x;
  }
};

const Level some_level = schedule::Cosine{}.at(0.3);

template <class Net>
auto denoiser(const Net& net, const nn::Condition<double>& told = {}) {
  return NetworkDenoiser(net, predict::X0{}, schedule::Cosine{}, told);
}
const Toy toy;
using probe::noise::Fixed;

Tensor<double> some_images(Index n) { return Rng(1).normal<double>({n, 4, 4, 2}); }

bool same(const std::vector<probe::BlockFeatures<double>>& a,
          const std::vector<probe::BlockFeatures<double>>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t k = 0; k < a.size(); ++k)
    if (a[k].block != b[k].block || !(a[k].values == b[k].values)) return false;
  return true;
}

}  // namespace

TEST_CASE("features: equal a direct computation", "[probe][features]") {
  const Index n = 5, noises = 3, size = 4 * 4 * 2;
  const Tensor<double> x0 = some_images(n);
  const Rng rng(2);
  for (const Index grid : {1, 2}) {
    const auto found =
        probe::features(denoiser(toy), x0, some_level, probe::noise::Mean(Fixed{rng}, noises),
                        {.grid = grid, .first_sample = 10});
    REQUIRE(found.size() == 2);
    CHECK(found[0].block == "image");
    CHECK(found[1].block == "square");
    for (Index i = 0; i < n; ++i) {
      std::vector<double> image(static_cast<std::size_t>(2 * grid * grid)), square = image;
      for (Index k = 0; k < noises; ++k) {
        std::vector<double> eps(static_cast<std::size_t>(size));
        rng.fill_normal(std::span<double>(eps), static_cast<std::uint64_t>(10 + i),
                        static_cast<std::uint32_t>(k));
        for (Index y = 0; y < 4; ++y)
          for (Index x = 0; x < 4; ++x)
            for (Index c = 0; c < 2; ++c) {
              const Index at = (y * 4 + x) * 2 + c, cell = (y * grid / 4) * grid + x * grid / 4;
              const double v = some_level.alpha * x0[i * size + at] +
                               some_level.sigma * eps[static_cast<std::size_t>(at)];
              const double weight = static_cast<double>(grid * grid) / (16.0 * noises);
              image[static_cast<std::size_t>(cell * 2 + c)] += weight * v;
              square[static_cast<std::size_t>(cell * 2 + c)] += weight * v * v * some_level.t;
            }
      }
      // Means of 48 values of order 1, in another order: 48 eps.
      for (Index j = 0; j < 2 * grid * grid; ++j) {
        CHECK_THAT(found[0].values(i, j), WithinAbs(image[static_cast<std::size_t>(j)], 1.1e-14));
        CHECK_THAT(found[1].values(i, j), WithinAbs(square[static_cast<std::size_t>(j)], 1.1e-14));
      }
    }
  }
}

TEST_CASE("features: bits do not depend on the batch split or the threads", "[probe][features]") {
  const Tensor<double> x0 = some_images(33);
  const Rng rng(3);
  const int before = threads();
  set_threads(1);
  const auto expected = probe::features(denoiser(toy), x0, some_level,
                                        probe::noise::Mean(Fixed{rng}, 2), {.batch = 33});
  for (const int count : {1, 2, 3, 4}) {
    set_threads(count);
    for (const Index batch : {1, 7, 16, 32, 64})
      CHECK(same(probe::features(denoiser(toy), x0, some_level, probe::noise::Mean(Fixed{rng}, 2),
                                 {.batch = batch}),
                 expected));
  }
  set_threads(before);
}

TEST_CASE("features: a shard's are the rows of the whole", "[probe][features]") {
  const Tensor<double> x0 = some_images(20);
  const Rng rng(4);
  const auto whole = probe::features(denoiser(toy), x0, some_level, Fixed{rng});
  const auto shard = probe::features(denoiser(toy), x0.rows(8, 5), some_level, Fixed{rng},
                                     {.batch = 2, .first_sample = 8});
  for (std::size_t k = 0; k < 2; ++k) CHECK(shard[k].values == whole[k].values.rows(8, 5));
}

TEST_CASE("features: the noise of an example is the same at every level", "[probe][features]") {
  // sigma = 1 and alpha = 0 show the noise itself, whatever the time.
  const Tensor<double> x0 = some_images(3);
  const Rng rng(5);
  const auto a = probe::features(denoiser(toy), x0, Level{0.9, 0, 1}, Fixed{rng});
  const auto b = probe::features(denoiser(toy), x0, Level{0.2, 0, 1}, Fixed{rng});
  CHECK(a[0].values == b[0].values);
  CHECK_FALSE(a[0].values ==
              probe::features(denoiser(toy), x0, Level{0.2, 0, 1}, Fixed{Rng(6)})[0].values);
}

TEST_CASE("features: each example keeps its condition", "[probe][features]") {
  const Tensor<double> x0({5, 1, 1, 1});
  const nn::Condition<double> condition{.labels = {4, 0, 3, 1, 2}};
  const auto found =
      probe::features(denoiser(toy, condition), x0, Level{0, 1, 0}, Fixed{Rng(7)}, {.batch = 2});
  CHECK(found[1].values == Tensor<double>({5, 1}, {4, 0, 3, 1, 2}));
}

TEST_CASE("features: all that a condition says reaches the network", "[probe][features]") {
  // Shows every field, as a number for each example.
  const auto net = [](const Tensor<double>& x, const Tensor<double>&,
                      const nn::Condition<double>& c, const auto& call) {
    const Index B = x.dim(0);
    const auto show = [&](const char* name, const auto& value) {
      Tensor<double> h({B, 1, 1});
      for (Index b = 0; b < B; ++b) h[b] = value(b);
      call.at({1}, name).block(h);
    };
    show("label",
         [&](Index b) { return static_cast<double>(c.labels.at(static_cast<std::size_t>(b))); });
    show("vector", [&](Index b) { return (*c.vector)(b, 1); });
    show("sequence", [&](Index b) { return (*c.sequence)(b, 1, 0); });
    show("mask", [&](Index b) { return (*c.mask)(b, 1); });
    show("map", [&](Index b) { return (*c.map)(b, 1, 0); });
    show("present", [&](Index b) { return (*c.present)[b]; });
    return x;
  };
  const Index n = 5;
  const auto vector = Rng(1).normal<double>({n, 2}), sequence = Rng(2).normal<double>({n, 2, 3}),
             mask = Rng(3).uniform<double>({n, 2}), map = Rng(4).uniform<double>({n, 2, 1}),
             present = Rng(5).uniform<double>({n});
  const nn::Condition<double> all{.labels = {4, 0, 3, 1, 2},
                                  .vector = vector,
                                  .sequence = sequence,
                                  .mask = mask,
                                  .map = map,
                                  .present = present};
  const auto found =
      probe::features(denoiser(net, all), some_images(n), some_level, Fixed{Rng(5)}, {.batch = 2});
  REQUIRE(found.size() == 6);
  for (Index i = 0; i < n; ++i) {
    CHECK(found[0].values[i] == static_cast<double>(all.labels[static_cast<std::size_t>(i)]));
    CHECK(found[1].values[i] == vector(i, 1));
    CHECK(found[2].values[i] == sequence(i, 1, 0));
    CHECK(found[3].values[i] == mask(i, 1));
    CHECK(found[4].values[i] == map(i, 1, 0));
    CHECK(found[5].values[i] == present[i]);
  }
  auto few = all;
  few.labels.pop_back();
  CHECK_THROWS_AS(probe::features(denoiser(net, few), some_images(n), some_level, Fixed{Rng(5)}),
                  ShapeError);
}

TEST_CASE("features: no examples give no rows", "[probe][features]") {
  const auto found = probe::features(denoiser(toy), some_images(0), some_level, Fixed{Rng(8)});
  CHECK(found.at(0).values.shape() == Shape{0, 2});
}

TEST_CASE("features: wrong arguments and broken numbers are refused", "[probe][features]") {
  Tensor<double> x0 = some_images(3);
  CHECK_THROWS_AS(probe::features(denoiser(toy), Tensor<double>({3}), some_level, Fixed{Rng(9)}),
                  ShapeError);
  for (const auto& bad : {probe::FeatureOptions{.grid = 0}, probe::FeatureOptions{.batch = 0}})
    CHECK_THROWS_AS(probe::features(denoiser(toy), x0, some_level, Fixed{Rng(9)}, bad),
                    ArgumentError);
  CHECK_THROWS_AS(probe::noise::Mean(Fixed{Rng(9)}, 0), ArgumentError);
  x0[40] = std::numeric_limits<double>::infinity();
  CHECK_THROWS_WITH(probe::features(denoiser(toy), x0, some_level, Fixed{Rng(9)}),
                    ContainsSubstring("block image"));
}
