#pragma once

#include "foglift/nn/hooks/stop_after.hpp"
#include "foglift/probe/sink/collect.hpp"

#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace foglift::inline v0::probe {

/// The centres of pixels of an image of H x W, numbered row by row, as points of sample_points:
/// [n, P, 2] for pixels [n, P]. Throws ArgumentError for a pixel outside.
template <Scalar T = float>
Tensor<T> pixel_points(const Tensor<Index>& pixels, Index H, Index W) {
  if (pixels.rank() != 2) raise<ShapeError>("pixel_points: pixels ", pixels.shape());
  Tensor<T> points({pixels.dim(0), pixels.dim(1), 2});
  for (Index i = 0; i < pixels.size(); ++i) {
    if (pixels[i] < 0 || pixels[i] >= H * W)
      raise<ArgumentError>("pixel_points: pixel ", pixels[i], " of an image of ", H, " x ", W);
    points[2 * i] =
        static_cast<T>(static_cast<double>(2 * (pixels[i] % W) + 1) / static_cast<double>(W) - 1);
    points[2 * i + 1] =
        static_cast<T>(static_cast<double>(2 * (pixels[i] / W) + 1) / static_cast<double>(H) - 1);
  }
  return points;
}

/// Features of single pixels, what a pixel classifier is fitted to (DDPM-Seg, Baranchuk et al.
/// 2022): the activations of some blocks at some levels, bilinear at the points [n, P, 2] of each
/// image x0 [n, H, W, C], side by side: [n P, d]. Maps are read where they are made and thrown
/// away, so memory is that of the points and of one batch, whatever the size of the images; the
/// paper keeps whole maps, some 210 GB for 50 images of 256 x 256. Throws as extract and AtPoints,
/// ArgumentError for a block that the network does not have.
template <class D, Scalar T, NoisePolicy P>
Tensor<T> pixel_features(const D& denoise, const Tensor<T>& x0, std::span<const Level> levels,
                         const std::vector<std::string>& blocks, const Tensor<T>& points,
                         const P& policy, const ExtractOptions& options = {}) {
  const std::vector<std::string> known = denoise.network().block_names();
  auto last = known.begin();  // the pass ends behind the last of the blocks
  for (const std::string& block : blocks) {
    const auto at = std::find(known.begin(), known.end(), block);
    if (at == known.end()) raise<ArgumentError>("pixel_features: no block ", block);
    last = std::max(last, at);
  }
  if (blocks.empty()) raise<ArgumentError>("pixel_features: no blocks");
  if (points.rank() != 3 || points.dim(0) != x0.dim(0))
    raise<ShapeError>("pixel_features: points ", points.shape(), " of images ", x0.shape());
  const auto read = [&, at = AtPoints<T>(points)](const nn::Place& place, Index first,
                                                  const Tensor<T>& h) {
    return nn::named(blocks, place.name) ? at(place, first, h) : Tensor<T>({h.dim(0), 0});
  };
  Collect<T, decltype(read)> maps(read);
  extract(denoise, x0, levels, policy, nn::hooks::StopAfter(*last), maps, options);
  const Index rows = points.dim(0) * points.dim(1);
  Index d = 0, column = 0;
  for (const auto& level : maps.levels)
    for (const auto& block : level) d += block.values.size() / std::max<Index>(rows, 1);
  auto out = Tensor<T>::uninitialized({rows, d});
  for (auto& level : maps.levels)
    for (auto& block : level) {
      const Index channels = block.values.size() / std::max<Index>(rows, 1);
      for (Index i = 0; i < rows; ++i)
        std::copy_n(block.values.data() + i * channels, channels, out.data() + i * d + column);
      column += channels;
      block.values = Tensor<T>();
    }
  return out;
}

}  // namespace foglift::inline v0::probe
