#pragma once

#include "foglift/autograd/value.hpp"

#include <string>
#include <string_view>
#include <type_traits>

namespace foglift {
inline namespace v0 {
namespace nn {

/// Listens to nothing. A tap is any callable (std::string_view name, const Tensor<T>& activation);
/// a network calls it after every block, in the order of its tap_names(). With this default no name
/// is built and no call is made.
struct NoTap {};

/// True for the type of a tap that listens to nothing.
template <class Tap>
inline constexpr bool untapped = std::is_same_v<std::remove_cvref_t<Tap>, NoTap>;

/// Parts of a tap's name joined by dots: tap_name("down", 0, 1) is "down.0.1".
template <class... Numbers>
std::string tap_name(std::string_view stage, Numbers... numbers) {
  std::string name(stage);
  ((name += '.', name += std::to_string(numbers)), ...);
  return name;
}

/// Shows activation h to the tap under the name tap_name(stage, numbers...).
template <class Tap, Value X, class... Numbers>
void touch(Tap& tap, const X& h, std::string_view stage, Numbers... numbers) {
  if constexpr (!untapped<Tap>) tap(std::string_view(tap_name(stage, numbers...)), value_of(h));
}

#ifdef FOGLIFT_COMPILED
// A network of scalars T, and its calls without a tap.
#define FOGLIFT_NN_NETWORK(linkage, T, ...)                                                    \
  linkage class __VA_ARGS__;                                                                   \
  linkage Tensor<T> __VA_ARGS__::operator()(const Tensor<T>&, const Tensor<T>&,                \
                                            const Condition<T>&, NoTap&&) const;               \
  linkage Var<T> __VA_ARGS__::operator()(const Var<T>&, const Tensor<T>&, const Condition<T>&, \
                                         NoTap&&) const
#endif

}  // namespace nn
}  // namespace v0
}  // namespace foglift
