#pragma once

#include "foglift/core/error.hpp"
#include "foglift/core/scalar.hpp"

#include <cmath>
#include <cstddef>
#include <span>

namespace foglift {
inline namespace v0 {
namespace data {

enum class Scaling {
  none,      // offset 0, scale 1
  mean,      // offset 0, scale = mean of |x| (Salinas et al. 2020, DeepAR)
  standard,  // offset = mean, scale = standard deviation
};

/// x -> (x - offset) / scale, for one series. Missing values (NaN) stay missing.
struct Scaler {
  double offset = 0;
  double scale = 1;

  template <Scalar T>
  T apply(T x) const {
    return static_cast<T>((static_cast<double>(x) - offset) / scale);
  }
  template <Scalar T>
  T invert(T x) const {
    return static_cast<T>(static_cast<double>(x) * scale + offset);
  }
  template <Scalar T>
  void apply(std::span<T> values) const {
    for (T& x : values) x = apply(x);
  }
  template <Scalar T>
  void invert(std::span<T> values) const {
    for (T& x : values) x = invert(x);
  }
};

/// The scaler of a series, from the values that are not NaN. Sums are in double, divided by the
/// count before they can overflow, and in the order of the series. A scale that would be zero or is
/// below what rounding leaves of a constant series (1e-12 of its level) is 1, and so is that of a
/// series without values: nothing is ever divided by nearly nothing.
/// Throws NumericError for an infinite value.
template <Scalar T>
Scaler fit_scaler(std::span<const T> values, Scaling scaling) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isinf(values[i])) raise<NumericError>("fit_scaler: value ", i, " is infinite");
    count += std::isnan(values[i]) ? 0 : 1;
  }
  if (scaling == Scaling::none || count == 0) return {};
  const auto mean_of = [&](auto&& f) {
    double sum = 0;
    for (const T v : values)
      if (!std::isnan(v)) sum += f(static_cast<double>(v)) / static_cast<double>(count);
    return sum;
  };
  const double level = mean_of([](double v) { return std::abs(v); });
  if (scaling == Scaling::mean) return {.offset = 0, .scale = level > 0 ? level : 1};
  const double offset = mean_of([](double v) { return v; });
  if (level == 0) return {};
  // In units of the level, so that squares neither overflow nor vanish.
  const double spread = std::sqrt(mean_of([&](double v) {
    const double d = (v - offset) / level;
    return d * d;
  }));
  return {.offset = offset, .scale = spread > 1e-12 ? spread * level : 1};
}

}  // namespace data
}  // namespace v0
}  // namespace foglift
