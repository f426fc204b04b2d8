#pragma once

#include "foglift/core/instances.hpp"
#include "foglift/core/offset_by.hpp"
#include "foglift/core/tensor.hpp"
#include "foglift/kernels/pointwise/elementwise.hpp"

#include <cmath>

namespace foglift::inline v0::kernels {

/// Which moment a row is divided by: layer norm (Ba et al. 2016) subtracts the mean and divides by
/// the standard deviation, RMS norm (Zhang & Sennrich 2019) only divides by the root mean square.
enum class RowNorm { layer, rms };

/// What multiplies and shifts normalized rows: y = xhat (offset + scale) + shift. Scale and shift
/// are [C], one for every `rows` rows, `stride` elements apart.
template <Scalar T>
struct NormGain {
  const T *scale, *shift;
  T offset = T(0);  ///< 1 where the scale is a modulation, of which 0 is none
  Index rows = 0, stride = 0;

  Index groups(Index all) const { return rows > 0 ? all / rows : 0; }
};

namespace detail {

/// A sum over a row in vector lanes, which go to double every 16 additions: so its error is at most
/// (16 + 4) eps times the sum of magnitudes, however long the row, 4 for the tree over 16 lanes.
template <Scalar T>
class LaneSum {
 public:
  [[gnu::always_inline]] void add(Lanes<T> v) {
    lanes_ = lanes_ + v;
    if (++count_ == 16) flush();
  }
  /// The first n lanes only.
  void add(Lanes<T> v, Index n) {
    T lane[std::size_t{Lanes<T>::count}];
    v.store(lane, n);
    add(Lanes<T>::load(lane, n, T(0)));
  }
  double total() {
    flush();
    return total_;
  }

