#pragma once

#include "foglift/core/scalar.hpp"
#include "foglift/core/shape.hpp"

namespace foglift::inline v0::kernels {

/// What a convolution's outputs receive beside the products.
template <Scalar T>
struct ConvEpilogue {
  const T* bias = nullptr;      ///< [Cout], or nullptr
  Index bias_stride = 0;        ///< from a sample's bias to the next one's; 0: shared
  const T* residual = nullptr;  ///< [samples, H', W', Cout], or nullptr
};

}  // namespace foglift::inline v0::kernels
