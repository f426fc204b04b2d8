#pragma once

#include "foglift/kernels/conv/pad.hpp"
#include "foglift/kernels/conv/winograd_transform.hpp"

#include <algorithm>

namespace foglift::inline v0::kernels {

namespace detail {

/// The tiles of the outputs of samples that lie padded one after another, sample by sample and row
/// by row.
template <Scalar T, int Axes = 2>
class WinogradTiles {
 public:
  explicit WinogradTiles(const ConvGeometry& g) : g_(g) {}

  static Index tiles_a_sample(const ConvGeometry& g) { return tiles_down(g) * tiles_across(g); }

  static Index tiles_across(const ConvGeometry& g) {
    return (g.out_w() + winograd::outputs - 1) / winograd::outputs;
  }

  /// Where a tile's outputs begin, and how many of them there are.
  struct Place {
    Index sample, h, w, rows, columns;
  };
  Place operator[](Index tile) const {
    const Index across = tiles_across(g_), each = tiles_a_sample(g_);
    const Index h = tile % each / across * height, w = tile % each % across * winograd::outputs;
    return {tile / each, h, w, std::min(height, g_.out_h() - h),
            std::min(winograd::outputs, g_.out_w() - w)};
  }

  /// V = B^T d B of one tile; inputs beyond the sample are zeros.
  void input(const T* padded, Index tile, T* v, Index v_stride) const {
    const Place at = (*this)[tile];
    const Index row = g_.padded_w() * g_.Cin;
    const T* const in = padded + at.sample * g_.padded_size() + at.h * row + at.w * g_.Cin;
    const auto channels = [&](Index c, const auto& load) {
      const Index n = std::min(Lanes<T>::count, g_.Cin - c);
      winograd::transform<T, winograd::InputTransform, Axes>(
          load, [&](Index i, Index j, Lanes<T> x) {
            T* const out = v + (i * winograd::inputs + j) * v_stride + c;
            n == Lanes<T>::count ? x.store(out) : x.store(out, n);
          });
    };
    const bool whole = at.rows == height && at.columns == winograd::outputs;
    Index c = 0;
    if (whole)
      for (; c + Lanes<T>::count <= g_.Cin; c += Lanes<T>::count)
        channels(c,
                 [&](Index i, Index j) { return Lanes<T>::load(in + i * row + j * g_.Cin + c); });
    for (; c < g_.Cin; c += Lanes<T>::count)
      channels(c, [&](Index i, Index j) {
        if (i >= at.rows + Axes * 2 - 2 || j >= at.columns + 2) return Lanes<T>(T(0));
        const T* const x = in + i * row + j * g_.Cin + c;
        return c + Lanes<T>::count <= g_.Cin ? Lanes<T>::load(x)
                                             : Lanes<T>::load(x, g_.Cin - c, T(0));
      });
  }

 private:
  /// Outputs of a tile along the first axis.
  static constexpr Index height = Axes == 1 ? 1 : winograd::outputs;
  static Index tiles_down(const ConvGeometry& g) { return (g.out_h() + height - 1) / height; }

  const ConvGeometry& g_;
};

}  // namespace detail

}  // namespace foglift::inline v0::kernels
