// Covers: sprites
#include "foglift/probe/sprites.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <set>

using namespace foglift;

namespace {

struct Body {
  double area = 0, x = 0, y = 0;
};
/// The area and the middle of an image, in units of its side.
Body body(const Tensor<double>& image) {
  const Index side = image.dim(1);
  Body b;
  for (Index i = 0; i < side; ++i)
    for (Index j = 0; j < side; ++j) {
      b.area += image(0, i, j, 0);
      b.x += image(0, i, j, 0) * (double(j) + 0.5) / double(side);
      b.y += image(0, i, j, 0) * (double(i) + 0.5) / double(side);
    }
  b.x /= b.area, b.y /= b.area, b.area /= double(side * side);
  return b;
}

}  // namespace

TEST_CASE("sprites: areas and middles are those of the figures", "[probe][sprites]") {
  for (const double angle : {0.0, 0.4, 2.0}) {
    for (const double scale : {0.5, 1.0}) {
      const double r2 = scale * scale / 25;
      const auto square = body(probe::draw_sprites<double>({{0, scale, angle, 0.4, 0.7}}, 64));
      const auto ellipse = body(probe::draw_sprites<double>({{1, scale, angle, 0.3, 0.6}}, 64));
      // A boundary of length about 7 r is off by a part of a sample of 1 / 256 on random sides:
      // some 1 / 256 sqrt(7 r / 256) / 4 < 1e-4; aligned with the grid by up to 3 r / 256.
      CHECK_THAT(square.area, WithinAbs(1.5 * 1.5 * r2, 3 * scale / 5 / 256));
      CHECK_THAT(ellipse.area, WithinAbs(M_PI * 0.9 * 0.5 * r2, 5e-4));
      CHECK_THAT(square.x, WithinAbs(0.4, 2.0 / 256));
      CHECK_THAT(square.y, WithinAbs(0.7, 2.0 / 256));
      CHECK_THAT(ellipse.x, WithinAbs(0.3, 1.0 / 256));
      CHECK_THAT(ellipse.y, WithinAbs(0.6, 1.0 / 256));
    }
  }
}

TEST_CASE("sprites: turning does what symmetry says", "[probe][sprites]") {
  const auto at = [](Index shape, double angle) {
    return probe::draw_sprites<double>({{shape, 1, angle, 0.5, 0.5}}, 32);
  };
  const double quarter = M_PI / 2;
  const auto apart = [](const Tensor<double>& a, const Tensor<double>& b) {
    double sum = 0;
    for (Index i = 0; i < a.size(); ++i) sum += std::abs(a[i] - b[i]);
    return sum;
  };
  CHECK(apart(at(0, 0.3), at(0, 0.3 + quarter)) < 1);
  CHECK(apart(at(1, 0.3), at(1, 0.3 + 2 * quarter)) < 1);
  CHECK(apart(at(1, 0.3), at(1, 0.3 + quarter)) > 20);
  CHECK(apart(at(2, 0.3), at(2, 0.3 + 2 * quarter)) > 10);
  // The heart is its own mirror image, and turns as rows become columns.
  const auto heart = at(2, 0), turned = at(2, quarter);
  double mirrored = 0, rotated = 0;
  for (Index i = 0; i < 32; ++i)
    for (Index j = 0; j < 32; ++j) {
      mirrored += std::abs(heart(0, i, j, 0) - heart(0, i, 31 - j, 0));
      rotated += std::abs(turned(0, i, j, 0) - heart(0, 31 - j, i, 0));
    }
  CHECK(mirrored < 1e-9);
  CHECK(rotated < 1);
}

TEST_CASE("sprites: every number of the grid is another combination", "[probe][sprites]") {
  const probe::SpriteGrid grid{2, 4, 3};
  CHECK(grid.size() == 3 * 2 * 4 * 9);
  std::set<std::array<Index, 5>> seen;
  for (Index i = 0; i < grid.size(); ++i) seen.insert(grid.factors(i));
  CHECK(std::ssize(seen) == grid.size());
  CHECK(*seen.rbegin() == std::array<Index, 5>{2, 1, 3, 2, 2});
  const auto last = grid.at(grid.size() - 1);
  CHECK(last.shape == 2);
  CHECK(last.scale == 1);
  CHECK_THAT(last.angle, WithinRel(1.5 * M_PI, 1e-12));
  CHECK(last.x == 0.75);
  CHECK(grid.factors(5) == std::array<Index, 5>{0, 0, 0, 1, 2});
}

TEST_CASE("sprites: wrong arguments are refused", "[probe][sprites]") {
  CHECK_THROWS_AS(probe::draw_sprites<double>({{3, 1, 0, 0, 0}}, 8), ArgumentError);
  CHECK_THROWS_AS(probe::draw_sprites<double>({{0, 0, 0, 0, 0}}, 8), ArgumentError);
  CHECK_THROWS_AS(probe::draw_sprites<double>({}, 0), ArgumentError);
  const probe::SpriteGrid grid;
  CHECK_THROWS_AS(grid.factors(grid.size()), ArgumentError);
  CHECK_THROWS_AS((probe::SpriteGrid{0, 1, 1}.factors(0)), ArgumentError);
}
