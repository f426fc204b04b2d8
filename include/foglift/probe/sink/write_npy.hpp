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
class WriteNpy : private Collect<T, Read> {
 public:
  explicit WriteNpy(std::string prefix, Read reader = {})
      : Collect<T, Read>(std::move(reader)), prefix_(std::move(prefix)) {}

  using Collect<T, Read>::read, Collect<T, Read>::take;

  /// Throws FormatError if writing fails.
  void end(const Source& source) {
    Collect<T, Read>::end(source);
    for (const auto& block : this->levels.back())
      data::write_npy(prefix_ + '.' + std::to_string(source.level) + '.' + block.block + ".npy",
                      block.values);
    this->levels.clear();
  }

 private:
  std::string prefix_;
};

}  // namespace foglift::inline v0::probe
