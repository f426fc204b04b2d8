#pragma once

#include "foglift/core/error.hpp"
#include "foglift/core/pool.hpp"
#include "foglift/core/tensor.hpp"
#include "foglift/kernels/pointwise/elementwise.hpp"

#include <cmath>
#include <memory>
#include <span>

namespace foglift::inline v0 {

namespace kernels {

/// The pattern of a sparse matrix by rows: row i holds entries [offsets[i], offsets[i + 1]), entry
/// k stands in column columns[k] and has the value values[order ? order[k] : k].
struct CsrPattern {
  Index rows;
  const Index *offsets, *columns, *order = nullptr;

  Index value_at(Index k) const { return order ? order[k] : k; }
};

namespace detail {

/// Channels [first, first + count) of a row of A times `from` [columns, inner], in N packets of
/// sums, the last of them padded.
template <int N, Scalar T>
void csr_packets(const CsrPattern& a, const T* values, Index row, Index inner, Index first,
                 Index count, const T* from, T* to) {
  constexpr Index S = Lanes<T>::count;
  Lanes<T> sums[std::size_t{N}];
  for (auto& sum : sums) sum = T(0);
  for (Index k = a.offsets[row]; k < a.offsets[row + 1]; ++k) {
    const Lanes<T> value = values[a.value_at(k)];
    const T* const x = from + a.columns[k] * inner + first;
    for (int i = 0; i < N; ++i) {
      const Index left = count - i * S;
      sums[i] =
          fma(value, left >= S ? Lanes<T>::load(x + i * S) : Lanes<T>::load(x + i * S, left, T(0)),
              sums[i]);
    }
  }
  for (int i = 0; i < N; ++i) {
    const Index left = count - i * S;
    if (left >= S)
      sums[i].store(to + first + i * S);
    else
      sums[i].store(to + first + i * S, left);
  }
}

}  // namespace detail

/// y[o, i, :] = sum_j A[i, j] x[o, j, :] for x [outer, columns, inner]. The sums run in the order
/// of a row's entries.
template <Scalar T>
void csr_mix(const CsrPattern& a, const T* values, Index outer, Index columns, Index inner,
             const T* x, T* y) {
  constexpr Index S = Lanes<T>::count;
  const Index entries = a.rows > 0 ? 1 + a.offsets[a.rows] / a.rows : 1;
  parallel_for(outer * a.rows, grain_of(entries * inner), [&](Index at) {
    const Index row = at % a.rows;
    const T* const from = x + at / a.rows * columns * inner;
    T* const to = y + at * inner;
    Index c = 0;
    for (; c + 4 * S <= inner; c += 4 * S)
      detail::csr_packets<4>(a, values, row, inner, c, 4 * S, from, to);
    for (; c < inner; c += S)
      detail::csr_packets<1>(a, values, row, inner, c, std::min(S, inner - c), from, to);
  });
}

/// d[k] = sum over o and c of dy[o, i, c] x[o, j, c] for entry k at (i, j): the gradient of csr_mix
/// to its values. The sums run in double, in the order of o and c.
template <Scalar T>
void csr_value_gradient(const CsrPattern& a, Index outer, Index columns, Index inner, const T* x,
                        const T* dy, T* d) {
  const Index entries = a.rows > 0 ? 1 + a.offsets[a.rows] / a.rows : 1;
  parallel_for(a.rows, grain_of(outer * entries * inner), [&](Index row) {
    for (Index k = a.offsets[row]; k < a.offsets[row + 1]; ++k) {
      double sum = 0;
      for (Index o = 0; o < outer; ++o) {
        const T* const from = x + (o * columns + a.columns[k]) * inner;
        const T* const slope = dy + (o * a.rows + row) * inner;
        for (Index c = 0; c < inner; ++c)
          sum += static_cast<double>(slope[c]) * static_cast<double>(from[c]);
      }
      d[a.value_at(k)] = static_cast<T>(sum);
    }
  });
}

}  // namespace kernels

/// A sparse matrix in compressed sparse rows, with its transpose beside it. It never changes;
/// copies share its memory, which is the pool's.
template <Scalar T = float>
class Csr {
 public:
  struct Entry {
    Index row, column;
    T value;
  };

