#pragma once

#include "foglift/data/npy_writer.hpp"
#include "foglift/probe/sink/collect.hpp"

#include <string>
#include <utility>
#include <vector>

namespace foglift::inline v0::probe {

/// A sink that writes the features [n, d] of every block at every level into a file of its own,
/// PREFIX.<level>.<block>.npy, when the level ends; one level is held at a time.
template <Scalar T = float, class Read = Pooled>
class WriteNpy {
 public:
  explicit WriteNpy(std::string prefix, Read read = {})
      : prefix_(std::move(prefix)), rows_(std::move(read)) {}

  Tensor<T> read(const nn::Place& place, Index first, const Tensor<T>& h) const {
    return rows_.read(place, first, h);
  }
  void take(const Source& source, std::vector<BlockFeatures<T>> features) {
    rows_.take(source, std::move(features));
  }
  /// Throws FormatError if writing fails.
  void end(const Source& source) {
    rows_.end(source);
    for (const auto& block : rows_.levels.back())
      data::write_npy(prefix_ + '.' + std::to_string(source.level) + '.' + block.block + ".npy",
                      block.values);
    rows_.levels.clear();
  }

 private:
  std::string prefix_;
  Collect<T, Read> rows_;
};

}  // namespace foglift::inline v0::probe