 private:
  void flush() {
    total_ += static_cast<double>(fold_lanes(lanes_, [](auto a, auto b) { return a + b; }));
    lanes_ = Lanes<T>(T(0));
    count_ = 0;
  }
  Lanes<T> lanes_{T(0)};
  double total_ = 0;
  int count_ = 0;
};

/// f(add, lanes...) over a row; add(sum, v) adds v to a LaneSum without the lanes beyond the row.
/// Inlined, the sums stay in registers.
template <Scalar T, class F, class... X>
[[gnu::always_inline]] inline void sum_row(Index n, const F& f, const X*... x) {
  constexpr Index step = Lanes<T>::count;
  Index i = 0;
  for (; i + step <= n; i += step)
    f([](LaneSum<T>& s, Lanes<T> v) { s.add(v); }, Lanes<T>::load(x + i)...);
  if (i < n)
    f([left = n - i](LaneSum<T>& s, Lanes<T> v) { s.add(v, left); },
      Lanes<T>::load(x + i, n - i, T(0))...);
}

}  // namespace detail

/// y = (x - mean) * rstd * (offset + scale) + shift on each of `rows` rows of C elements. Saves
/// mean (0 for RMS norm) and rstd [rows], in double.
template <Scalar T>
void row_norm(RowNorm kind, Index rows, Index C, const T* x, const NormGain<T>& gain, double eps,
              T* y, double* mean, double* rstd) {
  using L = Lanes<T>;
  const auto n = static_cast<double>(C);
  // Some rows at a time, and each step for all of them: the steps of one are a chain of long waits,
  // which those of the others fill.
  constexpr Index together = 8;
  parallel_for((rows + together - 1) / together, grain_of(together * C), [&](Index block) {
    const Index first = block * together, last = std::min(rows, first + together);
    for (Index row = first; row < last; ++row) {
      detail::LaneSum<T> sum;
      if (kind == RowNorm::layer)
        detail::sum_row<T>(C, [&](auto add, L e) { add(sum, e); }, x + row * C);
      mean[row] = sum.total() / n;
    }
    for (Index row = first; row < last; ++row) {
      detail::LaneSum<T> squares;
      const L center(static_cast<T>(mean[row]));
      detail::sum_row<T>(
          C, [&](auto add, L e) { add(squares, (e - center) * (e - center)); }, x + row * C);
      // Around the mean as it is in T: the square of what the rounding moved is taken off.
      const double moved = mean[row] - static_cast<double>(static_cast<T>(mean[row]));
      rstd[row] = 1 / std::sqrt(std::max(0.0, squares.total() / n - moved * moved) + eps);
    }
    for (Index row = first; row < last; ++row) {
      const L scale(static_cast<T>(rstd[row])), shift(static_cast<T>(-mean[row] * rstd[row]));
      const L offset(gain.offset);
      const Index group = row / gain.rows * gain.stride;
      map(
          C, y + row * C, [=](L e, L g, L b) { return fma(fma(e, scale, shift), offset + g, b); },
          x + row * C, gain.scale + group, gain.shift + group);
    }
  });
}

/// dx of row_norm; dscale and dshift [groups, C], rows `dstride` apart, unless both are null. Those
/// are summed over blocks of 64 rows of a group in T, and over the blocks in double, in order.
template <Scalar T>
void row_norm_backward(RowNorm kind, Index rows, Index C, const T* x, const NormGain<T>& gain,
                       const double* mean, const double* rstd, const T* dy, T* dx, T* dscale,
                       T* dshift, Index dstride) {
  using L = Lanes<T>;
  constexpr Index block = 64;
  const Index groups = gain.groups(rows), blocks = (gain.rows + block - 1) / block;  // of a group
  const auto n = static_cast<double>(C);
  Tensor<T> partial(Shape{dscale ? groups * blocks : 0, 2, C});
  for_rows(groups * blocks, block * C, [&](Index k) {
    const Index group = k / blocks, first = group * gain.rows + k % blocks * block;
    const Index last = std::min(first + block, (group + 1) * gain.rows);
    const T* const scale = gain.scale + group * gain.stride;
    T* const by_scale = offset_by(partial.data(), k * 2 * C);
    T* const by_shift = offset_by(by_scale, C);
    const L offset(gain.offset);
    for (Index row = first; row < last; ++row) {
      const T *v = x + row * C, *d = dy + row * C;
      const double m = mean[row], r = rstd[row];
      const L rise(static_cast<T>(r)), base(static_cast<T>(-m * r));
      // dx = rstd (h - mean(h) - xhat mean(h xhat)), h = (offset + scale) dy; no mean(h) where none
      // is taken.
      detail::LaneSum<T> of_h, of_hx;
      detail::sum_row<T>(
          C,
          [&](auto add, L e, L g, L w) {
            const L h = e * (offset + g);
            add(of_h, h);
            add(of_hx, h * fma(w, rise, base));
          },
          d, scale, v);
      const double mean_h = kind == RowNorm::layer ? of_h.total() / n : 0;
      const double slope = -r * r * of_hx.total() / n, rest = -r * mean_h - slope * m;
      const L b(static_cast<T>(slope)), o(static_cast<T>(rest));
      map(
          C, dx + row * C, [&](L e, L g, L w) { return fma(e * (offset + g), rise, fma(w, b, o)); },
          d, scale, v);
      if (!dscale) continue;
      map(
          C, by_scale, [&](L s, L e, L w) { return fma(e, fma(w, rise, base), s); }, by_scale, d,
          v);
      map(C, by_shift, [](L s, L e) { return s + e; }, by_shift, d);
    }
  });
  if (!dscale) return;
  for (Index group = 0; group < groups; ++group)
    for (Index i = 0; i < C; ++i) {
      double g = 0, b = 0;
      for (Index k = group * blocks; k < (group + 1) * blocks; ++k) {
        g += static_cast<double>(partial[k * 2 * C + i]);
        b += static_cast<double>(partial[(k * 2 + 1) * C + i]);
      }
      dscale[group * dstride + i] = static_cast<T>(g);
      dshift[group * dstride + i] = static_cast<T>(b);
    }
}

/// y = x + gate f on `rows` rows of C elements, with one row of gates for every gate_rows rows,
/// gate_stride apart.
template <Scalar T>
void gated_add(Index rows, Index C, const T* x, const T* gate, Index gate_rows, Index gate_stride,
               const T* f, T* y) {
  for_rows(rows, C, [&](Index row) {
    map(
        C, y + row * C, [](Lanes<T> g, Lanes<T> v, Lanes<T> r) { return fma(g, v, r); },
        gate + row / gate_rows * gate_stride, f + row * C, x + row * C);
  });
}

/// df = gate dy, and dgate [groups, C], rows `dgate_stride` apart, the sums of dy f over the rows
/// of a group; each may be nullptr. Summed as in row_norm_backward.
template <Scalar T>
void gated_add_backward(Index rows, Index C, const T* gate, Index gate_rows, Index gate_stride,
                        const T* f, const T* dy, T* df, T* dgate, Index dgate_stride) {
  using L = Lanes<T>;
  constexpr Index block = 64;
  if (df)
    for_rows(rows, C, [&](Index row) {
      map(
          C, df + row * C, [](L g, L d) { return g * d; }, gate + row / gate_rows * gate_stride,
          dy + row * C);
    });
  if (!dgate) return;
  const Index groups = gate_rows > 0 ? rows / gate_rows : 0;
  if (groups == 0) return;
  parallel_for(groups, std::max<Index>(1, elements_per_thread / (gate_rows * C)), [&](Index g) {
    Tensor<double> total(Shape{C});
    auto sum = Tensor<T>::uninitialized(Shape{C});
    for (Index first = 0; first < gate_rows; first += block) {
      sum.fill(T(0));
      for (Index i = first; i < std::min(first + block, gate_rows); ++i) {
        const Index at = (g * gate_rows + i) * C;
        map(C, sum.data(), [](L s, L a, L b) { return fma(a, b, s); }, sum.data(), f + at, dy + at);
      }
      for (Index i = 0; i < C; ++i) total[i] += static_cast<double>(sum[i]);
    }
    for (Index i = 0; i < C; ++i) dgate[g * dgate_stride + i] = static_cast<T>(total[i]);
  });
}

#define FOGLIFT_KERNELS_ROW_NORM(linkage, T)                                                      \
  linkage void row_norm(RowNorm, Index, Index, const T*, const NormGain<T>&, double, T*, double*, \
                        double*);                                                                 \
  linkage void row_norm_backward(RowNorm, Index, Index, const T*, const NormGain<T>&,             \
                                 const double*, const double*, const T*, T*, T*, T*, Index)
FOGLIFT_FOR_SCALARS(FOGLIFT_KERNELS_ROW_NORM, extern template);

}  // namespace foglift::inline v0::kernels
