#pragma once

#include "foglift/core/parallel.hpp"
#include "foglift/core/scalar.hpp"

#include <algorithm>

namespace foglift::inline v0::kernels {

/// A grid of cells, channels last, and how many fine cells make a coarse one along each axis: the
/// coarse grid is [B, H, W, C], the fine grid [B, H fh, W fw, C]. One axis has H = fh = 1.
struct ResampleGeometry {
  Index B, H, W, C;
  Index fh, fw;

  Index coarse_row() const { return W * C; }
  Index fine_row() const { return W * fw * C; }
};

/// fine = factor * every coarse cell, fh x fw times: nearest upsampling at factor 1, the adjoint of
/// averaging at 1 / (fh fw).
template <Scalar T>
void spread(const ResampleGeometry& g, const T* coarse, T factor, T* fine) {
  parallel_for(g.B * g.H, grain_of(g.fh * g.fine_row()), [&](Index h) {
    const T* in = coarse + h * g.coarse_row();
    T* const first = fine + h * g.fh * g.fine_row();
    T* out = first;
    for (Index w = 0; w < g.W; ++w, in += g.C)
      for (Index j = 0; j < g.fw; ++j, out += g.C)
        for (Index c = 0; c < g.C; ++c) out[c] = factor * in[c];
    for (Index i = 1; i < g.fh; ++i) std::copy_n(first, g.fine_row(), first + i * g.fine_row());
  });
}

/// coarse = factor * the sum of the fh x fw fine cells, row by row: average pooling at
/// 1 / (fh fw), the adjoint of nearest upsampling at 1.
template <Scalar T>
void gather(const ResampleGeometry& g, const T* fine, T factor, T* coarse) {
  parallel_for(g.B * g.H, grain_of(g.fh * g.fine_row()), [&](Index h) {
    T* const first = coarse + h * g.coarse_row();
    std::fill_n(first, g.coarse_row(), T(0));
    const T* in = fine + h * g.fh * g.fine_row();
    for (Index i = 0; i < g.fh; ++i) {
      T* out = first;
      for (Index w = 0; w < g.W; ++w, out += g.C)
        for (Index j = 0; j < g.fw; ++j, in += g.C)
          for (Index c = 0; c < g.C; ++c) out[c] += in[c];
    }
    for (Index i = 0; i < g.coarse_row(); ++i) first[i] *= factor;
  });
}

}  // namespace foglift::inline v0::kernels
