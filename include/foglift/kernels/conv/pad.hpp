#pragma once

#include "foglift/core/tensor.hpp"
#include "foglift/kernels/conv/options.hpp"

#include <algorithm>

namespace foglift::inline v0::kernels {

/// Extents of one sample of a convolution, and what they imply. A 1-D convolution has H = kh = 1
/// and pad_h = 0.
struct ConvGeometry {
  Index B, H, W, Cin;
  Index kh, kw, Cout;
  Index stride, dilation, pad_h, pad_w;
  Padding mode;
  ConvAlgorithm algorithm = ConvAlgorithm::automatic;

  static Index positions(Index n, Index k, Index pad, Index stride, Index dilation) {
    return (n + 2 * pad - dilation * (k - 1) - 1) / stride + 1;
  }
  Index out_h() const { return positions(H, kh, pad_h, stride, dilation); }
  Index out_w() const { return positions(W, kw, pad_w, stride, dilation); }
  Index padded_h() const { return H + 2 * pad_h; }
  Index padded_w() const { return W + 2 * pad_w; }
  bool padded() const { return pad_h > 0 || pad_w > 0; }
  /// Elements of one sample: input, padded input, output.
  Index input_size() const { return H * W * Cin; }
  Index padded_size() const { return padded_h() * padded_w() * Cin; }
  Index output_size() const { return out_h() * out_w() * Cout; }
  Index multiply_adds() const { return output_size() * kh * kw * Cin; }
};

namespace detail {

/// Where position i of a padded axis of n elements comes from; -1 is a zero. Reflection needs
/// -n < i < 2 n - 1.
inline Index source_index(Index i, Index n, Padding mode) {
  if (i >= 0 && i < n) return i;
  switch (mode) {
    case Padding::circular:
      return i < 0 ? n - 1 - (-i - 1) % n : i % n;
    case Padding::reflect:
      return i < 0 ? -i : 2 * n - 2 - i;
    default:
      return -1;
  }
}

/// f(offset of a run in the padded sample, offset of its source or -1, elements) over the padded
/// sample [H + 2 pad_h, W + 2 pad_w, Cin] in ascending order: the runs are rows of the input, halo
/// positions between them.
template <class F>
void for_each_run(const ConvGeometry& g, const F& f) {
  const Index Wp = g.padded_w(), C = g.Cin;
  for (Index h = 0; h < g.padded_h(); ++h) {
    const Index from_h = source_index(h - g.pad_h, g.H, g.mode);
    const auto run = [&](Index w, Index count) {
      const Index from_w = source_index(w - g.pad_w, g.W, g.mode);
      const bool zero = from_h < 0 || from_w < 0;
      f((h * Wp + w) * C, zero ? -1 : (from_h * g.W + from_w) * C, count * C);
    };
    for (Index w = 0; w < g.pad_w; ++w) run(w, 1);
    run(g.pad_w, g.W);
    for (Index w = g.pad_w + g.W; w < Wp; ++w) run(w, 1);
  }
}

}  // namespace detail

/// The halo of a padded sample [H + 2 pad_h, W + 2 pad_w, Cin] whose interior is there.
template <Scalar T>
void fill_halo(const ConvGeometry& g, T* padded) {
  detail::for_each_run(g, [&](Index to, Index from, Index n) {
    if (from < 0) {
      std::fill_n(padded + to, n, T(0));
      return;
    }
    const Index position = from / g.Cin, h = position / g.W + g.pad_h, w = position % g.W + g.pad_w;
    const Index inside = (h * g.padded_w() + w) * g.Cin;
    if (inside != to) std::copy_n(padded + inside, n, padded + to);
  });
}

/// One sample x [H, W, Cin] with its halo: out [H + 2 pad_h, W + 2 pad_w, Cin].
template <Scalar T>
void pad(const ConvGeometry& g, const T* x, T* out) {
  detail::for_each_run(g, [&](Index to, Index from, Index n) {
    if (from < 0)
      std::fill_n(out + to, n, T(0));
    else
      std::copy_n(x + from, n, out + to);
  });
}

/// The adjoint of pad: dx [H, W, Cin] receives what every copy of an element received.
template <Scalar T>
void unpad(const ConvGeometry& g, const T* d_out, T* dx) {
  std::fill_n(dx, g.input_size(), T(0));
  detail::for_each_run(g, [&](Index to, Index from, Index n) {
    if (from < 0) return;
    for (Index i = 0; i < n; ++i) dx[from + i] += d_out[to + i];
  });
}

}  // namespace foglift::inline v0::kernels
