#pragma once

#include "foglift/core/tensor.hpp"

#include <iterator>
#include <span>
#include <vector>

namespace foglift {
inline namespace v0 {

/// Rows index[0], index[1], ... of x [B, ...], in that order. Throws ArgumentError for one outside.
template <Scalar T>
Tensor<T> gather(const Tensor<T>& x, std::span<const Index> index) {
  return x.rows(index);
}
/// Elements index[0], index[1], ... of a list. Throws ArgumentError for one outside.
template <class V>
std::vector<V> gather(const std::vector<V>& list, std::span<const Index> index) {
  std::vector<V> out;
  out.reserve(index.size());
  for (const Index i : index) {
    if (i < 0 || i >= std::ssize(list))
      raise<ArgumentError>("gather: element ", i, " of ", list.size());
    out.push_back(list[static_cast<std::size_t>(i)]);
  }
  return out;
}

}  // namespace v0
}  // namespace foglift
