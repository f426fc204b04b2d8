#pragma once

#include "foglift/core/half.hpp"
#include "foglift/core/parallel.hpp"
#include "foglift/core/tensor.hpp"
#include "foglift/kernels/gemm/tile.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <type_traits>

namespace foglift::inline v0::kernels::detail {

/// Whether B [K, N] is multiplied in pairs of bfloat16 numbers: asked for, of floats, and not so
/// narrow that there is more to lose than to gain.
template <Scalar T>
bool pairs_serve(Index K, Index N) {
  return std::is_same_v<T, float> && kernel_setting().bfloat16 && K >= 32 && N >= 16;
}

/// A block of the left operand as the tiles of a product read it: in place; or in the pairs that
/// rows [first_k, first_k + depth) of B make, with zeros where half of the first or last one is
/// outside.
template <Scalar T>
class LeftRows {
 public:
  /// Rows [i, i + rows) and columns [k, k + depth) of a, which are multiplied with rows of B from
  /// first_k on.
  LeftRows(Operand<T> a, Index i, Index rows, Index k, Index depth, Index first_k, bool paired)
      : a_(a), i_(i), k_(k), steps_(depth) {
    if constexpr (std::is_same_v<T, float>)
      if (paired) make_pairs(rows, depth, first_k % 2);
  }

  LeftRows(const LeftRows&) = delete;  // may point into itself
  LeftRows& operator=(const LeftRows&) = delete;

  /// Steps of Single, or of Paired.
  Index steps() const { return steps_; }
  /// From row r of the block to the end of its group.
  Operand<T> from(Index r) const { return a_.at(i_ + r, k_); }
  /// Rows from row r to the end of its group, at most `rows`.
  Index together(Index r, Index rows) const { return a_.together(i_ + r, rows); }

 private:
  static constexpr Index size = Paired::left_size;

  void make_pairs(Index rows, Index depth, Index before) {
    const Operand<T> a = a_;
    steps_ = (before + depth + 1) / 2;
    const Index all = rows * steps_ * size;
    if (all > few) pairs_ = Tensor<T>::uninitialized({all});
    T* const out = all > few ? pairs_.data() : few_pairs_;
    a_ = {out, steps_ * size, size};
    if (pair_products && a.row_stride == 1 && a.column_stride != 1 && a.group == 0) {
      a_ = {out, 1, rows};
      across(rows, depth, before, a.at(i_, k_), out);
    } else {
      for (Index r = 0; r < rows; ++r)
        along(depth, before, a.at(i_ + r, k_), out + r * steps_ * size);
    }
    i_ = k_ = 0;
  }

  /// One row.
  void along(Index depth, Index before, Operand<T> a, T* out) const {
    const auto at = [&](Index k) {
      return k < before || k >= before + depth ? T(0) : a.data[(k - before) * a.column_stride];
    };
    Index s = 0;
    if constexpr (!pair_products) {
      for (; s < steps_; ++s) out[2 * s] = at(2 * s), out[2 * s + 1] = at(2 * s + 1);
    } else {
#if defined(__AVX512BF16__)
      if (a.column_stride == 1 && before == 0)
        for (; 2 * (s + lanes<T>) <= depth; s += lanes<T>)
          store_packet(std::bit_cast<Packet<T>>(_mm512_cvtne2ps_pbh(
                           load_packet(a.data + 2 * s + lanes<T>), load_packet(a.data + 2 * s))),
                       out + s);
#endif
      for (; s < steps_; ++s) out[s] = pair(at(2 * s), at(2 * s + 1));
    }
  }

  /// All rows, where they are adjacent in memory: [steps, rows].
  void across(Index rows, Index depth, Index before, Operand<T> a, T* out) const {
    const auto row = [&](Index k) {
      return k < before || k >= before + depth ? nullptr : a.data + (k - before) * a.column_stride;
    };
    for (Index s = 0; s < steps_; ++s, out += rows) {
      const T *const first = row(2 * s), *const second = row(2 * s + 1);
      const auto load = [](const T* x, Index r) { return x ? load_packet(x + r) : Packet<T>{}; };
      Index r = 0;
      for (; r + lanes<T> <= rows; r += lanes<T>)
        store_packet(kernels::detail::pairs(load(first, r), load(second, r)), out + r);
      for (; r < rows; ++r) out[r] = pair(first ? first[r] : T(0), second ? second[r] : T(0));
    }
  }

  static T pair(T first, T second) {
    return std::bit_cast<T>(std::uint32_t{bfloat16_from(second)} << 16 | bfloat16_from(first));
  }

  static constexpr Index few = 256;  // as many cost less here than where memory is kept

  Operand<T> a_;
  Index i_, k_, steps_;
  Tensor<T> pairs_;
  T few_pairs_[std::size_t{few}];
};

}  // namespace foglift::inline v0::kernels::detail
