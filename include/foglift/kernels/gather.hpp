#pragma once

#include "foglift/core/tensor.hpp"

#include <span>

namespace foglift {
inline namespace v0 {
namespace kernels {

/// y[i] = table[ids[i]], rows of `width` elements.
template <Scalar T>
void gather_rows(std::span<const Index> ids, Index width, const T* table, T* y) {
  for (const Index id : ids) {
    std::copy_n(table + id * width, width, y);
    y += width;
  }
}

/// The adjoint: dtable[ids[i]] += dy[i], in the order of i.
template <Scalar T>
void scatter_add_rows(std::span<const Index> ids, Index width, const T* dy, T* dtable) {
  for (const Index id : ids) {
    T* row = dtable + id * width;
    for (Index k = 0; k < width; ++k) row[k] += dy[k];
    dy += width;
  }
}

}  // namespace kernels
}  // namespace v0
}  // namespace foglift
