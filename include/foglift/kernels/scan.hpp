#pragma once

#include "foglift/kernels/pointwise/elementwise.hpp"

#include <algorithm>

namespace foglift::inline v0::kernels {

/// A recurrence h_t = a_t h_{t-1} + b_t over b, h [B, T, row]. A row holds `channels` numbers:
/// reals, or where `complex` the real parts followed by the imaginary parts. `a` is one row where
/// `steady`, else [B, T, row].
struct ScanExtents {
  Index B, T, channels;
  bool complex = false, steady = false;

  Index row() const { return complex ? 2 * channels : channels; }
  Index a_row(Index b, Index t) const { return steady ? 0 : (b * T + t) * row(); }
};

namespace detail {

/// y = a x + z, or with `conjugate` conj(a) x + z, for channels [first, first + count) of rows. y
/// may be z.
template <Scalar T>
void scan_step(const ScanExtents& n, Index first, Index count, bool conjugate, const T* a,
               const T* x, const T* z, T* y) {
  const T *ar = a + first, *xr = x + first, *zr = z + first;
  if (!n.complex)
    return map(count, y + first, [](auto k, auto v, auto s) { return fma(k, v, s); }, ar, xr, zr);
  const T *ai = ar + n.channels, *xi = xr + n.channels, *zi = zr + n.channels;
  const auto plus = [](auto k, auto v, auto m, auto w, auto s) { return fma(k, v, fma(m, w, s)); };
  const auto minus = [](auto k, auto v, auto m, auto w, auto s) {
    return fma(k, v, fma(-m, w, s));
  };
  T *const yr = y + first, *const yi = yr + n.channels;
  if (conjugate) {
    map(count, yr, plus, ar, xr, ai, xi, zr);
    map(count, yi, minus, ar, xi, ai, xr, zi);
  } else {
    map(count, yr, minus, ar, xr, ai, xi, zr);
    map(count, yi, plus, ar, xi, ai, xr, zi);
  }
}

/// f(sample, first channel, channels) over blocks of channels, whose rows of several times stay in
/// the nearest cache while the recurrence passes.
template <class F>
void for_scans(const ScanExtents& n, const F& f) {
  constexpr Index block = 256;
  const Index blocks = (n.channels + block - 1) / block;
  parallel_for(n.B * blocks, grain_of(n.T * std::min(block, n.channels)), [&](Index i) {
    const Index first = i % blocks * block;
    f(i / blocks, first, std::min(block, n.channels - first));
  });
}

/// Copies channels [first, first + count) of a row.
template <Scalar T>
void copy_channels(const ScanExtents& n, Index first, Index count, const T* from, T* to) {
  for (Index at = first; at < n.row(); at += n.channels) std::copy_n(from + at, count, to + at);
}

}  // namespace detail

/// h from a, b, and the state h0 [B, row] before the first time, nullptr for zero.
template <Scalar T>
void scan(const ScanExtents& n, const T* a, const T* b, const T* h0, T* h) {
  detail::for_scans(n, [&](Index sample, Index first, Index count) {
    const T* before = h0 ? h0 + sample * n.row() : nullptr;
    for (Index t = 0; t < n.T; ++t) {
      const Index at = (sample * n.T + t) * n.row();
      if (before)
        detail::scan_step(n, first, count, false, a + n.a_row(sample, t), before, b + at, h + at);
      else
        detail::copy_channels(n, first, count, b + at, h + at);
      before = h + at;
    }
  });
}

/// The reverse scan, g_t = dh_t + conj(a_{t+1}) g_{t+1}: db_t = g_t, da_t = conj(h_{t-1}) g_t,
/// dh0 = conj(a_0) g_0. Adds to da, which has a row for each time, or where a is steady one for
/// each sample [B, row], and to dh0. Without da, nullptr, h is not read; dh0 may be nullptr.
template <Scalar T>
void scan_backward(const ScanExtents& n, const T* a, const T* h0, const T* h, const T* dh, T* da,
                   T* db, T* dh0) {
  const Index row = n.row();
  detail::for_scans(n, [&](Index sample, Index first, Index count) {
    for (Index t = n.T; t-- > 0;) {
      const Index at = (sample * n.T + t) * row;
      if (t + 1 == n.T)
        detail::copy_channels(n, first, count, dh + at, db + at);
      else
        detail::scan_step(n, first, count, true, a + n.a_row(sample, t + 1), db + at + row, dh + at,
                          db + at);
      const auto add = [&](const T* factor, T* to) {
        detail::scan_step(n, first, count, true, factor, db + at, to, to);
      };
      if (da && (t > 0 || h0))
        add(t > 0 ? h + at - row : h0 + sample * row, da + (n.steady ? sample * row : at));
      if (dh0 && t == 0) add(a + n.a_row(sample, 0), dh0 + sample * row);
    }
  });
}

}  // namespace foglift::inline v0::kernels
