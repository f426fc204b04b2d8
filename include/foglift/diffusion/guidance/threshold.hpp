#pragma once

#include "foglift/diffusion/guidance/guidance.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace foglift::inline v0::guide {

/// Static thresholding: x0 is cut to [lo, hi], the range of the data. Solvers derive the noise from
/// x and x0, so it follows the cut x0 by itself. It breaks what latent spaces and unbounded data
/// need, hides what is not finite in no case (NaN stays), and can not be inverted (clips).
struct Clip {
  static constexpr bool clips = true;
  double lo = -1, hi = 1;

  /// Throws ArgumentError unless lo < hi.
  template <class D, Scalar T, class L>
    requires Answers<D, Tensor<T>, L>
  Tensor<T> apply(const D& denoise, const Tensor<T>& x, const L& levels) const {
    if (!(lo < hi)) raise<ArgumentError>("guide::Clip: from ", lo, " to ", hi, ", needed lo < hi");
    Tensor<T> x0 = ask(denoise, x, levels);
    const T least = static_cast<T>(lo), most = static_cast<T>(hi);
    for (T& v : x0) v = v < least ? least : v > most ? most : v;
    return x0;
  }
  const Clip& rows(const Rows&) const { return *this; }
};

/// Dynamic thresholding (Saharia et al. 2022, "Photorealistic Text-to-Image Diffusion Models", sec.
/// 2.3) of data in [-1, 1]: s is the percentile of |x0| over the elements of a sample, linear
/// between two of them, brought into [floor, ceiling]; x0 is cut to [-s, s] and divided by s. With
/// floor = 1 samples inside the range are left alone; a ceiling of 1 makes it Clip, which is what
/// some programs ship as their default; here there is none.
struct DynamicThreshold {
  static constexpr bool clips = true;
  double percentile = 0.995;
  double floor = 1;
  double ceiling = std::numeric_limits<double>::infinity();

  /// Throws ArgumentError unless percentile is in [0, 1] and 0 < floor <= ceiling; NumericError for
  /// an x0 that is not a number.
  template <class D, Scalar T, class L>
    requires Answers<D, Tensor<T>, L>
  Tensor<T> apply(const D& denoise, const Tensor<T>& x, const L& levels) const {
    if (!(percentile >= 0 && percentile <= 1 && floor > 0 && floor <= ceiling))
      raise<ArgumentError>("guide::DynamicThreshold: percentile = ", percentile,
                           ", floor = ", floor, ", ceiling = ", ceiling,
                           ", needed percentile in [0, 1], 0 < floor <= ceiling");
    Tensor<T> x0 = ask(denoise, x, levels);
    const Index n = x0.row_size();
    if (std::any_of(x0.begin(), x0.end(), [](T v) { return std::isnan(v); }))
      raise<NumericError>("guide::DynamicThreshold: the denoiser returned NaN");
    if (n == 0) return x0;
    foglift::detail::for_rows(foglift::detail::batch_of(x0), n,
                              [&](Index b) { cut(x0.data() + b * n, n); });
    return x0;
  }
  const DynamicThreshold& rows(const Rows&) const { return *this; }

 private:
  template <Scalar T>
  void cut(T* row, Index n) const {
    auto size = Tensor<T>::uninitialized({n});
    std::transform(row, row + n, size.begin(), [](T v) { return std::abs(v); });
    const double place = percentile * static_cast<double>(n - 1);
    const auto below = static_cast<Index>(place);
    std::nth_element(size.begin(), size.begin() + below, size.end());
    const auto low = static_cast<double>(size[below]);
    const auto high =
        below + 1 < n ? static_cast<double>(*std::min_element(size.begin() + below + 1, size.end()))
                      : low;
    const double part = place - static_cast<double>(below);
    const double s = std::clamp(part > 0 ? low + part * (high - low) : low, floor, ceiling);
    for (Index i = 0; i < n; ++i)
      row[i] = static_cast<T>(std::clamp(static_cast<double>(row[i]), -s, s) / s);
  }
};

}  // namespace foglift::inline v0::guide
