#pragma once

#include "foglift/autograd/ops/resample.hpp"
#include "foglift/nn/hooks/stop_after.hpp"
#include "foglift/probe/extract.hpp"
#include "foglift/probe/sink/collect.hpp"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace foglift::inline v0::probe {

/// Where a position of one image is found in another: row and column of the target, and the cosine
/// of both features there.
struct Match {
  Index row, column;
  double similarity;
};

/// The map of one block at one level for each image x0 [n, H, W, C]: [n, h, w, K], the mean over
/// the policy's draws (DIFT, Tang et al. 2023, takes 8). The pass ends behind the block. Throws as
/// extract, ShapeError where the block has no map.
template <class D, Scalar T, NoisePolicy P>
Tensor<T> feature_map(const D& denoise, const Tensor<T>& x0, const Level& level,
                      const std::string& block, const P& policy,
                      const ExtractOptions& options = {}) {
  Shape shape;
  const auto read = [&](const nn::Place& place, Index first, const Tensor<T>& h) {
    if (place.name != block) return Tensor<T>({h.dim(0), 0});
    if (h.rank() != 4)
      raise<ShapeError>("feature_map: ", block, " makes ", h.shape(), ", needed [B, h, w, K]");
    if (first == 0) shape = h.shape();
    return h.reshaped({h.dim(0), h.row_size()});
  };
  Collect<T, decltype(read)> maps(read);
  extract(denoise, x0, std::span<const Level>(&level, 1), policy, nn::hooks::StopAfter(block), maps,
          options);
  return std::move(maps.levels.front().back().values).reshaped(shape.with(0, x0.dim(0)));
}

/// For positions (row, column) of the image whose map is `from` [1, h, w, K]: where in `to` [1, h',
/// w', K] the cosine of features is largest (DIFT, section 4.2). Both maps are brought to `extents`
/// {H, W} by linear interpolation first, so positions are pixels of images of that size. Throws
/// ShapeError for other shapes, ArgumentError for a position outside.
template <Scalar T>
std::vector<Match> match_positions(const Tensor<T>& from, const Tensor<T>& to,
                                   const std::vector<std::pair<Index, Index>>& positions,
                                   const Shape& extents) {
  if (from.rank() != 4 || to.rank() != 4 || from.dim(0) != 1 || to.dim(0) != 1 ||
      from.dim(3) != to.dim(3))
    raise<ShapeError>("match_positions: maps ", from.shape(), " and ", to.shape(),
                      ", needed [1, h, w, K] of one K");
  const Tensor<T> a = resize_linear(from, extents), b = resize_linear(to, extents);
  const Index H = extents[0], W = extents[1], K = a.dim(3);
  const auto dot = [K](const T* u, const T* v) {
    double sum = 0;
    for (Index k = 0; k < K; ++k) sum += static_cast<double>(u[k]) * static_cast<double>(v[k]);
    return sum;
  };
  std::vector<Match> out;
  for (const auto& [row, column] : positions) {
    if (row < 0 || row >= H || column < 0 || column >= W)
      raise<ArgumentError>("match_positions: position (", row, ", ", column, ") of ", extents);
    const T* const query = a.data() + (row * W + column) * K;
    Match best{0, 0, -2};
    for (Index p = 0; p < H * W; ++p) {
      const T* const at = b.data() + p * K;
      const double norms = std::sqrt(dot(query, query) * dot(at, at));
      const double similarity = norms > 0 ? dot(query, at) / norms : 0;
      if (similarity > best.similarity) best = {p / W, p % W, similarity};
    }
    out.push_back(best);
  }
  return out;
}

/// The part of matches that are no farther than `radius` pixels from the truth: the percentage of
/// correct keypoints, PCK, as a part. Throws ShapeError if the numbers differ, ArgumentError
/// without matches.
inline double correct_keypoints(const std::vector<Match>& matches,
                                const std::vector<std::pair<Index, Index>>& truth, double radius) {
  if (matches.size() != truth.size())
    raise<ShapeError>("correct_keypoints: ", matches.size(), " matches of ", truth.size());
  if (truth.empty()) raise<ArgumentError>("correct_keypoints: no matches");
  Index right = 0;
  for (std::size_t i = 0; i < truth.size(); ++i)
    right += std::hypot(static_cast<double>(matches[i].row - truth[i].first),
                        static_cast<double>(matches[i].column - truth[i].second)) <= radius;
  return static_cast<double>(right) / static_cast<double>(truth.size());
}

}  // namespace foglift::inline v0::probe
