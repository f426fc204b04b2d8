#pragma once

#include "foglift/nn/condition.hpp"
#include "foglift/nn/hook.hpp"
#include "foglift/nn/layers/dropout.hpp"

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace foglift::inline v0::nn {

namespace detail {
inline std::string spelled(const char* part) { return part; }
inline std::string spelled(std::integral auto number) { return std::to_string(number); }
}  // namespace detail

/// Parts of a place's name joined by dots: place_name("down", 0, 1) is "down.0.1".
template <class... Parts>
std::string place_name(std::string_view stage, Parts... parts) {
  std::string name(stage);
  ((name += '.', name += detail::spelled(parts)), ...);
  return name;
}

/// How a network is called, beside x, the time and the condition: with a hook, with dropout, or
/// both. Without noise (evaluation) nothing is dropped. A named hook is referred to, a temporary
/// kept.
///
///   nn::hooks::Record<Tensor<float>> seen({.blocks = {"layers.0"}});
///   net(x, time, {}, nn::Call(seen));
///   net(x, time, {}, nn::Call(nn::DropoutNoise{.rng = rng, .step = step}));
template <class H = NoHook>
class Call {
 public:
  using Hook = std::remove_reference_t<H>;
  static constexpr bool alike = detail::alike<Hook>;

  Call() = default;
  explicit Call(H&& hook) : hook_(std::forward<H>(hook)) {}
  explicit Call(std::optional<DropoutNoise> dropout) : dropout_(std::move(dropout)) {}
  Call(std::optional<DropoutNoise> dropout, H&& hook)
      : dropout_(std::move(dropout)), hook_(std::forward<H>(hook)) {}

  const std::optional<DropoutNoise>& dropout() const { return dropout_; }
  Hook& hook() const { return std::get<0>(hook_); }

  /// At the beginning of a call of `net`: tells the hook the network's places.
  template <Value X, class Net>
  void start(const char* name, const Net& net) const {
    HookAt<Hook>::template check<X>();
    if constexpr (detail::HooksStart<Hook>) {
      Places places{name, net.block_names(), {}};
      if constexpr (requires { net.attention_names(); }) places.attention = net.attention_names();
      hook().start(std::as_const(places));
    }
  }
  /// The hook at the block place_name(stage, numbers...), whose space is `grid`.
  template <class... Numbers>
  HookAt<Hook> at(const Shape& grid, std::string_view stage, Numbers... numbers) const {
    if constexpr (std::is_same_v<Hook, NoHook>)
      return {};
    else
      return {hook(), {place_name(stage, numbers...), grid}};
  }

 private:
  std::optional<DropoutNoise> dropout_;
  [[no_unique_address]] mutable std::tuple<H> hook_;  // of a reference too
};
template <class H>
Call(H&&) -> Call<H>;
template <class H>
Call(std::optional<DropoutNoise>, H&&) -> Call<H>;
Call(DropoutNoise) -> Call<>;
Call(std::optional<DropoutNoise>) -> Call<>;

/// A network that is always called so, for whatever calls it as net(x, time) or net(x, time,
/// condition): denoise.of(nn::WithCall(net, nn::Call(hook))) is a denoiser whose network is hooked,
/// and the loss of one with dropout trains with it.
/// A named network is referred to, a temporary kept.
template <class Net, class H>
class WithCall {
  using Network = std::remove_cvref_t<Net>;

 public:
  using condition_type = typename Network::condition_type;

  WithCall(Net&& net, Call<H> call) : net_(std::forward<Net>(net)), call_(std::move(call)) {}

  template <Value X, class C = scalar_of<X>>
  X operator()(const X& x, const Tensor<scalar_of<X>>& time,
               const Condition<C>& condition = {}) const {
    return net_(x, time, condition, call_);
  }
  /// f(network) for what PackedWeights looks into.
  template <class F>
  void each_part(const F& f) const {
    f(net_);
  }
  /// The same for some samples of a batch, see diffusion's Rows. Throws ArgumentError for dropout,
  /// whose noise belongs to samples in a row.
  const WithCall& rows(const auto&) const
    requires(Call<H>::alike)
  {
    if (call_.dropout()) raise<ArgumentError>("WithCall: some rows of a call with dropout");
    return *this;
  }

 private:
  std::conditional_t<std::is_lvalue_reference_v<Net>, const Network&, Network> net_;
  Call<H> call_;
};
template <class Net, class H>
WithCall(Net&&, Call<H>) -> WithCall<Net, H>;

}  // namespace foglift::inline v0::nn
