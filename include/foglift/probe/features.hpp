#pragma once

#include "foglift/core/parallel.hpp"
#include "foglift/core/rng.hpp"
#include "foglift/diffusion/level.hpp"
#include "foglift/nn/call.hpp"
#include "foglift/nn/hooks/on_block.hpp"
#include "foglift/probe/pool.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace foglift {
inline namespace v0 {
namespace probe {

struct FeatureOptions {
  Index grid = 1;    ///< activations are pooled to a grid of so many cells along each axis of space
  Index noises = 1;  ///< features are the mean over so many noises (DIFT, Tang et al. 2023, uses 8)
  Index batch = 64;  ///< examples in one call of the network; no result depends on it
  std::uint64_t first_sample = 0;  ///< index of the first example, for shards of a data set
};

/// What one block of a network makes of every example at one noise level.
template <Scalar T = float>
struct BlockFeatures {
  std::string block;
  Tensor<T> values;  ///< [n, d]
};

namespace detail {

/// Pooled activations of examples x0 [B, ...] of the samples first_sample + [0, B), as sums over
/// the noises.
template <class Net, Scalar T>
std::vector<BlockFeatures<T>> batch_features(const Net& net, const Tensor<T>& x0,
                                             const Level& level, const Rng& rng,
                                             std::uint64_t first_sample,
                                             const nn::Condition<T>& condition,
                                             const FeatureOptions& options) {
  const Tensor<T> time({x0.dim(0)}, static_cast<T>(level.t));
  const T alpha = static_cast<T>(level.alpha), sigma = static_cast<T>(level.sigma);
  std::vector<BlockFeatures<T>> blocks;
  for (Index k = 0; k < options.noises; ++k) {
    Tensor<T> xt = rng.template normal<T>(x0.shape(), first_sample, static_cast<std::uint32_t>(k));
    for (Index i = 0; i < xt.size(); ++i) xt[i] = alpha * x0[i] + sigma * xt[i];
    std::size_t at = 0;
    const nn::hooks::OnBlock look([&](std::string_view name, const Tensor<T>& h) {
      Tensor<T> pooled = pool(h, options.grid);
      if (k == 0) {
        blocks.push_back({std::string(name), std::move(pooled)});
      } else {
        Tensor<T>& sum = blocks.at(at++).values;
        for (Index i = 0; i < sum.size(); ++i) sum[i] += pooled[i];
      }
    });
    net(xt, time, condition, nn::Call(look));
  }
  const T scale = T(1) / static_cast<T>(options.noises);
  if (options.noises > 1)
    for (auto& block : blocks)
      for (T& v : block.values) v *= scale;
  return blocks;
}

}  // namespace detail

/// The pooled activations of every block of a network at one noise level, in the order of its
/// block_names():
/// x0 [n, ...] is noised to xt = alpha x0 + sigma eps, and one pass net(xt, time [n], condition,
/// call) per noise shows all blocks at once (DDAE, Xiang et al. 2023, takes one pass for each).
/// What is held is [n, d] per block for pooled d, never the activations of more than a batch.
///
/// The noise of an example is its own: noise k of example i is rng's (sample first_sample + i, step
/// k), the same at every level, so that levels and networks are compared on the same noise, and an
/// example's features do not depend on the others, on the batch or on the threads. Batches run in
/// parallel.
/// Throws ShapeError for x0 without a batch axis, ArgumentError for options below 1, NumericError
/// if a feature is not finite; and what the network throws.
template <class Net, Scalar T>
std::vector<BlockFeatures<T>> features(const Net& net, const Tensor<T>& x0, const Level& level,
                                       const Rng& rng, const FeatureOptions& options = {},
                                       const nn::Condition<T>& condition = {}) {
  if (x0.rank() < 2) raise<ShapeError>("features: x0 ", x0.shape(), ", expected [n, ...]");
  if (options.grid < 1 || options.noises < 1 || options.batch < 1)
    raise<ArgumentError>("features: grid = ", options.grid, ", noises = ", options.noises,
                         ", batch = ", options.batch, ", all must be at least 1");
  const Index n = x0.dim(0), batches = std::max<Index>(1, (n + options.batch - 1) / options.batch);
  std::vector<std::vector<BlockFeatures<T>>> parts(static_cast<std::size_t>(batches));
  parallel_for(batches, 1, [&](Index b) {
    const Index first = b * options.batch, count = std::min(options.batch, n - first);
    parts[static_cast<std::size_t>(b)] =
        detail::batch_features(net, x0.rows(first, count), level, rng,
                               options.first_sample + static_cast<std::uint64_t>(first),
                               nn::rows(condition, first, count), options);
  });
  std::vector<BlockFeatures<T>> out;
  for (std::size_t k = 0; k < parts.front().size(); ++k) {
    const Tensor<T>& like = parts.front()[k].values;
    auto values = Tensor<T>::uninitialized({n, like.dim(1)});
    T* to = values.data();
    for (auto& part : parts) {
      to = std::copy(part[k].values.begin(), part[k].values.end(), to);
      part[k].values = Tensor<T>();
    }
    if (!std::all_of(values.begin(), values.end(), [](T v) { return std::isfinite(v); }))
      raise<NumericError>("features: block ", parts.front()[k].block, " at ", level,
                          " has a value that is not finite");
    out.push_back({std::move(parts.front()[k].block), std::move(values)});
  }
  return out;
}

}  // namespace probe
}  // namespace v0
}  // namespace foglift
