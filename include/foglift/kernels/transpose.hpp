#pragma once

#include "foglift/kernels/gemm_tile.hpp"

namespace foglift {
inline namespace v0 {
namespace kernels {

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wignored-attributes"  // a vector register as template argument
#if !defined(__clang__)  // g++ 12 warns of what its own AVX-512 header has inlined here
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
/// S rows of out, S being the elements of a packet, from the first S elements of n <= S rows of in,
/// and zeros. Flattened, or GCC hands the registers to ptranspose through memory, which takes twice
/// as long.
template <Scalar T>
[[gnu::flatten]] inline void transpose_block(const T* in, Index in_stride, Index n, T* out,
                                             Index out_stride) {
  using namespace Eigen::internal;
  constexpr int S = detail::lanes<T>;
  PacketBlock<detail::Packet<T>, S> block;
  for (int i = 0; i < S; ++i)
    block.packet[i] =
        i < n ? ploadu<detail::Packet<T>>(in + i * in_stride) : pset1<detail::Packet<T>>(T(0));
  ptranspose(block);
  for (int i = 0; i < S; ++i) pstoreu(out + i * out_stride, block.packet[i]);
}
#pragma GCC diagnostic pop

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

}  // namespace kernels
}  // namespace v0
}  // namespace foglift
