#pragma once

#include "foglift/nn/forgotten.hpp"
#include "foglift/nn/module.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace foglift::inline v0::nn {

// Names are PyTorch's in style ("blocks.0.norm1.weight"); layouts are channels last. To bring a
// PyTorch tensor into the layout of this library, permute its axes:
//   Linear.weight          [out, in]              -> [in, out]               (1, 0)
//   Conv1d.weight          [out, in, k]           -> [k, in, out]            (2, 1, 0)
//   Conv2d.weight          [out, in, kh, kw]      -> [kh, kw, in, out]       (2, 3, 1, 0)
//   GRU / LSTM weight_ih_l [gates * hidden, in]   -> [in, gates * hidden]    (1, 0)
//   GRU / LSTM weight_hh_l [gates * h, h]         -> [h, gates * h]          (1, 0)
// Biases, norm weights, embedding tables and position tables are the same on both sides.

namespace detail {
template <class M>
auto scalar_of_module() {
  if constexpr (requires { typename M::value_type; })
    return typename M::value_type{};
  else
    return float{};
}
}  // namespace detail

/// Element type of a module's parameters: its `value_type`, float where it names none.
template <Module M>
using module_scalar = decltype(detail::scalar_of_module<std::remove_const_t<M>>());

/// A tensor of a model under its dotted name; refers into the model.
template <Scalar T = float>
struct NamedTensor {
  std::string name;
  const Tensor<T>* tensor;
};

namespace detail {

template <Scalar T>
std::vector<NamedTensor<T>> state(const ModelView& model) {
  std::vector<NamedTensor<T>> result;
  model.each_parameter([&](const ModelPath& path, const Parameter<T>& p) {
    result.push_back({path.name(), &p.value});
  });
  return result;
}

template <Scalar T>
void load_state(const ModelRef& model,
                const std::function<const Tensor<T>*(const std::string& name)>& lookup,
                std::span<const std::string> names) {
  std::string problems;
  std::vector<std::string> known;
  for (const auto& [name, tensor] : state<T>(model)) {
    known.push_back(name);
    const Tensor<T>* found = lookup(name);
    if (!found)
      problems += "\n  missing: " + name + ' ' + to_string(tensor->shape());
    else if (found->shape() != tensor->shape())
      problems += "\n  shape: " + name + " is " + to_string(found->shape()) + ", the model needs " +
                  to_string(tensor->shape());
  }
  std::sort(known.begin(), known.end());
  for (const std::string& name : names)
    if (!std::binary_search(known.begin(), known.end(), name))
      problems += "\n  unexpected: " + name;
  if (!problems.empty())
    raise<ArgumentError>("load_state: the tensors do not fit the model", problems);
  model.each_parameter(
      [&](const ModelPath& path, Parameter<T>& p) { p.value = *lookup(path.name()); });
}

}  // namespace detail

/// Every parameter of a model under its dotted name, in the order of `each`. The result refers into
/// the model, which must outlive it. Throws ArgumentError if the model holds parameters that `each`
/// does not name (check_children).
template <Module M>
std::vector<NamedTensor<module_scalar<M>>> state(const M& model) {
  check_children(model);
  return detail::state<module_scalar<M>>(model);
}

/// Sets every parameter of `model` from lookup(name) -> const Tensor<T>*, nullptr where the source
/// has none. `names` lists what the source has. Throws ArgumentError, one line for each missing
/// name, unexpected name and wrong shape, before anything is changed, and if the model holds
/// parameters that `each` does not name (check_children).
template <Module M, class Lookup>
void load_state(M& model, const Lookup& lookup, std::span<const std::string> names) {
  check_children(std::as_const(model));
  detail::load_state<module_scalar<M>>(model, lookup, names);
}

/// Sets every parameter of `model` from tensors by name. Throws ArgumentError as above.
template <Module M>
void load_state(M& model, const std::map<std::string, Tensor<module_scalar<M>>>& tensors) {
  std::vector<std::string> names;
  for (const auto& entry : tensors) names.push_back(entry.first);
  load_state(
      model,
      [&](const std::string& name) {
        const auto it = tensors.find(name);
        return it == tensors.end() ? nullptr : &it->second;
      },
      names);
}

}  // namespace foglift::inline v0::nn
