#pragma once

#include "foglift/core/tensor.hpp"

#include <span>

namespace foglift::inline v0::kernels {

/// The adjoint of Tensor::rows(ids): dtable[ids[i]] += dy[i], in the order of i.
template <Scalar T>
void scatter_add_rows(std::span<const Index> ids, Index width, const T* dy, T* dtable) {
  for (const Index id : ids) {
    T* row = dtable + id * width;
    for (Index k = 0; k < width; ++k) row[k] += dy[k];
    dy += width;
  }
}

}  // namespace foglift::inline v0::kernels
