#pragma once

#include "foglift/kernels/pointwise/elementwise.hpp"
#include "foglift/nn/forgotten.hpp"
#include "foglift/nn/module.hpp"
#include "foglift/train/ema.hpp"
#include "foglift/train/gradient_blocks.hpp"
#include "foglift/train/pieces.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace foglift::inline v0::train {

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
  { std::string(O::name) };
  { O::moments[0] } -> std::convertible_to<std::string>;
};

namespace detail {
/// True if none of n elements is infinite or NaN.
template <Scalar T>
bool all_finite(const T* x, Index n) {
  using L = kernels::Lanes<T>;
  L zero[4] = {T(0), T(0), T(0), T(0)};  // 0 x is NaN for what is not finite, and stays
  Index i = 0;
  for (; i + 4 * L::count <= n; i += 4 * L::count)
    for (Index k = 0; k < 4; ++k) zero[k] = fma(L::load(x + i + k * L::count), L(0), zero[k]);
  for (; i < n; i += L::count)
    zero[0] = fma(L::load(x + i, std::min(L::count, n - i), T(0)), L(0), zero[0]);
  const L all = (zero[0] + zero[1]) + (zero[2] + zero[3]);
  return fold_lanes(all, [](auto a, auto b) { return a + b; }) == 0;
}
}  // namespace detail

/// True if no element is infinite or NaN.
template <Scalar T>
bool all_finite(const Tensor<T>& x) {
  std::atomic<bool> finite = true;
  kernels::for_blocks(x.size(), [&](Index first, Index n) {
    if (!detail::all_finite(x.data() + first, n)) finite.store(false, std::memory_order_relaxed);
  });
  return finite;
}

namespace detail {
/// Throws ArgumentError if there are gradients of parameters that none of the models names.
template <class T>
void refuse_forgotten(const std::string& where, const Gradients<T>& grads,
                      std::initializer_list<ModelView> models) {
  std::size_t found = 0;
  for (const ModelView& model : models)
    model.each_parameter([&]<class U>(const ModelPath&, const Parameter<U>& p) {
      if constexpr (std::is_same_v<T, U>) found += grads.find(p) != nullptr;
    });
  if (found == grads.parameters()) return;
  std::vector<const void*> named;
  for (const ModelView& model : models)
    model.each_parameter([&](const ModelPath&, const auto& p) { named.push_back(&p.value); });
  std::sort(named.begin(), named.end(), std::less<const void*>());
  std::vector<nn::detail::Forgotten> forgotten;
  grads.for_each_parameter([&](const Tensor<T>& value, const Tensor<T>&) {
    if (!nn::detail::contains(named, &value)) forgotten.push_back({&value, value.shape()});
  });
  if (!forgotten.empty())
    raise<ArgumentError>(where, ": gradients reach ",
                         nn::detail::describe(std::move(forgotten), *models.begin()),
                         ". Name every child; parts that are not trained are frozen "
                         "(Tape::freeze), and optimizers of several models share the gradients of "
                         "one loss (train::share)");
}
}  // namespace detail

/// Says that the gradients of one loss are trained by several optimizers, each with its own of
/// these models, or that only some of the models are trained:
///
///   auto grads = tape.backward(loss);
///   train::share(grads, net, encoder);
///   adam.step(net, grads), slow.step(encoder, grads);
///
/// Without it gradients of parameters that a model does not name are an error. Throws ArgumentError
/// if there are some that none of the models names.
template <Scalar T, nn::Module... M>
void share(Gradients<T>& grads, const M&... models) {
  static_assert(sizeof...(M) > 0);
  detail::refuse_forgotten("share", grads, {models...});
  grads.mark_shared();
}

/// Throws ShapeError if a gradient has another shape than its parameter, NumericError if it holds
/// an infinity or NaN, naming the first such parameter, and ArgumentError if the gradients are
/// those of another model, or reach parameters that the model's each() does not name (see share and
/// Tape::freeze), or if the model has a parameter of another element type than T.
template <Scalar T>
void check_gradients(const std::string& where, const ModelView& model, const Gradients<T>& grads) {
  std::size_t named = 0;
  bool shaped = true;
  model.each_parameter([&](const ModelPath&, const Parameter<T>& p) {
    const Tensor<T>* g = grads.find(p);
    if (!g) return;
    ++named;
    shaped = shaped && g->shape() == p.value.shape();
  });
  if (grads.size() == 0)
    raise<ArgumentError>(where, ": no gradients; the loss depends on no parameter");
  if (named == 0)
    raise<ArgumentError>(where, ": none of the ", grads.size(),
                         " gradients belongs to this model; gradients of a copy do not count");
  if (named != grads.parameters() && !grads.shared())
    detail::refuse_forgotten(where, grads, {model});
  std::atomic<bool> finite = true;
  detail::GradientBlocks<const T>(model, grads).for_each([&](const auto& block, Index) {
    if (!detail::all_finite(block.values, block.size))
      finite.store(false, std::memory_order_relaxed);
  });
  if (shaped && finite) return;
  model.each_parameter([&](const ModelPath& path, const Parameter<T>& p) {
    const Tensor<T>* g = grads.find(p);
    if (!g) return;
    if (g->shape() != p.value.shape())
      raise<ShapeError>(where, ": gradient ", g->shape(), " for '", path.name(), "' of shape ",
                        p.value.shape());
    if (!all_finite(*g))
      raise<NumericError>(where, ": the gradient of '", path.name(), "' is not finite");
  });
}

namespace detail {

/// Slots for every parameter of the model, or a check that the existing ones fit.
template <Scalar T>
void match_slots(const std::string& where, const ModelView& model, std::size_t moments,
                 std::vector<Slot<T>>& slots) {
  std::size_t count = 0;
  bool good = true;
  model.each_parameter([&](const ModelPath&, const Parameter<T>& p) {
    if (count < slots.size() && slots[count].updates > 0) {
      const Slot<T>& slot = slots[count];
      good = good && slot.moments.size() == moments;
      for (const Tensor<T>& moment : slot.moments) good = good && moment.shape() == p.value.shape();
    }
    ++count;
  });
  if (slots.empty()) slots.resize(count);
  if (slots.size() != count)
    raise<ShapeError>(where, ": moments of ", slots.size(), " parameters, the model has ", count);
  if (good) return;
  count = 0;
  model.each_parameter([&](const ModelPath& path, const Parameter<T>& p) {
    const Slot<T>& slot = slots[count++];
    if (slot.updates == 0) return;
    if (slot.moments.size() != moments)
      raise<ArgumentError>(where, ": ", slot.moments.size(), " moments for '", path.name(), "', ",
                           moments, " are needed");
    for (const Tensor<T>& moment : slot.moments)
      if (moment.shape() != p.value.shape())
        raise<ShapeError>(where, ": moment ", moment.shape(), " for '", path.name(), "' of shape ",
                          p.value.shape(), "; was the optimizer used with another model?");
  });
}

}  // namespace detail
}  // namespace foglift::inline v0::train
