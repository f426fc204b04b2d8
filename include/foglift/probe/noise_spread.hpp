#pragma once

#include "foglift/probe/sink/collect.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace foglift::inline v0::probe {

/// Features of a block averaged over noises, and how far the average may be off.
template <Scalar T = float>
struct AveragedFeatures {
  std::string block;
  Tensor<T> mean, error;  ///< [n, d] each: the average, and its standard error
};

namespace noise {
/// One of a policy's draws, by its number.
template <class P>
struct Draw {
  P policy;
  Index number;
  static constexpr Index draws() { return 1; }
  template <Scalar T>
  void fill(std::span<T> eps, std::uint64_t sample, Index level, Index) const {
    policy.fill(eps, sample, level, number);
  }
};
template <class P>
Draw(P, Index) -> Draw<P>;
}  // namespace noise

/// The pooled activations of every block at one level, their mean over so many draws of a policy
/// (the mean that noise::Mean gives) and its standard error, deviation / sqrt(draws). Throws as
/// features, ArgumentError for fewer than two draws.
template <class D, Scalar T, NoisePolicy P>
std::vector<AveragedFeatures<T>> averaged_features(const D& denoise, const Tensor<T>& x0,
                                                   const Level& level, const P& policy, Index draws,
                                                   const FeatureOptions& options = {}) {
  if (draws < 2) raise<ArgumentError>("averaged_features: ", draws, " draws, needed at least 2");
  std::vector<AveragedFeatures<T>> out;
  for (Index k = 0; k < draws; ++k) {
    auto blocks = features(denoise, x0, level, noise::Draw<P>{policy, k}, options);
    if (k == 0)
      for (const auto& b : blocks)
        out.push_back({b.block, Tensor<T>(b.values.shape()), Tensor<T>(b.values.shape())});
    for (std::size_t b = 0; b < out.size(); ++b) {
      auto& [name, mean, square] = out[b];  // of deviations, so far (Welford 1962)
      for (Index i = 0; i < mean.size(); ++i) {
        const T before = blocks[b].values[i] - mean[i];
        mean[i] += before / static_cast<T>(k + 1);
        square[i] += before * (blocks[b].values[i] - mean[i]);
      }
    }
  }
  for (auto& b : out)
    for (T& v : b.error) v = std::sqrt(std::max(v, T(0)) / static_cast<T>(draws * (draws - 1)));
  return out;
}

}  // namespace foglift::inline v0::probe
