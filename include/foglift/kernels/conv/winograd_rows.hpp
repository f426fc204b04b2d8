#pragma once

#include "foglift/core/instances.hpp"
#include "foglift/kernels/conv/epilogue.hpp"
#include "foglift/kernels/conv/winograd.hpp"

#include <algorithm>

namespace foglift::inline v0::kernels {

/// The weights w [kh, 3, Cin, Cout] of a convolution as F(4, 3) along its rows takes them in
/// bfloat16: a row for each pair of channels of each row of taps. Cin is even.
template <Scalar T>
class WinogradRowWeights : public WinogradPanels<T, 1> {
 public:
  WinogradRowWeights(Index kh, Index Cin, Index Cout, const T* w)
      : WinogradPanels<T, 1>(
            w, {"winograd rows", {kh, Cin, Cout, 0}}, kh * Cin / 2, Cout,
            [=](Index k, Index j, Index n, const auto& store) {
              const T* const tap = w + (2 * k / Cin * 3 * Cin + 2 * k % Cin) * Cout + j;
              Lanes<T> u[2][std::size_t{winograd::points<1>}];
              for (Index odd = 0; odd < 2; ++odd)
                winograd::transform<T, winograd::WeightTransform, 1>(
                    [&](Index, Index v) {
                      const T* const x = tap + (v * Cin + odd) * Cout;
                      return n == Lanes<T>::count ? Lanes<T>::load(x) : Lanes<T>::load(x, n, T(0));
                    },
                    [&](Index, Index v, Lanes<T> x) { u[odd][v] = x; });
              for (Index v = 0; v < winograd::points<1>; ++v)
                store(v, Lanes<T>::make(detail::pairs(u[0][v].v, u[1][v].v)));
            }) {}
};

namespace detail {

/// A convolution of kh x 3 taps by F(4, 3) along its rows, in products of bfloat16 whose depth is
/// all channels of kh rows. Pieces are bands of rows.
template <Scalar T>
class WinogradRowBlocks {
  using Weights = WinogradRowWeights<T>;
  static constexpr Index points = Weights::points;
  static constexpr Index size = Paired::left_size;  // floats in memory of a pair

 public:
  static Index tiles_across(const ConvGeometry& g) { return WinogradTiles<T, 1>::tiles_across(g); }
  static Weights weights(const ConvGeometry& g, const T* w) { return {g.kh, g.Cin, g.Cout, w}; }
  static Index pieces_a_sample(const ConvGeometry& g) {
    const Index most = std::clamp<Index>(tiles_a_block(g) / tiles_across(g), 1, g.out_h());
    return (g.out_h() + most - 1) / most;
  }
  /// Bands in a block: several where they are whole samples.
  static Index block(const ConvGeometry& g) {
    if (pieces_a_sample(g) > 1) return 1;
    return std::max<Index>(1, tiles_a_block(g) / (g.out_h() * tiles_across(g)));
  }

  WinogradRowBlocks(const ConvGeometry& g, const T* padded, const Weights& w,
                    const ConvEpilogue<T>& end, T* y)
      : g_(g), padded_(padded), w_(w), end_(end), y_(y) {}

  Index panels() const { return w_.panels(); }
  /// Multiply-adds of a band.
  Index multiply_adds() const {
    return points * g_.out_h() / pieces_a_sample(g_) * tiles_across(g_) * g_.kh * g_.Cin * g_.Cout;
  }

  /// Bands [first, last) of the outputs of panels [first_panel, last_panel).
  void run(Index first, Index last, Index first_panel, Index last_panel) const {
    const Index across = tiles_across(g_), rows = band(first).rows,
                strips = (last - first) * across;
    // A cache line more from point to point: their rows fall into different sets of the cache.
    constexpr Index line = 64 / sizeof(T);
    const Index v_stride = strips * strip_size(rows) + line;
    const Index m_stride = strips * rows * Weights::width + line;
    auto v = Tensor<T>::uninitialized({points, v_stride});
    auto m = Tensor<T>::uninitialized({points, m_stride});
    for (Index s = 0; s < strips; ++s)
      input(band(first + s / across), s % across, v.data() + s * strip_size(rows), v_stride);
    // Strips of one row of taps have no rows in common, and are one matrix.
    const Index parts = g_.kh == 1 ? 1 : strips, part_rows = strips / parts * rows;
    for (Index p = first_panel; p < last_panel; ++p) {
      const Index width = w_.stride(p);
      for (Index point = 0; point < points; ++point)
        for (Index i = 0; i < parts; ++i)
          product(part_rows, v.data() + point * v_stride + i * strip_size(rows), w_.at(p, point),
                  width, m.data() + point * m_stride + i * rows * width);
      for (Index s = 0; s < strips; ++s)
        output(band(first + s / across), s % across, p, m.data() + s * rows * width, m_stride);
    }
  }

