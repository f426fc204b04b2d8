#pragma once

#include "foglift/autograd/parameter.hpp"

#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

namespace foglift {
inline namespace v0 {

/// Something with parameters: a struct with `static void each(auto& self, auto&& f)` that calls
/// f(name, child) once for every child, which is a Parameter, another such struct, or a std::vector
/// or std::optional of those. See nn::Module.
template <class M>
concept HasParameters = requires(M& m) {
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

/// f(dotted name, Parameter&), or f(Parameter&) for Nameless, for every parameter of the child of
/// that name, in the order `each` names them.
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
    static_assert(HasParameters<Child>,
                  "each() must name parameters, modules, or vectors and optionals of those");
    C::each(child,
            [&](const char* key, auto& grandchild) { visit(below(name, key), grandchild, f); });
  }
}
}  // namespace detail

}  // namespace v0
}  // namespace foglift
