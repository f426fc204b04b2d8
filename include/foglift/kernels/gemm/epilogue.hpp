#pragma once

#include "foglift/kernels/pointwise/elementwise.hpp"

#include <type_traits>

namespace foglift::inline v0 {

/// What a linear layer's output may pass through before it is stored.
enum class Activation { none, silu, gelu };

namespace kernels {

/// What becomes of the finished elements of C = A B: v -> residual + gate * f(v), each part where
/// given. It is applied to a tile just stored, which is still in the nearest cache.
template <Scalar T>
struct GemmEpilogue {
  Activation activation = Activation::none;
  const T* residual = nullptr;  ///< [M, N]
  Index residual_stride = 0;    ///< between its rows
  const T* gate = nullptr;      ///< [M / gate_rows, N], only with a residual
  Index gate_stride = 0;        ///< between its rows; 0: one for all
  Index gate_rows = 1;          ///< rows of C that share a row of gates

  bool empty() const { return activation == Activation::none && !residual; }

  /// `rows` x `width` elements of C from (row, column) on, which lie at c; `rough`: sums of
  /// products of bfloat16, after which Gelu to 3e-4 does.
  void operator()(Index row, Index column, Index rows, Index width, T* c, Index ldc,
                  bool rough) const {
    for (Index i = 0; i < rows; ++i, c += ldc) {
      if (activation == Activation::silu) apply<Silu, SiluRough>(width, c, rough);
      if (activation == Activation::gelu) apply<Gelu, GeluRough>(width, c, rough);
      if (!residual) continue;
      const T* const r = residual + (row + i) * residual_stride + column;
      if (gate)
        map(
            width, c, [](Lanes<T> g, Lanes<T> v, Lanes<T> x) { return fma(g, v, x); },
            gate + (row + i) / gate_rows * gate_stride + column, c, r);
      else
        map(width, c, [](Lanes<T> v, Lanes<T> x) { return x + v; }, c, r);
    }
  }

 private:
  template <class F, class Rough>
  static void apply(Index n, T* c, bool rough) {
    if constexpr (std::is_same_v<T, float>)
      if (rough) return map(n, c, [](Lanes<T> v) { return Rough::value(v); }, c);
    map(n, c, [](Lanes<T> v) { return F::value(v); }, c);
  }
};

}  // namespace kernels
}  // namespace foglift::inline v0
