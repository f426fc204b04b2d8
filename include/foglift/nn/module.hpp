#pragma once

#include "foglift/autograd/value.hpp"

#include <concepts>
#include <optional>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

namespace foglift {
inline namespace v0 {
namespace nn {

/// Something with parameters: a struct with `static void each(auto& self, auto&& f)` that calls
/// f(name, child) once for every child, which is a Parameter, another module, or a std::vector or
/// std::optional of those. Counting, optimizers, EMA, saving and the summary all follow from
/// `each`.
///
///   struct Linear {
///     Parameter<float> weight, bias;
///     static void each(auto& self, auto&& f) { f("weight", self.weight); f("bias", self.bias); }
///   };
template <class M>
concept Module = requires(M& m) {
  std::remove_const_t<M>::each(m, [](const char*, auto&) {});
};

namespace detail {
template <class C>
inline constexpr bool is_parameter = false;
template <class T>
inline constexpr bool is_parameter<Parameter<T>> = true;

/// A name that is not wanted.
struct Nameless {};
inline std::string below(const std::string& name, const char* key) {
  return name.empty() ? std::string(key) : name + '.' + key;
}
inline std::string below(const std::string& name, std::size_t i) {
  return name + '.' + std::to_string(i);
}
template <class Key>
Nameless below(Nameless, const Key&) {
  return {};
}

template <class Name, class Child, class F>
void visit(const Name& name, Child& child, F& f) {
  using C = std::remove_const_t<Child>;
  if constexpr (is_parameter<C>) {
    if constexpr (std::same_as<Name, Nameless>)
      f(child);
    else
      f(name, child);
  } else if constexpr (requires { child.has_value(); }) {
    if (child) visit(name, *child, f);
  } else if constexpr (requires {
                         child.size();
                         child[0];
                       }) {
    for (std::size_t i = 0; i < child.size(); ++i) visit(below(name, i), child[i], f);
  } else {
    static_assert(Module<Child>,
                  "each() must name parameters, modules, or vectors and optionals of those");
    C::each(child,
            [&](const char* key, auto& grandchild) { visit(below(name, key), grandchild, f); });
  }
}
}  // namespace detail

/// A Value of element type T: what a layer of T's accepts.
template <class X, class T>
concept ValueOf = Value<X> && std::same_as<scalar_of<X>, T>;

/// f(dotted name, Parameter&) for every parameter, in the order `each` names them:
/// "down.0.conv1.weight".
template <Module M, class F>
void for_each_parameter(M& model, F&& f) {
  detail::visit(std::string(), model, f);
}

/// f(Parameter&) for every parameter in the same order, without making up names: for loops that run
/// every step.
template <Module M, class F>
void for_each_unnamed(M& model, F&& f) {
  detail::visit(detail::Nameless(), model, f);
}

/// A shape as messages and tables print it: "[2, 3]".
inline std::string to_string(const Shape& shape) {
  std::ostringstream out;
  out << shape;
  return out.str();
}

/// Number of trainable scalars.
template <Module M>
Index parameter_count(const M& model) {
  Index n = 0;
  for_each_parameter(model, [&](const std::string&, const auto& p) { n += p.value.size(); });
  return n;
}

}  // namespace nn
}  // namespace v0
}  // namespace foglift
