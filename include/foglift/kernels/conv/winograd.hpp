#pragma once

#include "foglift/core/instances.hpp"
#include "foglift/kernels/conv/epilogue.hpp"
#include "foglift/kernels/conv/winograd_tiles.hpp"
#include "foglift/kernels/conv/winograd_weights.hpp"

#include <algorithm>

namespace foglift::inline v0::kernels {

namespace detail {

/// Y = A^T M A of one tile and `columns` outputs from `first` on, of which M begins at m, a point
/// m_stride behind the other, with what the outputs receive beside; what lies beyond the output is
/// left out.
template <int Axes, Scalar T>
void winograd_output(const ConvGeometry& g, const typename WinogradTiles<T, Axes>::Place& at,
                     const ConvEpilogue<T>& end, Index first, Index columns, const T* m,
                     Index m_stride, T* y) {
  const Index from = ((at.sample * g.out_h() + at.h) * g.out_w() + at.w) * g.Cout + first;
  const T* const bias = end.bias ? end.bias + at.sample * end.bias_stride + first : nullptr;
  for (Index c = 0; c < columns; c += Lanes<T>::count) {
    const Index n = std::min(Lanes<T>::count, columns - c);
    const bool all = n == Lanes<T>::count;
    const auto read = [&](const T* x) {
      return all ? Lanes<T>::load(x) : Lanes<T>::load(x, n, T(0));
    };
    const Lanes<T> start = bias ? read(bias + c) : Lanes<T>(T(0));
    winograd::transform<T, winograd::OutputTransform, Axes>(
        [&](Index i, Index j) {
          return Lanes<T>::load(m + (i * winograd::inputs + j) * m_stride + c);
        },
        [&](Index i, Index j, Lanes<T> x) {
          if (i >= at.rows || j >= at.columns) return;
          const Index to = from + (i * g.out_w() + j) * g.Cout + c;
          x = x + start;
          if (end.residual) x = x + read(end.residual + to);
          all ? x.store(y + to) : x.store(y + to, n);
        });
  }
}

/// winograd_conv on blocks of tiles.
template <Scalar T, int Axes = 2>
class WinogradBlocks {
  using Weights = WinogradWeights<T, Axes>;
  using Tiles = WinogradTiles<T, Axes>;
  static constexpr Index points = Weights::points;

 public:
  static Weights weights(const ConvGeometry& g, const T* w) { return {g.Cin, g.Cout, w}; }

  WinogradBlocks(const ConvGeometry& g, const T* padded, const Weights& w,
                 const ConvEpilogue<T>& end, T* y)
      : g_(g), tiles_(g), padded_(padded), w_(w), end_(end), y_(y) {}

  static Index pieces_a_sample(const ConvGeometry& g) { return Tiles::tiles_a_sample(g); }
  Index panels() const { return w_.panels(); }
  /// Multiply-adds of a tile.
  Index multiply_adds() const { return points * g_.Cin * g_.Cout; }

  /// Tiles in a block: as many as take 512 KB of transformed inputs and of products with one panel,
  /// which stay in a level-2 cache of 1 MB while the weights pass by; a multiple of gemm's tile.
  static Index block(const ConvGeometry& g) {
    constexpr Index bytes = Index{512} << 10, unit = tile_rows<panel_packets>;
    const Index a_tile = points * (g.Cin + Panels<T>::width) * Index{sizeof(T)};
    return std::clamp<Index>(bytes / a_tile / unit, 2, 16) * unit;
  }

  /// Tiles [first, last) of the outputs of panels [first_panel, last_panel).
  void run(Index first, Index last, Index first_panel, Index last_panel) const {
    const Index n = last - first;
    // A cache line more from point to point: their rows fall into different sets of the cache.
    constexpr Index line = 64 / sizeof(T);
    const Index v_stride = n * g_.Cin + line, m_stride = n * Weights::width + line;
    auto v = Tensor<T>::uninitialized({points, v_stride});
    auto m = Tensor<T>::uninitialized({points, m_stride});
    for (Index t = 0; t < n; ++t) tiles_.input(padded_, first + t, v.data() + t * g_.Cin, v_stride);
    for (Index p = first_panel; p < last_panel; ++p) {
      const Index width = w_.stride(p);
      for (Index point = 0; point < points; ++point)
        product(n, v.data() + point * v_stride, w_.at(p, point), width,
                m.data() + point * m_stride);
      for (Index t = 0; t < n; ++t)
        winograd_output<Axes, T>(g_, tiles_[first + t], end_, p * Weights::width, w_.columns(p),
                                 m.data() + t * width, m_stride, y_);
    }
  }

 private:
  void product(Index n, const T* v, const T* u, Index width, T* m) const {
    const auto run = [&](auto packets) {
      gemm_panel<Single<T>, T, decltype(packets)::value>(n, g_.Cin, row_major(v, g_.Cin), u, width,
                                                         Start<T>{nullptr, 0}, m, width, width,
                                                         Finishing<T>{nullptr, 0, 0});
    };
    with_packets(Panels<T>::packets(width), run);
  }

  const ConvGeometry& g_;
  Tiles tiles_;
  const T* padded_;
  const Weights& w_;
  const ConvEpilogue<T>& end_;
  T* y_;
};

/// A convolution of `samples` samples cut into pieces (tiles, or bands of rows), computed by blocks
/// of them. Parallel over blocks, and over panels of outputs where there are fewer blocks than
/// threads.
template <class Blocks>
void run_blocks(const ConvGeometry& g, Index samples, const Blocks& all) {
  const Index total = samples * all.pieces_a_sample(g), size = all.block(g);
  const Index blocks = (total + size - 1) / size;
  const Index wanted =
      inside_parallel() ? 1 : (threads() + blocks - 1) / std::max<Index>(1, blocks);
  const Index shares = std::min(all.panels(), wanted);
  const Index work = std::min(size, total) * all.multiply_adds() / shares;
  parallel_for(blocks * shares, grain_for(work), [&](Index task) {
    const Index block = task / shares, share = task % shares;
    all.run(block * size, std::min(total, (block + 1) * size), all.panels() * share / shares,
            all.panels() * (share + 1) / shares);
  });
}

}  // namespace detail

/// y [samples, H', W', Cout] = bias + residual + the convolution of 3 x 3 taps (Axes = 2) or 1 x 3
/// taps (Axes = 1), stride and dilation 1, of samples that lie padded one after another, [samples,
/// H + 2 pad_h, W + 2 pad_w, Cin], by Winograd's F(4x4, 3x3) or F(4, 3). Each output is one chain
/// of sums whatever the samples beside it. Parallel (detail::run_blocks).
template <Scalar T, int Axes>
void winograd_conv(const ConvGeometry& g, Index samples, const T* padded,
                   const WinogradWeights<T, Axes>& w, const ConvEpilogue<T>& end, T* y) {
  detail::run_blocks(g, samples, detail::WinogradBlocks<T, Axes>(g, padded, w, end, y));
}

#define FOGLIFT_KERNELS_WINOGRAD(linkage, T)                                                     \
  linkage void winograd_conv(const ConvGeometry&, Index, const T*, const WinogradWeights<T, 1>&, \
                             const ConvEpilogue<T>&, T*);                                        \
  linkage void winograd_conv(const ConvGeometry&, Index, const T*, const WinogradWeights<T, 2>&, \
                             const ConvEpilogue<T>&, T*)
FOGLIFT_FOR_SCALARS(FOGLIFT_KERNELS_WINOGRAD, extern template);

}  // namespace foglift::inline v0::kernels
