#pragma once

#include "foglift/core/instances.hpp"
#include "foglift/core/offset_by.hpp"
#include "foglift/core/parallel.hpp"
#include "foglift/core/tensor.hpp"
#include "foglift/kernels/constant_memory.hpp"
#include "foglift/kernels/gemm/left_rows.hpp"
#include "foglift/kernels/gemm/tile.hpp"
#include "foglift/kernels/gemm/transpose.hpp"

#include <algorithm>

namespace foglift::inline v0::kernels {

/// What C starts from: zero, its own content (accumulate), or a row that every row starts from
/// (bias [N]), not both; and what becomes of the sums.
template <Scalar T>
struct GemmOptions {
  bool accumulate = false;
  const T* bias = nullptr;
  GemmEpilogue<T> epilogue = {};
};

namespace detail {

/// Multiply-adds worth a thread of their own: 2 us on a core of 130 GFLOP/s, several times what a
/// fork and join takes while the workers watch.
inline constexpr Index multiply_adds_a_thread = Index{1} << 17;
/// Multiply-adds for each element of the operands and the product, from which threads share a
/// product of what they have just written: sharing saves half of 1 / 65 ns for each, and moves half
/// of the elements from core to core, at 0.1 ns a byte (bench_train: written_elsewhere).
inline constexpr Index multiply_adds_an_element = 24;
/// A block of A of 240 x 256 floats (240 KB) stays in a level-2 cache of 512 KB or more while the
/// panels of B pass by; a panel of 256 x 64 floats takes 64 KB.
inline constexpr Index block_rows = 240, block_depth = 256;
/// Half a megabyte of floats: a C of so many elements leaves a level-2 cache before it is written
/// again.
inline constexpr Index far_elements = Index{1} << 17;

/// Number of threads for a job of that many multiply-adds; 1 inside a parallel_for.
inline Index parts_for(Index multiply_adds) {
  if (inside_parallel()) return 1;
  return std::clamp<Index>(multiply_adds / multiply_adds_a_thread, 1, threads());
}

/// The same for a product C [M, N] = A [M, K] B [K, N]. Weights that are promised to be constant
/// lie in the cache of every core; others are where the optimizer ran.
inline Index parts_for(Index M, Index N, Index K) {
  const bool near = kernel_setting().constant != nullptr;
  if (!near && M * N * K < multiply_adds_an_element * (M * K + K * N + M * N)) return 1;
  return parts_for(M * N * K);
}

/// The grain of a parallel_for whose bodies take that many multiply-adds each.
inline Index grain_for(Index multiply_adds) {
  return std::max<Index>(1, multiply_adds_a_thread / std::max<Index>(1, multiply_adds));
}

}  // namespace detail

/// The right operand B [K, N] of gemm in panels of columns: in place where a panel is made of whole
/// packets of adjacent columns, otherwise copied and padded with zeros, once where B is promised to
/// be constant. Under Autocast a B that is wide and deep enough is copied as pairs of bfloat16
/// numbers, of rows 2 i and 2 i + 1. Refers to the memory of B.
template <Scalar T>
class Panels {
 public:
  static constexpr Index width = detail::panel_packets * detail::lanes<T>;

  /// `copy`: also what could stay in place, where rows far apart would crowd each other out of the
  /// nearest cache.
  Panels(Operand<T> b, Index K, Index N, bool copy = false)
      : b_(b), K_(K), N_(N), paired_(detail::pairs_serve<T>(K, N)) {
    copy = copy || paired_;
    first_packed_ = copy || b.column_stride != 1 ? 0 : N % detail::lanes<T> ? N / width : count();
    if (first_packed_ == count() || K == 0) return;
    const auto make = [this] { return packed_panels(); };
    packed_ = ConstantMemory::form<T>(b.data,
                                      {paired_ ? "paired panels"
                                       : copy  ? "all panels"
                                               : "panels",
                                       {b.row_stride, b.column_stride, K, N}},
                                      make);
    if (packed_) return;
    own_ = make();
    packed_ = own_.data();
  }
  Panels(Panels&&) noexcept = default;
  Panels& operator=(Panels&&) noexcept = default;

