// Covers: level levels
#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/core/rng.hpp"
#include "foglift/diffusion/analytic.hpp"
#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/pullback.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;

namespace {

/// Levels [3, 2] for samples of 2 groups.
const std::vector<Level> grid_of_levels{{0.1, 0.99, 0.1}, {0.5, 0.7, 0.7}, {0.9, 0.1, 0.995},
                                        {0.5, 2, 3},      {0.2, 0.8, 0.2}, {0.3, 0.9, 0.4}};
const Levels levels(grid_of_levels, 2);

/// The groups of x [B, 2 m] as samples [2 B, m].
Tensor<double> as_samples(const Tensor<double>& x) {
  return x.reshaped({2 * x.dim(0), x.row_size() / 2});
}

struct Square {
  template <Value X>
  X operator()(const X& x, const Tensor<scalar_of<X>>&) const {
    return square(x);
  }
};

}  // namespace

TEST_CASE("levels: a list without levels is not one level for all", "[diffusion][levels]") {
  const std::vector<Level> none;
  const Levels empty(none);
  CHECK_FALSE(empty.shared());
  CHECK_THROWS_AS(empty.check(3, "here"), ShapeError);
  empty.check(0, "here");
}

TEST_CASE("levels: groups are counted and named", "[diffusion][levels]") {
  const std::span<const Level> all(grid_of_levels);
  CHECK(levels.groups() == 2);
  CHECK(levels.rows(3, 4, "here") == 6);
  CHECK(Levels(grid_of_levels).rows(6, 5, "here") == 6);
  CHECK(Levels(grid_of_levels[0]).rows(7, 5, "here") == 7);
  CHECK_THROWS_AS(Levels(all, 0), ArgumentError);
  CHECK_THROWS_WITH(levels.rows(3, 5, "here"),
                    "here: samples of 5 elements can not be in 2 groups of one size");
  CHECK_THROWS_WITH(levels.rows(2, 4, "here"), "here: 6 levels for a batch of 2 with 2 groups");
  CHECK_THROWS_WITH(levels.check(3, "here"),
                    "here: 2 groups with a level each, needed one level a sample");
  const OwnedLevels kept(levels);
  CHECK(kept.get().groups() == 2);
  CHECK(kept.get()[3] == grid_of_levels[3]);
}

TEST_CASE("levels: conversions of groups are those of samples cut into groups",
          "[diffusion][levels]") {
  const auto x = Rng(1).normal<double>({3, 4}), f = Rng(2).normal<double>({3, 4});
  const Levels each(grid_of_levels);
  const auto same = [&](const Tensor<double>& grouped, const Tensor<double>& cut) {
    CHECK(as_samples(grouped) == cut);
  };
  const predict::Velocity v;
  same(predict::to_x0(v, x, f, levels), predict::to_x0(v, as_samples(x), as_samples(f), each));
  same(predict::to_eps(v, x, f, levels), predict::to_eps(v, as_samples(x), as_samples(f), each));
  same(predict::target(v, x, f, levels), predict::target(v, as_samples(x), as_samples(f), each));
  same(predict::convert(v, predict::X0{}, x, f, levels),
       predict::convert(v, predict::X0{}, as_samples(x), as_samples(f), each));
  CHECK_THROWS_AS(predict::to_x0(v, Tensor<double>({3, 5}), Tensor<double>({3, 5}), levels),
                  ShapeError);
}

TEST_CASE("levels: independent elements are denoised as if each were a sample",
          "[diffusion][levels]") {
  const auto x = Rng(5).normal<double>({3, 4});
  const auto data = analytic::gaussian({.mean = 0.7, .variance = 0.4});
  const auto x0 = data(x, levels), score = data.score(x, levels);
  const Levels each(grid_of_levels);
  CHECK(as_samples(x0) == data(as_samples(x), each));
  CHECK(as_samples(score) == data.score(as_samples(x), each));
  const auto parts = data.log_density(as_samples(x), each), whole = data.log_density(x, levels);
  for (Index b = 0; b < 3; ++b)
    CHECK_THAT(whole[b], WithinAbs(parts[2 * b] + parts[2 * b + 1], 1e-13));
}

TEST_CASE("levels: one level a group says the same as one a sample", "[diffusion][levels]") {
  // One level written twice for a sample; a group without noise is known, and tells of the other.
  const analytic::Mixture mixture({{0.3, {-1, 2}, 0.16}, {0.7, {1.5, 0}, 0.36}});
  const auto x = Rng(5).normal<double>({3, 2});
  const Level l = grid_of_levels[1];
  const std::vector<Level> same(6, l);
  const auto by_group = mixture(x, Levels(same, 2)), shared = mixture(x, l);
  for (Index i = 0; i < 6; ++i) CHECK_THAT(by_group[i], WithinAbs(shared[i], 1e-14));
  const std::vector<Level> half{{0, 1, 0}, {1, 0, 1}};
  const analytic::Mixture points({{0.5, {-1, 2}, 1e-3}, {0.5, {1.5, 0}, 1e-3}});
  const auto told = points(Tensor<double>({1, 2}, {1.5, 17}), Levels(half, 2));
  CHECK_THAT(told[0], WithinAbs(1.5, 1e-15));
  CHECK_THAT(told[1], WithinAbs(0, 1e-15));
}

TEST_CASE("levels: a network is asked with a time for each group", "[diffusion][levels]") {
  // x at any level is x0 of the network, so that the result shows the input's scale alone.
  Tensor<double> seen;
  const auto net = [&](const Tensor<double>& x, const Tensor<double>& time) {
    seen = time;
    return x;
  };
  const schedule::Linear s;
  const NetworkDenoiser d(net, predict::X0{}, s);
  const auto x = Rng(6).normal<double>({3, 4});
  const auto x0 = d(x, levels);
  CHECK(seen.shape() == Shape{3, 2});
  for (Index i = 0; i < 6; ++i)
    CHECK_THAT(seen[i],
               WithinRel(s.time(grid_of_levels[static_cast<std::size_t>(i)].lambda()), 1e-14));
  CHECK(as_samples(x0) == d(as_samples(x), Levels(grid_of_levels)));
  CHECK(seen.shape() == Shape{6});
  CHECK_THROWS_AS(d(Tensor<double>({3, 3}), levels), ShapeError);
}

TEST_CASE("levels: gradients go through groups", "[diffusion][levels]") {
  // f = x^2 and v = 1: d x0 / d x_i = (a + 2 b scale x_i) scale in each group, by hand.
  const schedule::Linear s;
  const NetworkDenoiser d(Square{}, predict::Velocity{}, s);
  const auto x = Rng(6).normal<double>({3, 4});
  const auto pulled =
      pullback(d, x, levels, [](const auto& x0) { return Tensor<double>(x0.shape(), 1.0); });
  for (Index i = 0; i < 12; ++i) {
    const Level& l = grid_of_levels[static_cast<std::size_t>(i / 2)];
    const Level at = s.at(s.time(l.lambda()));
    const double scale = 1 / std::hypot(l.alpha, l.sigma);  // the schedule's norm is 1
    const double slope = (at.alpha - at.sigma * 2 * scale * x[i]) * scale;
    CHECK_THAT(pulled.gradient[i], WithinAbs(slope, 1e-12));
  }
}
