#pragma once

#include "foglift/kernels/gemm_tile.hpp"

namespace foglift {
inline namespace v0 {
namespace kernels {

/// out [columns, rows] = the transpose of in [rows, columns], by square blocks in registers.
template <Scalar T>
void transpose(Index rows, Index columns, const T* in, T* out) {
  using namespace Eigen::internal;
  constexpr int S = detail::lanes<T>;
  const Index whole_rows = rows - rows % S, whole_columns = columns - columns % S;
  for (Index i = 0; i < whole_rows; i += S)
    for (Index j = 0; j < whole_columns; j += S) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wignored-attributes"  // a vector register as template argument
      PacketBlock<detail::Packet<T>, S> block;
#pragma GCC diagnostic pop
      for (int k = 0; k < S; ++k)
        block.packet[k] = ploadu<detail::Packet<T>>(in + (i + k) * columns + j);
      ptranspose(block);
      for (int k = 0; k < S; ++k) pstoreu(out + (j + k) * rows + i, block.packet[k]);
    }
  for (Index i = 0; i < rows; ++i)
    for (Index j = i < whole_rows ? whole_columns : 0; j < columns; ++j)
      out[j * rows + i] = in[i * columns + j];
}

}  // namespace kernels
}  // namespace v0
}  // namespace foglift
