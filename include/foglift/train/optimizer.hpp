#pragma once

#include "foglift/core/parallel.hpp"
#include "foglift/nn/module.hpp"

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace foglift {
inline namespace v0 {
namespace train {

/// What an optimizer remembers of one parameter: its moments (none before the first update) and
/// how many updates it has seen.
template <Scalar T>
struct Slot {
  std::vector<Tensor<T>> moments;
  std::uint64_t updates = 0;
};

/// A rule that moves the parameters of a model against their gradients. A value: `slots` is all it
/// remembers, one Slot a parameter in the order of visiting (addresses change when a model moves),
/// and a copy of the optimizer continues alike. `name` and `moments` name the slots in a file.
template <class O>
concept Optimizer = std::copyable<O> && requires(O& rule, const O& fixed) {
  typename O::value_type;
  { fixed.learning_rate() } -> std::convertible_to<double>;
  { rule.slots } -> std::same_as<std::vector<Slot<typename O::value_type>>&>;
  {std::string(O::name)};
  { O::moments[0] } -> std::convertible_to<std::string>;
};

/// True if no element is infinite or NaN.
template <Scalar T>
bool all_finite(const Tensor<T>& x) {
  bool finite = true;
  for (const T v : x) finite &= std::abs(v) <= std::numeric_limits<T>::max();
  return finite;
}

/// Throws ShapeError if a gradient has another shape than its parameter, NumericError if it holds
/// an infinity or NaN, naming the first such parameter, and ArgumentError if the gradients are
/// those of another model.
template <nn::Module M, Scalar T>
void check_gradients(const std::string& where, const M& model, const Gradients<T>& grads) {
  bool any = false;
  nn::for_each_parameter(model, [&](const std::string& name, const Parameter<T>& p) {
    const Tensor<T>* g = grads.find(p);
    if (!g) return;
    any = true;
    if (g->shape() != p.value.shape())
      raise<ShapeError>(where, ": gradient ", g->shape(), " for '", name, "' of shape ",
                        p.value.shape());
    if (!all_finite(*g)) raise<NumericError>(where, ": the gradient of '", name, "' is not finite");
  });
  if (!any)
    raise<ArgumentError>(where, ": none of the ", grads.size(),
                         " gradients belongs to this model; gradients of a copy do not count");
}

namespace detail {

/// Slots for every parameter of the model, or a check that the existing ones fit.
template <nn::Module M, Scalar T>
void match_slots(const std::string& where, const M& model, std::size_t moments,
                 std::vector<Slot<T>>& slots) {
  std::size_t count = 0;
  nn::for_each_parameter(model, [&](const std::string& name, const Parameter<T>& p) {
    if (count < slots.size() && slots[count].updates > 0) {
      const Slot<T>& slot = slots[count];
      if (slot.moments.size() != moments)
        raise<ArgumentError>(where, ": ", slot.moments.size(), " moments for '", name, "', ",
                             moments, " are needed");
      for (const Tensor<T>& moment : slot.moments)
        if (moment.shape() != p.value.shape())
          raise<ShapeError>(where, ": moment ", moment.shape(), " for '", name, "' of shape ",
                            p.value.shape(), "; was the optimizer used with another model?");
    }
    ++count;
  });
  if (slots.empty()) slots.resize(count);
  if (slots.size() != count)
    raise<ShapeError>(where, ": moments of ", slots.size(), " parameters, the model has ", count);
}

/// f(first, last) over fixed runs of [0, n), in parallel.
template <class F>
void for_each_run(Index n, const F& f) {
  constexpr Index run = 16384;  // 10 us of work: more than it costs to wake a worker
  parallel_for((n + run - 1) / run, 1, [&](Index i) { f(i * run, std::min(n, (i + 1) * run)); });
}

/// rule(weights, gradient, slot) for every parameter that has a gradient; all checks come first,
/// that of the learning rate too. A parameter without a gradient keeps its weights, moments and
/// count, as in PyTorch.
template <nn::Module M, Scalar T, class Rule>
void update(const std::string& where, M& model, const Gradients<T>& grads, double lr,
            std::size_t moments, std::vector<Slot<T>>& slots, const Rule& rule) {
  if (!(lr >= 0 && lr <= std::numeric_limits<double>::max()))
    raise<ArgumentError>(where, ": learning rate ", lr, ", needed >= 0 and finite");
  check_gradients(where, std::as_const(model), grads);
  match_slots(where, std::as_const(model), moments, slots);
  std::size_t at = 0;
  nn::for_each_parameter(model, [&](const std::string&, Parameter<T>& p) {
    Slot<T>& slot = slots[at++];
    const Tensor<T>* g = grads.find(p);
    if (!g) return;
    if (slot.updates == 0) slot.moments.assign(moments, Tensor<T>(p.value.shape()));
    ++slot.updates;
    rule(p.value, *g, slot);
  });
}

}  // namespace detail
}  // namespace train
}  // namespace v0
}  // namespace foglift
