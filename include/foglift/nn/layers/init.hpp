#pragma once

#include "foglift/autograd/tape.hpp"
#include "foglift/core/rng.hpp"

#include <cmath>
#include <initializer_list>
#include <utility>

namespace foglift::inline v0::nn {

/// A parameter uniform in [-bound, bound). Takes one stream of rng.
template <Scalar T>
Parameter<T> uniform_parameter(Shape shape, double bound, Rng& rng) {
  Tensor<T> u = rng.split().uniform<T>(shape);
  for (T& v : u) v = static_cast<T>(bound) * (2 * v - 1);
  return Parameter<T>(std::move(u));
}

/// PyTorch's default for the weight and the bias of linear layers and convolutions: uniform within
/// 1 / sqrt(fan_in) (He et al. 2015 with a = sqrt 5); all zero, and no stream of rng taken, for
/// the last layer of a branch that should start as the identity.
template <Scalar T>
Parameter<T> fan_in_parameter(Shape shape, Index fan_in, bool zero, Rng& rng) {
  if (zero) return Parameter<T>(Tensor<T>(shape));
  return uniform_parameter<T>(shape, 1 / std::sqrt(static_cast<double>(fan_in)), rng);
}

/// A parameter of independent normals of the given standard deviation. Takes one stream of rng.
template <Scalar T>
Parameter<T> normal_parameter(Shape shape, double deviation, Rng& rng) {
  Tensor<T> z = rng.split().normal<T>(shape);
  for (T& v : z) v *= static_cast<T>(deviation);
  return Parameter<T>(std::move(z));
}

namespace detail {
/// Throws ArgumentError unless an option of a layer is positive.
inline void need_positive(const char* layer, const char* option, Index value) {
  if (value <= 0) raise<ArgumentError>(layer, ": ", option, " = ", value, ", must be positive");
}
/// The same for several options.
inline void need_positive(const char* layer,
                          std::initializer_list<std::pair<const char*, Index>> options) {
  for (const auto& [option, value] : options) need_positive(layer, option, value);
}
/// Throws ArgumentError unless a share of what is dropped is one.
inline void need_dropout(const char* layer, double rate) {
  if (!(rate >= 0 && rate < 1))
    raise<ArgumentError>(layer, ": dropout = ", rate, ", must be in [0, 1)");
}
/// The kernel. Throws ArgumentError for an even one.
inline Index odd_kernel(const char* layer, Index kernel) {
  if (kernel % 2 == 0) raise<ArgumentError>(layer, ": kernel ", kernel, ", must be odd");
  return kernel;
}
}  // namespace detail

}  // namespace foglift::inline v0::nn
