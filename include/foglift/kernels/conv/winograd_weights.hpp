#pragma once

#include "foglift/core/instances.hpp"
#include "foglift/core/parallel.hpp"
#include "foglift/core/tensor.hpp"
#include "foglift/kernels/constant_memory.hpp"
#include "foglift/kernels/conv/winograd_transform.hpp"
#include "foglift/kernels/gemm/gemm.hpp"

#include <algorithm>

namespace foglift::inline v0::kernels {

/// A matrix [rows, Cout] for each point of an algorithm of Winograd's, in panels of columns as wide
/// as gemm's, each of them [points, rows, columns], the last one padded with zeros to whole
/// packets. Made of the weights w once where those are promised to be constant.
template <Scalar T, int Axes>
class WinogradPanels {
 public:
  static constexpr Index width = Panels<T>::width, points = winograd::points<Axes>;

  /// transform(k, j, n, store) calls store(point, lanes) with columns [j, j + lanes) of row k, of
  /// which n are of the weights and the others zeros.
  template <class Transform>
  WinogradPanels(const T* w, const Form& form, Index rows, Index Cout, const Transform& transform)
      : rows_(rows), Cout_(Cout) {
    const auto make = [&] {
      auto out = Tensor<T>::uninitialized({points * rows * padded(Cout)});
      parallel_for(rows, grain_of(9 * Cout), [&](Index k) {
        for (Index j = 0; j < padded(Cout); j += Lanes<T>::count)
          transform(k, j, std::clamp<Index>(Cout - j, 0, Lanes<T>::count),
                    [&](Index point, Lanes<T> u) {
                      const Index p = j / width;
                      u.store(out.data() + offset(p, point) + k * stride(p) + j - p * width);
                    });
      });
      return out;
    };
    data_ = ConstantMemory::form<T>(w, form, make);
    if (data_) return;
    own_ = make();
    data_ = own_.data();
  }
  WinogradPanels(WinogradPanels&&) noexcept = default;
  WinogradPanels& operator=(WinogradPanels&&) noexcept = default;

  Index rows() const { return rows_; }
  Index panels() const { return (Cout_ + width - 1) / width; }
  /// Columns of panel p: those of the output, and with the zeros.
  Index columns(Index p) const { return std::min(width, Cout_ - p * width); }
  Index stride(Index p) const { return padded(columns(p)); }
  /// The matrix [rows, stride(p)] of panel p at one point.
  const T* at(Index p, Index point) const { return data_ + offset(p, point); }

 private:
  static Index padded(Index n) { return Panels<T>::packets(n) * detail::lanes<T>; }
  Index offset(Index p, Index point) const {
    return rows_ * (points * p * width + point * stride(p));
  }

  Index rows_, Cout_;
  Tensor<T> own_;            // the transformed weights, unless they are kept by a promise
  const T* data_ = nullptr;  // the transformed weights
};

/// The weights w [3, 3, Cin, Cout] (Axes = 2) or [3, Cin, Cout] (Axes = 1) of a convolution as
/// winograd_conv takes them: a row for each channel of the input.
template <Scalar T, int Axes = 2>
class WinogradWeights : public WinogradPanels<T, Axes> {
 public:
  WinogradWeights(Index Cin, Index Cout, const T* w)
      : WinogradPanels<T, Axes>(
            w, {"winograd", {Cin, Cout, Axes, 0}}, Cin, Cout,
            [=](Index c, Index j, Index n, const auto& store) {
              winograd::transform<T, winograd::WeightTransform, Axes>(
                  [&](Index h, Index v) {
                    const T* const tap = w + ((h * 3 + v) * Cin + c) * Cout + j;
                    return n == Lanes<T>::count ? Lanes<T>::load(tap)
                                                : Lanes<T>::load(tap, n, T(0));
                  },
                  [&](Index h, Index v, Lanes<T> u) { store(h * winograd::inputs + v, u); });
            }) {}
};

#define FOGLIFT_KERNELS_WINOGRAD_WEIGHTS(linkage, T) \
  linkage class WinogradWeights<T, 1>;               \
  linkage class WinogradWeights<T, 2>
FOGLIFT_FOR_SCALARS(FOGLIFT_KERNELS_WINOGRAD_WEIGHTS, extern template);

}  // namespace foglift::inline v0::kernels