  /// Entries in any order. Throws ArgumentError for one outside the matrix, two at the same place,
  /// or a value that is not finite.
  Csr(Index rows, Index columns, std::span<const Entry> entries)
      : data_(std::allocate_shared<Data>(pool::Allocator<Data>())) {
    if (rows < 0 || columns < 0)
      raise<ArgumentError>("Csr: ", rows, " x ", columns, ", extents must not be negative");
    rows_ = rows, columns_ = columns;
    for (const Entry& e : entries) {
      if (e.row < 0 || e.row >= rows || e.column < 0 || e.column >= columns)
        raise<ArgumentError>("Csr: an entry at (", e.row, ", ", e.column, ") of a matrix of ", rows,
                             " x ", columns);
      if (!std::isfinite(e.value))
        raise<ArgumentError>("Csr: the entry at (", e.row, ", ", e.column, ") is ", e.value);
    }
    fill(entries);
  }

  /// The entries of a matrix [rows, columns] that are not zero. Throws as above, ShapeError for
  /// another rank.
  static Csr of(const Tensor<T>& dense) {
    if (dense.rank() != 2) raise<ShapeError>("Csr::of: ", dense.shape(), " is no matrix");
    pool::Vector<Entry> entries;
    for (Index i = 0; i < dense.dim(0); ++i)
      for (Index j = 0; j < dense.dim(1); ++j)
        if (dense(i, j) != T(0)) entries.push_back({i, j, dense(i, j)});
    return Csr(dense.dim(0), dense.dim(1), entries);
  }

  Index rows() const { return rows_; }
  Index columns() const { return columns_; }
  /// Number of entries.
  Index size() const { return static_cast<Index>(data_->values.size()); }
  /// The values, by rows and in a row by columns: entry k of all calls here.
  std::span<const T> values() const { return data_->values; }

  /// All entries, by rows and in a row by columns.
  pool::Vector<Entry> entries() const {
    pool::Vector<Entry> result;
    const Data& d = *data_;
    for (Index i = 0; i < rows_; ++i)
      for (auto k = d.row_offsets[std::size_t(i)]; k < d.row_offsets[std::size_t(i) + 1]; ++k)
        result.push_back({i, d.columns[std::size_t(k)], d.values[std::size_t(k)]});
    return result;
  }

  kernels::CsrPattern pattern() const {
    return {rows_, data_->row_offsets.data(), data_->columns.data()};
  }
  kernels::CsrPattern transposed() const {
    return {columns_, data_->column_offsets.data(), data_->rows.data(), data_->order.data()};
  }

 private:
  struct Data {
    pool::Vector<Index> row_offsets, columns;         // of the matrix
    pool::Vector<Index> column_offsets, rows, order;  // of its transpose; order: to the values
    pool::Vector<T> values;
  };

  /// `place(e)` of entries counted: offsets of n places.
  template <class Place>
  static pool::Vector<Index> offsets(Index n, std::span<const Entry> entries, const Place& place) {
    pool::Vector<Index> result(static_cast<std::size_t>(n) + 1, 0);
    for (const Entry& e : entries) ++result[static_cast<std::size_t>(place(e)) + 1];
    for (std::size_t i = 1; i < result.size(); ++i) result[i] += result[i - 1];
    return result;
  }

  void fill(std::span<const Entry> given) {
    pool::Vector<Entry> entries(given.begin(), given.end());
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
      return a.row != b.row ? a.row < b.row : a.column < b.column;
    });
    Data& d = *data_;
    d.row_offsets = offsets(rows_, entries, [](const Entry& e) { return e.row; });
    d.column_offsets = offsets(columns_, entries, [](const Entry& e) { return e.column; });
    pool::Vector<Index> next(d.column_offsets.begin(), d.column_offsets.end());
    d.rows.resize(entries.size()), d.order.resize(entries.size());
    for (std::size_t k = 0; k < entries.size(); ++k) {
      const Entry& e = entries[k];
      if (k > 0 && e.row == entries[k - 1].row && e.column == entries[k - 1].column)
        raise<ArgumentError>("Csr: two entries at (", e.row, ", ", e.column, ")");
      d.columns.push_back(e.column);
      d.values.push_back(e.value);
      const auto at = static_cast<std::size_t>(next[static_cast<std::size_t>(e.column)]++);
      d.rows[at] = e.row;
      d.order[at] = static_cast<Index>(k);
    }
  }

  Index rows_ = 0, columns_ = 0;
  std::shared_ptr<Data> data_;
};

}  // namespace foglift::inline v0