  Index total_columns() const { return N_; }
  Index count() const { return (N_ + width - 1) / width; }
  /// Columns of panel p.
  Index columns(Index p) const { return std::min(width, N_ - p * width); }
  static Index packets(Index columns) {
    return (columns + detail::lanes<T> - 1) / detail::lanes<T>;
  }
  /// Whether rows stand in pairs.
  bool paired() const { return paired_; }
  /// Row k of panel p, or the pair that it is of, and the distance to the next.
  const T* row(Index p, Index k) const {
    if (K_ == 0) return nullptr;
    if (p < first_packed_) return b_.at(k, p * width).data;
    return packed_ + (p - first_packed_) * width * packed_rows() +
           (paired_ ? k / 2 : k) * stride(p);
  }
  Index stride(Index p) const {
    return p < first_packed_ ? b_.row_stride : packets(columns(p)) * detail::lanes<T>;
  }

 private:
  Index packed_rows() const { return paired_ ? (K_ + 1) / 2 : K_; }

  Tensor<T> packed_panels() const {
    const Index padded = packets(N_ - first_packed_ * width) * detail::lanes<T>;
    auto panels = Tensor<T>::uninitialized({packed_rows() * padded});
    const Index bytes = std::max<Index>(1, K_ * width * static_cast<Index>(sizeof(T)));
    const Index grain = std::max<Index>(1, bytes_per_thread / bytes);
    parallel_for(count() - first_packed_, grain, [&](Index p) {
      T* const out = panels.data() + p * width * packed_rows();
      if (paired_)
        pack_pairs(first_packed_ + p, out);
      else
        pack(first_packed_ + p, 0, K_, out);
    });
    return panels;
  }

  /// Rows [first, first + rows) of panel p.
  void pack(Index p, Index first, Index rows, T* out) const {
    constexpr Index S = detail::lanes<T>;
    const Index n = columns(p), padded = stride(p), left = K_ - first;
    const T* const in = b_.at(first, p * width).data;
    Index k = 0;
    if (b_.column_stride == 1) {
      // Whole packets, while they end within B: what follows a row reaches no element of C.
      for (; k < rows && k * b_.row_stride + padded <= (left - 1) * b_.row_stride + n; ++k)
        for (Index j = 0; j < padded; j += S)
          detail::store_packet(detail::load_packet(in + k * b_.row_stride + j),
                               out + k * padded + j);
    } else if (b_.row_stride == 1) {
      for (; k + S <= rows; k += S)  // blocks of S x S transposed in registers
        for (Index j = 0; j < padded; j += S)
          transpose_block(in + j * b_.column_stride + k, b_.column_stride, std::min(S, n - j),
                          out + k * padded + j, padded);
    }
    for (; k < rows; ++k) {
      for (Index j = 0; j < n; ++j)
        out[k * padded + j] = in[k * b_.row_stride + j * b_.column_stride];
      std::fill(out + k * padded + n, out + (k + 1) * padded, T(0));
    }
  }

  /// Panel p in pairs, by way of as many rows at a time as stay in the nearest cache.
  void pack_pairs(Index p, T* out) const {
    if constexpr (std::is_same_v<T, float>) {
      constexpr Index S = detail::lanes<T>, most = 2 * S;
      const Index padded = stride(p);
      T rows[std::size_t{most * width}];
      for (Index k = 0; k < K_; k += most) {
        const Index n = std::min(most, K_ - k);
        pack(p, k, n, rows);
        if (n % 2) std::fill_n(rows + n * padded, padded, T(0));
        for (Index i = 0; i < n; i += 2, out += padded)
          for (Index j = 0; j < padded; j += S)
            detail::store_packet(detail::pairs(detail::load_packet(rows + i * padded + j),
                                               detail::load_packet(rows + (i + 1) * padded + j)),
                                 out + j);
      }
    }
  }

