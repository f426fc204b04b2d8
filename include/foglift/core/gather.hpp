#pragma once

#include "foglift/core/tensor.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <span>
#include <vector>

namespace foglift::inline v0 {

/// Rows index[0], index[1], ... of x [B, ...], in that order: Tensor::rows. Throws ArgumentError
/// for one outside.
template <Element T>
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

/// Row id of the unit matrix for each of the ids [...], as [..., classes]. Throws ArgumentError for
/// an id outside of [0, classes).
template <Scalar T = float, Element Id>
  requires(!Scalar<Id>)
Tensor<T> one_hot(const Tensor<Id>& ids, Index classes) {
  if (classes < 1) raise<ArgumentError>("one_hot: ", classes, " classes, needed at least 1");
  std::array<Index, Shape::max_rank + 1> extents{};
  *std::copy(ids.shape().begin(), ids.shape().end(), extents.begin()) = classes;
  Tensor<T> out(Shape(extents.data(), static_cast<std::size_t>(ids.rank()) + 1));
  for (Index i = 0; i < ids.size(); ++i) {
    const auto id = static_cast<Index>(ids[i]);
    if (id < 0 || id >= classes)
      raise<ArgumentError>("one_hot: id ", id, " among ", classes, " classes");
    out[i * classes + id] = 1;
  }
  return out;
}

}  // namespace foglift::inline v0
