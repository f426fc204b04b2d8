#pragma once

#include "foglift/core/instances.hpp"
#include "foglift/core/parallel.hpp"
#include "foglift/core/tensor.hpp"
#include "foglift/kernels/constant_memory.hpp"
#include "foglift/kernels/conv/winograd_transform.hpp"
#include "foglift/kernels/gemm/gemm.hpp"

#include <algorithm>

namespace foglift::inline v0::kernels {

/// The weights w [3, 3, Cin, Cout] (Axes = 2) or [3, Cin, Cout] (Axes = 1) of a convolution as
/// winograd_conv takes them: in panels of columns as wide as gemm's, each of them [points, Cin,
/// columns], the last one padded with zeros to whole packets. Made once where w is promised to be
/// constant.
template <Scalar T, int Axes = 2>
class WinogradWeights {
 public:
  static constexpr Index width = Panels<T>::width, points = winograd::points<Axes>;

  WinogradWeights(Index Cin, Index Cout, const T* w) : Cin_(Cin), Cout_(Cout) {
    const auto make = [&] { return transformed(w); };
    data_ = ConstantMemory::form<T>(w, {"winograd", {Cin, Cout, Axes, 0}}, make);
    if (data_) return;
    own_ = make();
    data_ = own_.data();
  }
  WinogradWeights(WinogradWeights&&) noexcept = default;
  WinogradWeights& operator=(WinogradWeights&&) noexcept = default;

  Index panels() const { return (Cout_ + width - 1) / width; }
  /// Columns of panel p: those of the output, and with the zeros.
  Index columns(Index p) const { return std::min(width, Cout_ - p * width); }
  Index stride(Index p) const { return padded(columns(p)); }
  /// The matrix [Cin, stride(p)] of panel p at one point.
  const T* at(Index p, Index point) const { return data_ + offset(p, point); }

 private:
  static Index padded(Index n) { return Panels<T>::packets(n) * detail::lanes<T>; }
  Index offset(Index p, Index point) const {
    return Cin_ * (points * p * width + point * stride(p));
  }

  Tensor<T> transformed(const T* w) const {
    auto out = Tensor<T>::uninitialized({points * Cin_ * padded(Cout_)});
    parallel_for(Cin_, grain_of(9 * Cout_), [&](Index c) {
      for (Index j = 0; j < padded(Cout_); j += Lanes<T>::count) transform(w, c, j, out.data());
    });
    return out;
  }

  /// Columns [j, j + lanes) of row c, at all points.
  void transform(const T* w, Index c, Index j, T* out) const {
    const Index p = j / width, n = std::clamp<Index>(Cout_ - j, 0, Lanes<T>::count);
    winograd::transform<T, winograd::WeightTransform, Axes>(
        [&](Index h, Index v) {
          const T* const tap = w + ((h * 3 + v) * Cin_ + c) * Cout_ + j;
          return n == Lanes<T>::count ? Lanes<T>::load(tap) : Lanes<T>::load(tap, n, T(0));
        },
        [&](Index h, Index v, Lanes<T> u) {
          u.store(out + offset(p, h * winograd::inputs + v) + c * stride(p) + j - p * width);
        });
  }

  Index Cin_, Cout_;
  Tensor<T> own_;            // the transformed weights, unless they are kept by a promise
  const T* data_ = nullptr;  // the transformed weights
};

#define FOGLIFT_KERNELS_WINOGRAD_WEIGHTS(linkage, T) \
  linkage class WinogradWeights<T, 1>;               \
  linkage class WinogradWeights<T, 2>
FOGLIFT_FOR_SCALARS(FOGLIFT_KERNELS_WINOGRAD_WEIGHTS, extern template);

}  // namespace foglift::inline v0::kernels
