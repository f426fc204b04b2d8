#pragma once

#include "foglift/autograd/parameters.hpp"
#include "foglift/autograd/value.hpp"

#include <concepts>
#include <sstream>
#include <string>

namespace foglift::inline v0::nn {

/// Something with parameters: a struct with `static void each(auto& self, auto&& f)` that calls
/// f(name, child) once for every child, which is a Parameter, another module, or a std::vector or
/// std::optional of those. Counting, optimizers, EMA, saving and the summary all follow from
/// `each`; a child that it forgets is an error where gradients reach it, and where the model is
/// trained by train::fit or saved (see nn/forgotten.hpp).
///
///   struct Linear {
///     Parameter<float> weight, bias;
///     static void each(auto& self, auto&& f) { f("weight", self.weight); f("bias", self.bias); }
///   };
///
/// FOGLIFT_CHILDREN(weight, bias) is that `each`.
template <class M>
concept Module = HasParameters<M>;

/// What a layer, block or network says of itself: the Scalar of its parameters, and the Options
/// that it is made from, Linear<float>(Linear<float>::Options, Rng&).
template <Scalar T, class O>
struct Layer {
  using value_type = T;
  using Options = O;
};

/// A Value of element type T: what a layer of T's accepts.
template <class X, class T>
concept ValueOf = Value<X> && std::same_as<scalar_of<X>, T>;

/// f(dotted name, Parameter&) for every parameter, in the order `each` names them:
/// "down.0.conv1.weight".
template <Module M, class F>
void for_each_parameter(M& model, F&& f) {
  foglift::detail::visit(ModelPath(), model,
                         [&](const ModelPath& path, auto& p) { f(path.name(), p); });
}

/// f(Parameter&) for every parameter in the same order, without making up names: for loops that run
/// every step.
template <Module M, class F>
void for_each_unnamed(M& model, F&& f) {
  foglift::detail::visit(ModelPath(), model, [&](const ModelPath&, auto& p) { f(p); });
}

/// A shape as messages and tables print it: "[2, 3]".
inline std::string to_string(const Shape& shape) {
  std::ostringstream out;
  out << shape;
  return out.str();
}

/// Number of trainable scalars.
inline Index parameter_count(const ModelView& model) {
  Index n = 0;
  model.each_parameter([&](const ModelPath&, const auto& p) { n += p.value.size(); });
  return n;
}

}  // namespace foglift::inline v0::nn
