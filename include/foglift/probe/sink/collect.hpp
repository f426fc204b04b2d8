#pragma once

#include "foglift/probe/extract.hpp"
#include "foglift/probe/sink/read.hpp"

#include <string>
#include <utility>
#include <vector>

namespace foglift::inline v0::probe {

/// A sink that keeps the rows of all examples, of each block at each level.
template <Scalar T = float, class Read = Pooled>
class Collect {
 public:
  std::vector<std::vector<BlockFeatures<T>>> levels;  ///< in the order of the forward pass

  explicit Collect(Read read = {}) : read_(std::move(read)) {}

  Tensor<T> read(const nn::Place& place, Index first, const Tensor<T>& h) const {
    return read_(place, first, h);
  }
  void take(const Source&, std::vector<BlockFeatures<T>> features) {
    parts_.push_back(std::move(features));
  }
  void end(const Source&) {
    std::vector<BlockFeatures<T>> out;
    for (std::size_t k = 0; k < parts_.front().size(); ++k) {
      Index n = 0;
      for (const auto& part : parts_) n += part[k].values.dim(0);
      auto values = Tensor<T>::uninitialized({n, parts_.front()[k].values.dim(1)});
      T* to = values.data();
      for (auto& part : parts_) {
        to = std::copy(part[k].values.begin(), part[k].values.end(), to);
        part[k].values = Tensor<T>();
      }
      out.push_back({parts_.front()[k].block, std::move(values)});
    }
    parts_.clear();
    levels.push_back(std::move(out));
  }

 private:
  Read read_;
  std::vector<std::vector<BlockFeatures<T>>> parts_;  // the batches of one level
};

struct FeatureOptions {
  Index grid = 1;    ///< activations are pooled to a grid of so many cells along each axis of space
  Index batch = 64;  ///< see ExtractOptions
  std::uint64_t first_sample = 0;
};

/// The pooled activations of every block of a denoiser's network at one noise level, in the order
/// of its blocks. Throws what extract does, ArgumentError for a grid below 1.
template <class D, Scalar T, NoisePolicy P>
std::vector<BlockFeatures<T>> features(const D& denoise, const Tensor<T>& x0, const Level& level,
                                       const P& policy, const FeatureOptions& options = {}) {
  Collect<T> pooled(Pooled{options.grid});
  extract(denoise, x0, std::span<const Level>(&level, 1), policy, nn::NoHook{}, pooled,
          {.batch = options.batch, .first_sample = options.first_sample});
  return std::move(pooled.levels.front());
}

}  // namespace foglift::inline v0::probe
