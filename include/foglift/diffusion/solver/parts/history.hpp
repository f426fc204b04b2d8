#pragma once

#include "foglift/core/tensor.hpp"
#include "foglift/diffusion/level.hpp"

#include <array>
#include <utility>

namespace foglift::inline v0::solver {

/// The last N model outputs of a run and the levels they were made at; 0 is the latest. Nothing is
/// copied or allocated.
template <Scalar T, std::size_t N>
class History {
 public:
  struct Entry {
    Level level;
    Tensor<T> output;
  };

  void push(const Level& level, Tensor<T> output) {
    for (std::size_t k = N - 1; k > 0; --k) std::swap(entries_[k], entries_[k - 1]);
    entries_[0].level = level;
    entries_[0].output = std::move(output);
    if (size_ < N) ++size_;
  }
  void clear() { size_ = 0; }

  std::size_t size() const { return size_; }
  /// Entry k < size(), counted back from the latest.
  const Entry& operator[](std::size_t k) const { return entries_[k]; }

 private:
  std::array<Entry, N> entries_;
  std::size_t size_ = 0;
};

}  // namespace foglift::inline v0::solver
