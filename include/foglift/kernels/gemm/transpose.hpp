#pragma once

#include "foglift/kernels/packet.hpp"

namespace foglift::inline v0::kernels {

/// S rows of out, S being the elements of a packet, from the first S elements of n <= S rows of in,
/// and zeros.
template <Scalar T>
inline void transpose_block(const T* in, Index in_stride, Index n, T* out, Index out_stride) {
  constexpr int S = detail::lanes<T>;
  detail::Packet<T> row[std::size_t{S}];
#pragma GCC unroll 16
  for (int i = 0; i < S; ++i)
    row[i] = i < n ? detail::load_packet(in + i * in_stride) : detail::Packet<T>{};
  detail::transpose_packets<T>(row);
#pragma GCC unroll 16
  for (int i = 0; i < S; ++i) detail::store_packet(row[i], out + i * out_stride);
}

/// out [columns, rows] = the transpose of in [rows, columns], by square blocks in registers.
template <Scalar T>
void transpose(Index rows, Index columns, const T* in, T* out) {
  constexpr int S = detail::lanes<T>;
  const Index whole_rows = rows - rows % S, whole_columns = columns - columns % S;
  for (Index i = 0; i < whole_rows; i += S)
    for (Index j = 0; j < whole_columns; j += S)
      transpose_block(in + i * columns + j, columns, Index{S}, out + j * rows + i, rows);
  for (Index i = 0; i < rows; ++i)
    for (Index j = i < whole_rows ? whole_columns : 0; j < columns; ++j)
      out[j * rows + i] = in[i * columns + j];
}

}  // namespace foglift::inline v0::kernels
