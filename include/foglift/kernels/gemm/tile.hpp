#pragma once

#include "foglift/core/scalar.hpp"
#include "foglift/core/shape.hpp"
#include "foglift/kernels/gemm/epilogue.hpp"
#include "foglift/kernels/gemm/product.hpp"
#include "foglift/kernels/packet.hpp"

#include <algorithm>
#include <type_traits>

namespace foglift::inline v0::kernels {

/// A matrix in memory: element (i, j) is data[i * row_stride + j * column_stride], so that a
/// matrix, its transpose, a block, and the overlapping rows of a convolution are all operands. The
/// rows of a left operand may come in groups that begin group_stride apart, as an image's do.
template <Scalar T>
struct Operand {
  const T* data;
  Index row_stride;
  Index column_stride;
  Index group = 0;  ///< rows in a group; 0: all
  Index group_stride = 0;

  /// From element (i, j) to the end of its group; an operand without elements has no memory to move
  /// in.
  Operand at(Index i, Index j) const {
    const Index row =
        group > 0 ? i / group * group_stride + i % group * row_stride : i * row_stride;
    return {data ? data + row + j * column_stride : data, row_stride, column_stride};
  }
  /// Rows from row i to the end of its group, at most `rows`.
  Index together(Index i, Index rows) const {
    return group > 0 ? std::min(rows, group - i % group) : rows;
  }
};

template <Scalar T>
Operand<T> row_major(const T* data, Index leading) {
  return {data, leading, 1};
}
/// The transpose of the row-major matrix at `data`.
template <Scalar T>
Operand<T> transposed(const T* data, Index leading) {
  return {data, 1, leading};
}

namespace detail {

/// A panel of B is at most this many packets wide. With 32 registers a tile of 6 x 4 packets keeps
/// 24 sums, 4 packets of B and 1 element of A; with 16, 6 x 2 keeps 12 + 2 + 1.
inline constexpr int panel_packets = many_registers ? 4 : 2;

/// Rows of the tallest tile for a panel of P packets: enough independent sums (12 or more) to hide
/// the latency of the multiply-add (2 ports x 4 or 5 cycles), in the registers there are.
template <int P>
inline constexpr int tile_rows = P * 12 <= (many_registers ? 24 : 12) ? 12 : 6;

/// What a tile starts its sums from: rows of `stride` elements, or zero where data is nullptr.
template <Scalar T>
struct Start {
  const T* data;
  Index stride;

  Start at(Index i, Index j) const { return {data ? data + i * stride + j : nullptr, stride}; }
};

/// R rows x P packets of C = start + A B in K steps of Product. Every element is one chain of
/// multiply-adds over k in ascending order, whatever R and P: so its bits do not depend on the tile
/// it falls into.
template <class Product, Scalar T, int R, int P>
void gemm_tile(Index K, Operand<T> a, const T* b, Index ldb, Start<T> start, T* c, Index ldc) {
  constexpr int S = lanes<T>;
  Packet<T> sum[std::size_t{R}][std::size_t{P}];
#pragma GCC unroll 12
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int p = 0; p < P; ++p)
      sum[r][p] = start.data ? load_packet(start.data + r * start.stride + p * S) : Packet<T>{};
  const T* pa = a.data;
  for (Index k = 0; k < K; ++k, pa += a.column_stride, b += ldb) {
    typename Product::Right row[std::size_t{P}];
#pragma GCC unroll 4
    for (int p = 0; p < P; ++p) row[p] = Product::right(b + p * S);
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r) {
      const typename Product::Left x = Product::left(pa + r * a.row_stride);
#pragma GCC unroll 4
      for (int p = 0; p < P; ++p) sum[r][p] = Product::add(x, row[p], sum[r][p]);
    }
  }
#pragma GCC unroll 12
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int p = 0; p < P; ++p) store_packet(sum[r][p], c + r * ldc + p * S);
}

/// The same with `width` <= P packets of columns in C and start; the panel of B has all P.
template <class Product, Scalar T, int R, int P>
void gemm_edge_tile(Index K, Operand<T> a, const T* b, Index ldb, Start<T> start, T* c, Index ldc,
                    Index width) {
  constexpr Index W = P * lanes<T>;
  if (width == W) return gemm_tile<Product, T, R, P>(K, a, b, ldb, start, c, ldc);
  T edge[std::size_t{R * W}] = {};
  if (start.data)
    for (Index r = 0; r < R; ++r) std::copy_n(start.at(r, 0).data, width, edge + r * W);
  gemm_tile<Product, T, R, P>(K, a, b, ldb, {edge, W}, edge, W);
  for (Index r = 0; r < R; ++r) std::copy_n(edge + r * W, width, c + r * ldc);
}

/// What goes with the product by one panel: where the panel of C begins and what becomes of its
/// elements (nothing where epilogue is nullptr), the panel of B that is read next, if any, and
/// whether the lines of C are likely in no cache.
template <Scalar T>
struct Finishing {
  const GemmEpilogue<T>* epilogue = nullptr;
  Index row = 0, column = 0;
  const T* next = nullptr;
  bool far = false;
};

/// Asks for `rows` x `columns` elements of C before the tile that writes them: stores wait for
/// their lines one after another. Products of 1536 x 128 x 512 gain 8 % where C comes from memory.
template <Scalar T>
void prefetch_tile(Index rows, Index columns, const T* c, Index ldc) {
  for (Index r = 0; r < rows; ++r)
    for (Index j = 0; j < columns; j += 64 / Index{sizeof(T)})
      __builtin_prefetch(c + r * ldc + j, 1);
}

/// Brings rows [first, last) of a panel into the second-level cache.
template <Scalar T, int P>
void prefetch_panel(const T* b, Index ldb, Index first, Index last) {
  constexpr Index line = 64 / sizeof(T);
  for (Index k = first; k < last; ++k)
    for (Index j = 0; j < P * lanes<T>; j += line) __builtin_prefetch(b + k * ldb + j, 0, 2);
}

/// `rows` rows of one panel of P packets, K steps, in the tallest tiles that fit. Between tiles, a
/// share of the next panel is asked for: its short rows lie too far apart for the hardware to
/// foresee, which costs a tenth where weights come from the third-level cache.
template <class Product, Scalar T, int P>
void gemm_panel(Index rows, Index K, Operand<T> a, const T* b, Index ldb, Start<T> start, T* c,
                Index ldc, Index width, const Finishing<T>& end) {
  Index i = 0;
  const auto tiles = [&](auto height) {
    constexpr int R = decltype(height)::value;
    for (; i + R <= rows; i += R) {
      if (end.far) prefetch_tile(Index{R}, width, c + i * ldc, ldc);
      if (end.next) prefetch_panel<T, P>(end.next, ldb, K * i / rows, K * (i + R) / rows);
      gemm_edge_tile<Product, T, R, P>(K, a.at(i, 0), b, ldb, start.at(i, 0), c + i * ldc, ldc,
                                       width);
      if (end.epilogue)
        (*end.epilogue)(end.row + i, end.column, R, width, c + i * ldc, ldc, Product::depth == 2);
    }
  };
  if constexpr (tile_rows<P> == 12) tiles(std::integral_constant<int, 12>{});
  tiles(std::integral_constant<int, 6>{});
  tiles(std::integral_constant<int, 4>{});
  tiles(std::integral_constant<int, 2>{});
  tiles(std::integral_constant<int, 1>{});
}

}  // namespace detail
}  // namespace foglift::inline v0::kernels