 private:
  /// A block's tiles, whose transformed inputs and products with one panel take 512 KB.
  static Index tiles_a_block(const ConvGeometry& g) {
    constexpr Index bytes = Index{512} << 10;
    return bytes / (points * (g.Cin / 2 * size + Panels<T>::width) * Index{sizeof(T)});
  }

  struct Band {
    Index sample, first, rows;
  };
  Band band(Index piece) const {
    const Index pieces = pieces_a_sample(g_), i = piece % pieces;
    const Index first = g_.out_h() * i / pieces;
    return {piece / pieces, first, g_.out_h() * (i + 1) / pieces - first};
  }
  Index row_size() const { return g_.Cin / 2 * size; }
  /// The transformed inputs of a column of tiles, [rows + kh - 1, Cin] in pairs: those of an output
  /// are kh of its rows.
  Index strip_size(Index rows) const { return (rows + g_.kh - 1) * row_size(); }

  /// V = B^T d of the tiles of a strip; inputs beyond the sample are zeros.
  void input(const Band& at, Index tile, T* v, Index v_stride) const {
    const Index row = g_.padded_w() * g_.Cin, w = tile * winograd::outputs;
    const Index columns = std::min(winograd::inputs, g_.padded_w() - w);
    for (Index h = 0; h < at.rows + g_.kh - 1; ++h, v += row_size()) {
      const T* const in =
          padded_ + at.sample * g_.padded_size() + (at.first + h) * row + w * g_.Cin;
      for (Index c = 0; c < g_.Cin; c += Lanes<T>::count) {
        const Index n = std::min(Lanes<T>::count, g_.Cin - c);
        winograd::transform<T, winograd::InputTransform, 1>(
            [&](Index, Index j) {
              if (j >= columns) return Lanes<T>(T(0));
              const T* const x = in + j * g_.Cin + c;
              return n == Lanes<T>::count ? Lanes<T>::load(x) : Lanes<T>::load(x, n, T(0));
            },
            [&](Index, Index j, Lanes<T> x) {
              store_pairs(x.v, n, v + j * v_stride + c / 2 * size);
            });
      }
    }
  }

  void product(Index rows, const T* v, const T* u, Index width, T* m) const {
    with_packets(Panels<T>::packets(width), [&](auto packets) {
      gemm_panel<Paired, T, decltype(packets)::value>(rows, w_.rows(),
                                                      Operand<T>{v, row_size(), size}, u, width,
                                                      Start<T>{nullptr, 0}, m, width, width, {});
    });
  }

  /// The outputs of a strip of tiles.
  void output(const Band& at, Index tile, Index p, const T* m, Index m_stride) const {
    const Index w = tile * winograd::outputs;
    const Index columns = std::min(winograd::outputs, g_.out_w() - w);
    for (Index h = 0; h < at.rows; ++h, m += w_.stride(p))
      winograd_output<1, T>(g_, {at.sample, at.first + h, w, 1, columns}, end_, p * Weights::width,
                            w_.columns(p), m, m_stride, y_);
  }

  const ConvGeometry& g_;
  const T* padded_;
  const Weights& w_;
  const ConvEpilogue<T>& end_;
  T* y_;
};

}  // namespace detail

/// winograd_conv of kh x 3 taps by F(4, 3) along the rows, products being of bfloat16. It loses
/// twice what direct ones do (5e-3 of the norm), and F(4x4, 3x3) would five times.
template <Scalar T>
void winograd_conv(const ConvGeometry& g, Index samples, const T* padded,
                   const WinogradRowWeights<T>& w, const ConvEpilogue<T>& end, T* y) {
  detail::run_blocks(g, samples, detail::WinogradRowBlocks<T>(g, padded, w, end, y));
}

}  // namespace foglift::inline v0::kernels
