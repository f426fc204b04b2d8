#pragma once

#include "foglift/core/parallel.hpp"
#include "foglift/diffusion/denoiser.hpp"
#include "foglift/nn/call.hpp"
#include "foglift/nn/hooks/join.hpp"
#include "foglift/nn/hooks/on_block.hpp"
#include "foglift/probe/noise_policy.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace foglift::inline v0::probe {

/// What one block of a network makes of examples at one noise level.
template <Scalar T = float>
struct BlockFeatures {
  std::string block;
  Tensor<T> values;  ///< [n, d]
};

/// Where features come from.
struct Source {
  Index level;          ///< position among the levels
  Level at;             ///< the level itself
  std::uint64_t first;  ///< number of the first example in the data
};

/// What becomes of features: read(place, first, h) makes rows [B, d] of the activation h [B, ...]
/// of the examples from `first` of x0 on, and is called by several threads; take(source, features)
/// is given each batch, in order; end(source) follows the last batch of a level.
template <class S, class T>
concept Sink = requires(S& sink, const nn::Place& place, const Tensor<T>& h, const Source& source,
                        std::vector<BlockFeatures<T>> features) {
  { std::as_const(sink).read(place, Index{}, h) } -> std::convertible_to<Tensor<T>>;
  sink.take(source, std::move(features));
  sink.end(source);
};

struct ExtractOptions {
  Index batch = 64;                ///< examples in one call of the network; no result depends on it
  std::uint64_t first_sample = 0;  ///< number of the first example, for shards of a data set
};

namespace detail {

/// What the sink reads of a batch of examples, x0 [B, ...] from `first` on: means over the draws.
template <class D, Scalar T, NoisePolicy P, class H, class S>
std::vector<BlockFeatures<T>> batch_features(const D& denoise, const Tensor<T>& x0, Index first,
                                             const Source& source, const P& policy, const H& hook,
                                             const S& sink) {
  const auto& how = denoise.parameterization();
  const Level& level = source.at;
  const Index B = x0.dim(0), n = x0.row_size(), draws = policy.draws();
  const Tensor<T> time({B}, static_cast<T>(predict::condition(how, level)));
  const T alpha = static_cast<T>(level.alpha), sigma = static_cast<T>(level.sigma);
  const T factor = static_cast<T>(predict::input_scale(how, level));
  nn::Condition<T> told;
  if constexpr (!std::is_same_v<std::remove_cvref_t<decltype(denoise.condition())>, NoCondition>)
    told = nn::rows(denoise.condition(), first, B);
  std::vector<BlockFeatures<T>> blocks;
  for (Index k = 0; k < draws; ++k) {
    auto x = Tensor<T>::uninitialized(x0.shape());
    for (Index b = 0; b < B; ++b)
      policy.fill(std::span<T>(x.data() + b * n, static_cast<std::size_t>(n)),
                  source.first + static_cast<std::uint64_t>(b), source.level, k);
    for (Index i = 0; i < x.size(); ++i) x[i] = factor * (alpha * x0[i] + sigma * x[i]);
    std::size_t at = 0;
    const nn::hooks::OnBlock look([&](const nn::Place& place, const Tensor<T>& h) {
      Tensor<T> rows = sink.read(place, first, h);
      if (k == 0) {
        blocks.push_back({place.name, std::move(rows)});
      } else {
        Tensor<T>& sum = blocks.at(at++).values;
        for (Index i = 0; i < sum.size(); ++i) sum[i] += rows[i];
      }
    });
    denoise.network()(x, time, told, nn::Call(nn::hooks::Join(H(hook), look)));
  }
  const T scale = T(1) / static_cast<T>(draws);
  for (auto& block : blocks) {
    if (draws > 1)
      for (T& v : block.values) v *= scale;
    if (!std::all_of(block.values.begin(), block.values.end(),
                     [](T v) { return std::isfinite(v); }))
      raise<NumericError>("extract: block ", block.block, " at ", level,
                          " has a value that is not finite");
  }
  return blocks;
}

}  // namespace detail

/// Shows the sink what the blocks of a denoiser's network make of the examples x0 [n, ...] at every
/// one of `levels`, which lie on the denoiser's schedule: x = alpha x0 + sigma eps, scaled and told
/// of its noise as in training (predict::Edm has its own way), with the denoiser's condition. One
/// pass shows all blocks at once (DDAE, Xiang et al. 2023, takes one for each). The hook, copied
/// for each batch, may change the pass or end it early; its changes are what the sink is shown.
/// Batches run in parallel; what the sink is given depends neither on that nor on their size.
///
///   probe::Collect<float> pooled;
///   const std::vector<Level> levels{denoise.at(0.1), denoise.at(0.5)};
///   probe::extract(denoise, x0, levels, probe::noise::Fixed{rng},
///   nn::hooks::StopAfter("layers.1"),
///                  pooled);
///
/// Throws ShapeError for x0 without a batch axis, ArgumentError for a batch below 1 and without
/// levels, NumericError for features that are not finite; and what the network throws.
template <class D, Scalar T, NoisePolicy P, class H, Sink<T> S>
void extract(const D& denoise, const Tensor<T>& x0, std::span<const Level> levels, const P& policy,
             const H& hook, S& sink, const ExtractOptions& options = {}) {
  if (x0.rank() < 2) raise<ShapeError>("extract: x0 ", x0.shape(), ", expected [n, ...]");
  if (options.batch < 1) raise<ArgumentError>("extract: batch = ", options.batch);
  if (levels.empty()) raise<ArgumentError>("extract: no levels");
  const Index n = x0.dim(0), batches = std::max<Index>(1, (n + options.batch - 1) / options.batch);
  const Index wave = 4 * threads();  // batches that are held at once
  for (std::size_t l = 0; l < levels.size(); ++l) {
    const auto source = [&](Index first) {
      return Source{static_cast<Index>(l), levels[l],
                    options.first_sample + static_cast<std::uint64_t>(first)};
    };
    for (Index start = 0; start < batches; start += wave) {
      std::vector<std::vector<BlockFeatures<T>>> parts(
          static_cast<std::size_t>(std::min(wave, batches - start)));
      parallel_for(static_cast<Index>(parts.size()), 1, [&](Index i) {
        const Index first = (start + i) * options.batch, count = std::min(options.batch, n - first);
        parts[static_cast<std::size_t>(i)] = detail::batch_features(
            denoise, x0.rows(first, count), first, source(first), policy, hook, sink);
      });
      for (std::size_t i = 0; i < parts.size(); ++i)
        sink.take(source((start + static_cast<Index>(i)) * options.batch), std::move(parts[i]));
    }
    sink.end(source(0));
  }
}

}  // namespace foglift::inline v0::probe
