#pragma once

#include "foglift/core/parallel.hpp"
#include "foglift/core/tensor.hpp"

#include <array>
#include <cmath>
#include <numbers>
#include <vector>

namespace foglift::inline v0::probe {

/// A figure in the unit square: what representations are asked to take apart.
struct Sprite {
  Index shape = 0;  ///< 0 square, 1 ellipse, 2 heart
  double scale = 1, angle = 0, x = 0.5, y = 0.5;
};

/// Factors on a grid like that of dSprites (Matthey et al. 2017), drawn by another program: shape,
/// scale from 0.5 to 1, angle once around, and position. Numbers go through positions first.
struct SpriteGrid {
  Index scales = 6, angles = 40, positions = 32;

  Index size() const { return 3 * scales * angles * positions * positions; }
  /// The values of all factors, in the order shape, scale, angle, x, y. Throws ArgumentError for a
  /// number outside, and a grid without values.
  std::array<Index, 5> factors(Index i) const {
    if (scales < 1 || angles < 1 || positions < 1 || i < 0 || i >= size())
      raise<ArgumentError>("SpriteGrid: number ", i, " of ", scales, " scales, ", angles,
                           " angles, ", positions, " positions");
    const Index y = i % positions, x = i / positions % positions;
    i /= positions * positions;
    return {i / (angles * scales), i / angles % scales, i % angles, x, y};
  }
  Sprite at(Index i) const {
    const auto [shape, scale, angle, x, y] = factors(i);
    const auto part = [](Index k, Index n) {
      return n > 1 ? static_cast<double>(k) / static_cast<double>(n - 1) : 0.5;
    };
    return {shape, 0.5 + 0.5 * part(scale, scales),
            2 * std::numbers::pi * static_cast<double>(angle) / static_cast<double>(angles),
            0.25 + 0.5 * part(x, positions), 0.25 + 0.5 * part(y, positions)};
  }
};

namespace detail {
/// Whether a point of a figure's own coordinates, of radius about 1, is in it.
inline bool inside(Index shape, double u, double v) {
  if (shape == 0) return std::abs(u) <= 0.75 && std::abs(v) <= 0.75;
  if (shape == 1) return u * u / 0.81 + v * v / 0.25 <= 1;
  const double a = 1.25 * u, b = -1.25 * v, s = a * a + b * b - 1;  // a heart, its tip down
  return s * s * s <= a * a * b * b * b;
}
}  // namespace detail

/// Figures as images [n, side, side, 1], each pixel the covered part of it, by a grid of `samples`
/// x `samples` points; rows go down. A figure of scale 1 has the radius side / 5. Throws
/// ArgumentError for a side or samples below 1, and another shape.
template <Scalar T = float>
Tensor<T> draw_sprites(const std::vector<Sprite>& sprites, Index side, Index samples = 4) {
  if (side < 1 || samples < 1)
    raise<ArgumentError>("draw_sprites: side ", side, ", ", samples, " samples");
  for (const Sprite& s : sprites)
    if (s.shape < 0 || s.shape > 2 || !(s.scale > 0))
      raise<ArgumentError>("draw_sprites: shape ", s.shape, " of scale ", s.scale);
  Tensor<T> out({std::ssize(sprites), side, side, 1});
  const auto points = static_cast<double>(samples * side);
  parallel_for(out.dim(0), 1, [&](Index n) {
    const Sprite& s = sprites[static_cast<std::size_t>(n)];
    const double c = std::cos(s.angle), d = std::sin(s.angle), radius = s.scale / 5;
    for (Index i = 0; i < side * samples; ++i)
      for (Index j = 0; j < side * samples; ++j) {
        const double x = (static_cast<double>(j) + 0.5) / points - s.x,
                     y = (static_cast<double>(i) + 0.5) / points - s.y;
        if (detail::inside(s.shape, (c * x + d * y) / radius, (c * y - d * x) / radius))
          out(n, i / samples, j / samples, 0) += T(1) / static_cast<T>(samples * samples);
      }
  });
  return out;
}

}  // namespace foglift::inline v0::probe