  Operand<T> b_;
  Index K_, N_, first_packed_;
  bool paired_;
  Tensor<T> own_;              // the copy, unless it is kept by a promise
  const T* packed_ = nullptr;  // the copy
};

namespace detail {

/// f(packets) with the packets of a panel as a constant.
template <class F>
void with_packets(Index packets, const F& f) {
  switch (packets) {
    case 1:
      return f(std::integral_constant<int, 1>{});
    case 2:
      return f(std::integral_constant<int, 2>{});
    case 3:
      return f(std::integral_constant<int, std::min(3, panel_packets)>{});
    default:
      return f(std::integral_constant<int, panel_packets>{});
  }
}

/// f(product, packets) with what a step of a product with panel p is, and its packets as a
/// constant.
template <Scalar T, class F>
void with_product(const Panels<T>& b, Index p, const F& f) {
  with_packets(b.packets(b.columns(p)), [&](auto packets) {
    if constexpr (std::is_same_v<T, float>)
      if (b.paired()) return f(Paired{}, packets);
    f(Single<T>{}, packets);
  });
}

/// `rows` rows of A, from its row `first` on, times rows [first_k, first_k + depth) of panel p; c
/// is where the panel's columns begin, of which `width` are written.
template <Scalar T>
void gemm_panel(Index rows, const LeftRows<T>& a, Index first, const Panels<T>& b, Index p,
                Index first_k, Start<T> start, T* c, Index ldc, Index width,
                const Finishing<T>& end = {}) {
  with_product(b, p, [&]<class Product>(Product, auto packets) {
    gemm_panel<Product, T, decltype(packets)::value>(
        rows, a.steps(), a.from(first), b.row(p, first_k), b.stride(p), start, c, ldc, width, end);
  });
}

/// The same of all rows of an operand without groups.
template <Scalar T>
void gemm_panel(Index rows, Index depth, Operand<T> a, const Panels<T>& b, Index p, Index first_k,
                Start<T> start, T* c, Index ldc, Index width) {
  const LeftRows<T> left(a, 0, rows, 0, depth, first_k, b.paired());
  gemm_panel(rows, left, Index{0}, b, p, first_k, start, c, ldc, width);
}

/// Row i and panels [first, last) of C. There is nothing to block for, and at batch 1 a layer is
/// not much more than its weights' way through the cache.
template <Scalar T>
void gemm_row(Index i, Index K, Operand<T> a, const Panels<T>& b, Index first_k, Index first,
              Index last, T* c, Index ldc, const GemmOptions<T>& options) {
  const LeftRows<T> row(a, i, 1, 0, K, first_k, b.paired());
  T* const out = c + i * ldc;
  for (Index p = first; p < last; ++p) {
    const Index at = p * b.width;
    const T* const start = options.accumulate ? out + at : offset_by(options.bias, at);
    with_product(b, p, [&]<class Product>(Product, auto packets) {
      gemm_edge_tile<Product, T, 1, decltype(packets)::value>(
          row.steps(), row.from(0), b.row(p, first_k), b.stride(p), {start, 0}, out + at, 0,
          b.columns(p));
    });
  }
  const Index at = first * b.width, columns = std::min(b.total_columns(), last * b.width) - at;
  if (!options.epilogue.empty()) options.epilogue(i, at, 1, columns, out + at, 0, b.paired());
}

/// Rows [begin, end) and panels [first, last) of C, blocked for the caches.
template <Scalar T>
void gemm_block(Index begin, Index end, Index K, Operand<T> a, const Panels<T>& b, Index first_k,
                Index first, Index last, T* c, Index ldc, const GemmOptions<T>& options) {
  if (end - begin == 1) return gemm_row(begin, K, a, b, first_k, first, last, c, ldc, options);
  const bool far = (end - begin) * b.total_columns() >= far_elements;
  const auto deepest = [&](Index k) {  // whole pairs
    return b.paired() ? 2 * block_depth - (first_k + k) % 2 : block_depth;
  };
  for (Index i = begin; i < end; i += block_rows) {
    const Index rows = std::min(block_rows, end - i);
    Index k = 0;
    do {  // once for K = 0 too, which leaves the start
      const Index depth = std::min(deepest(k), K - k);
      const LeftRows<T> left(a, i, rows, k, depth, first_k + k, b.paired());
      const bool last_block = k + depth == K && !options.epilogue.empty();
      for (Index p = first; p < last; ++p) {
        T* out = c + i * ldc + p * b.width;
        const Start<T> start = k > 0 || options.accumulate ? Start<T>{out, ldc}
                               : options.bias              ? Start<T>{options.bias + p * b.width, 0}
                                                           : Start<T>{nullptr, 0};
        // The panels pass by for the first time, and slower than a cache can answer.
        const bool ahead = i == begin && rows >= 6 && p + 1 < last;
        const T* const next = ahead ? b.row(p + 1, first_k + k) : nullptr;
        for (Index r = 0, n; r < rows; r += n) {
          n = left.together(r, rows - r);
          gemm_panel(n, left, r, b, p, first_k + k, start.at(r, 0), out + r * ldc, ldc,
                     b.columns(p),
                     {last_block ? &options.epilogue : nullptr, i + r, p * b.width,
                      r == 0 ? next : nullptr, far});
        }
      }
      k += depth;
    } while (k < K);
  }
}

}  // namespace detail

/// C [M, N] (rows ldc apart) = epilogue(start + A [M, K] B), where B is rows [first_k, first_k + K)
/// of the panels. Each element is one chain of fused multiply-adds over k in ascending order, so
/// row i has the same bits whatever M, its place, and the number of threads. C may not overlap A or
/// B.
template <Scalar T>
void gemm(Index M, Index K, Operand<T> a, const Panels<T>& b, Index first_k, T* c, Index ldc,
          const GemmOptions<T>& options = {}) {
  if (M == 0 || b.count() == 0) return;
  const Index parts = detail::parts_for(M, b.total_columns(), K);
  if (parts == 1)
    return detail::gemm_block(Index{0}, M, K, a, b, first_k, Index{0}, b.count(), c, ldc, options);
  constexpr Index unit = 12;  // rows of the tallest tile
  const Index units = (M + unit - 1) / unit;
  if (units >= 2 * parts || units >= b.count()) {
    parallel_for(parts, 1, [&](Index t) {
      const Index first = units * t / parts * unit;
      const Index last = std::min(M, units * (t + 1) / parts * unit);
      detail::gemm_block(first, last, K, a, b, first_k, Index{0}, b.count(), c, ldc, options);
    });
  } else {
    parallel_for(parts, 1, [&](Index t) {
      detail::gemm_block(Index{0}, M, K, a, b, first_k, b.count() * t / parts,
                         b.count() * (t + 1) / parts, c, ldc, options);
    });
  }
}

/// C [M, N] = epilogue(start + A [M, K] B [K, N]).
template <Scalar T>
void gemm(Index M, Index N, Index K, Operand<T> a, Operand<T> b, T* c, Index ldc,
          const GemmOptions<T>& options = {}) {
  if (M > 0 && N > 0) gemm(M, K, a, Panels<T>(b, K, N), Index{0}, c, ldc, options);
}

#define FOGLIFT_KERNELS_GEMM(linkage, T)                                          \
  linkage class Panels<T>;                                                        \
  linkage void gemm(Index, Index, Operand<T>, const Panels<T>&, Index, T*, Index, \
                    const GemmOptions<T>&)
FOGLIFT_FOR_SCALARS(FOGLIFT_KERNELS_GEMM, extern template);

}  // namespace foglift::inline v0::kernels
