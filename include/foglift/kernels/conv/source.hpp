#pragma once

#include "foglift/core/autocast.hpp"
#include "foglift/core/instances.hpp"
#include "foglift/kernels/conv/pad.hpp"
#include "foglift/kernels/norm/group_statistics.hpp"

#include <type_traits>

namespace foglift::inline v0::kernels {

/// Group normalization and SiLU of what a convolution reads. mean and rstd [samples, groups] are
/// written where `known` is false, read where it is true.
template <Scalar T>
struct NormSilu {
  Index groups = 1;
  double eps = 0;
  const T* gamma = nullptr;
  const T* beta = nullptr;
  double* mean = nullptr;
  double* rstd = nullptr;
  bool known = false;
};

/// What a convolution reads: x [B, H, W, Cin] in one or two parts, as it is or normalized on the
/// way into the padded sample.
template <Scalar T>
struct ConvSource {
  Halves<const T> x;
  const NormSilu<T>* norm = nullptr;

  /// The padded sample b, [H + 2 pad_h, W + 2 pad_w, Cin].
  void fill(const ConvGeometry& g, Index b, T* padded) const {
    if (norm)
      fill_normalized(g, b, padded);
    else
      fill_plain(g, b, padded);
    if (g.padded()) fill_halo(g, padded);
  }

 private:
  /// f(offset in the padded sample, channels, row of the input) for each part of each row.
  template <class F>
  void each_row(const ConvGeometry& g, Index b, const F& f) const {
    x.each(g.H * g.W, b, [&](Index c0, Index channels, const T* in) {
      for (Index h = 0; h < g.H; ++h)
        f(((h + g.pad_h) * g.padded_w() + g.pad_w) * g.Cin + c0, c0, channels,
          in + h * g.W * channels);
    });
  }

  void fill_plain(const ConvGeometry& g, Index b, T* padded) const {
    each_row(g, b, [&](Index to, Index, Index channels, const T* row) {
      if (channels == g.Cin)
        std::copy_n(row, g.W * channels, padded + to);
      else
        for (Index w = 0; w < g.W; ++w)
          std::copy_n(row + w * channels, channels, padded + to + w * g.Cin);
    });
  }

  void fill_normalized(const ConvGeometry& g, Index b, T* padded) const {
    const NormExtents n{g.B, g.H * g.W, g.Cin, norm->groups};
    double *const mean = norm->mean + b * n.groups, *const rstd = norm->rstd + b * n.groups;
    if (!norm->known) group_statistics(n, x, b, norm->eps, mean, rstd);
    auto coefficients = Tensor<T>::uninitialized({2, g.Cin});
    T *const scale = coefficients.data(), *const offset = scale + g.Cin;
    group_coefficients(n, mean, rstd, norm->gamma, norm->beta, scale, offset);
    const auto normalize = [&](auto silu) {
      each_row(g, b, [&](Index to, Index c0, Index channels, const T* row) {
        for (Index w = 0; w < g.W; ++w)
          map(
              channels, padded + to + w * g.Cin,
              [](Lanes<T> v, Lanes<T> k, Lanes<T> o) {
                return decltype(silu)::value(fma(v, k, o));
              },
              row + w * channels, scale + c0, offset + c0);
      });
    };
    if constexpr (std::is_same_v<T, float>)
      if (Autocast::current() == ProductType::bfloat16) return normalize(SiluRough{});
    normalize(Silu{});
  }
};

#define FOGLIFT_KERNELS_CONV_SOURCE(linkage, T) linkage struct ConvSource<T>
FOGLIFT_FOR_SCALARS(FOGLIFT_KERNELS_CONV_SOURCE, extern template);

}  // namespace foglift::inline v0::kernels
