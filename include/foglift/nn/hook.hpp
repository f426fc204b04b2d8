#pragma once

#include "foglift/autograd/value.hpp"
#include "foglift/core/error.hpp"
#include "foglift/core/shape.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace foglift::inline v0::nn {

/// Where in a network a hook is asked. Hooks may take it as a name alone, as std::string_view.
struct Place {
  /// Of a block, "up.0.1", or of an attention in it, "up.0.1.self" and "up.0.1.cross".
  std::string name;
  /// Extents of space, {length} or {height, width}; of tokens [B, N, width] the last grid.size()
  /// are its positions. Empty where there is no space.
  Shape grid;

  operator std::string_view() const { return name; }  // NOLINT: implicit
};

/// The names of a network's places, each in the order of the forward pass.
struct Places {
  const char* network;
  std::vector<std::string> blocks;  ///< the first is where the input enters, and is never skipped
  std::vector<std::string> attention;  ///< self- and cross-attention
};

/// Whether the place is one of those named.
inline bool named(const std::vector<std::string>& names, std::string_view at) {
  return std::find(names.begin(), names.end(), at) != names.end();
}

/// Throws ArgumentError for names that are not among `known`.
inline void check_places(const char* where, const Places& places,
                         const std::vector<std::string>& names,
                         const std::vector<std::string>& known) {
  for (const std::string& name : names)
    if (!named(known, name))
      raise<ArgumentError>(where, ": no '", name, "' in this ", places.network);
}

/// A hook reads and changes what one call of a network computes. It is a struct with any of these
/// members; what it lacks costs nothing, not even the name of the place. X is what the network is
/// called with, Tensor or Var: gradients flow through what is read and what is put in its place.
///
///   block(place, const X& h)           the output of each block
///   queries(place, const X& q)         of an attention, heads side by side: [B, N, width]
///   keys, values(place, const X& k)    [B, M, width]
///   weights(place, const X& w)         the softmax [B, heads, N, M]; asked only where
///   bool needs_weights(place)          says so, or at every attention if there is no such member
///   attend(place, const X& q, k, v)    what attention makes of them, [B, N, width], std::optional
///   bool skip(place)                   leaves out the branches of a block
///   bool done()                        after each block; true: the rest is not run, and the call
///                                      returns zeros
///   start(const Places&)               at the beginning of each call, to check names
///
/// What block, queries, keys, values and weights return, an X or a std::optional<X> with something
/// in it, takes the place of what they were shown and must be of its shape; void only reads. A
/// member that can not be called with the network's X does not compile.
///
///   struct Halve {  // the attention of the block "middle" to the condition sequence
///     template <foglift::Value X>
///     std::optional<X> weights(std::string_view name, const X& w) const {
///       if (name != "middle.cross") return std::nullopt;
///       return w * foglift::scalar_of<X>(0.5);
///     }
///   };
///
/// A hook with `static constexpr bool alike = true` treats every sample alike and remembers
/// nothing: it may be asked about parts of a batch, by several threads. Others see whole batches.
/// A block whose attention is hooked is not checkpointed.
struct NoHook {
  static constexpr bool alike = true;
};

namespace detail {

/// `&MixedHook<H>::block` is ambiguous, thus no expression, exactly if H has a member `block`.
struct HookMembers {
  int block, queries, keys, values, weights, attend, skip, done, start;
};
template <class H>
struct MixedHook : H, HookMembers {};

template <class H>
inline constexpr bool alike = false;
template <class H>
  requires requires { H::alike; }
inline constexpr bool alike<H> = H::alike;

template <class H, class X>
concept HooksBlock = requires(H& h, const Place& at, const X& x) { h.block(at, x); };
template <class H, class X>
concept HooksQueries = requires(H& h, const Place& at, const X& x) { h.queries(at, x); };
template <class H, class X>
concept HooksKeys = requires(H& h, const Place& at, const X& x) { h.keys(at, x); };
template <class H, class X>
concept HooksValues = requires(H& h, const Place& at, const X& x) { h.values(at, x); };
template <class H, class X>
concept HooksWeights = requires(H& h, const Place& at, const X& x) { h.weights(at, x); };
template <class H, class X>
concept HooksAttend = requires(H& h, const Place& at, const X& x) { h.attend(at, x, x, x); };
template <class H>
concept HooksSkip = requires(H& h, const Place& at) { h.skip(at); };
template <class H>
concept HooksDone = requires(H& h) { h.done(); };
template <class H>
concept HooksStart = requires(H& h, const Places& places) { h.start(places); };

/// What f() returns to take the place of an X: nothing where it returns void.
template <Value X, class F>
std::optional<X> answer(const F& f) {
  using Answer = std::invoke_result_t<F>;
  if constexpr (std::is_void_v<Answer>) {
    f();
    return std::nullopt;
  } else {
    static_assert(std::is_convertible_v<Answer, std::optional<X>>,
                  "hook: block, queries, keys, values and weights return nothing, an X or a "
                  "std::optional<X>, X being what the network is called with");
    return f();
  }
}
/// Lets what f() returns take the place of x; true if it did.
template <Value X, class F>
bool replace(X& x, const Place& at, const F& f) {
  std::optional<X> y = answer<X>(f);
  if (!y) return false;
  if (y->shape() != x.shape())
    raise<ShapeError>("hook: returned ", y->shape(), " at ", at.name, " in the place of ",
                      x.shape(), "; the same shape is needed");
  x = std::move(*y);
  return true;
}
/// Whether the hook wants the weights of an attention.
template <class H>
bool needs_weights(H& hook, const Place& at) {
  if constexpr (requires { hook.needs_weights(at); })
    return hook.needs_weights(at);
  else
    return !requires { &MixedHook<std::remove_cv_t<H>>::weights; };
}
}  // namespace detail

/// A hook at one place of a network, as blocks and layers are given it.
template <class H = NoHook>
class HookAt {
 public:
  /// Whether the hook has a word in attention.
  template <class X>
  static constexpr bool attends =
      detail::HooksQueries<H, X> || detail::HooksKeys<H, X> || detail::HooksValues<H, X> ||
      detail::HooksWeights<H, X> || detail::HooksAttend<H, X>;

  HookAt(H& hook, Place place) : hook_(&hook), place_(std::move(place)) {}

  /// A part of this block, "self" or "cross".
  HookAt part(const char* name) const { return {*hook_, {place_.name + '.' + name, place_.grid}}; }

  bool skip() const {
    if constexpr (detail::HooksSkip<H>) return hook_->skip(place_);
    return false;
  }
  bool done() const {
    if constexpr (detail::HooksDone<H>) return hook_->done();
    return false;
  }
  template <Value X>
  void block(X& h) const {
    if constexpr (detail::HooksBlock<H, X>)
      detail::replace(h, place_, [&] { return hook_->block(place_, std::as_const(h)); });
  }
  template <Value X>
  void queries(X& q) const {
    if constexpr (detail::HooksQueries<H, X>)
      detail::replace(q, place_, [&] { return hook_->queries(place_, std::as_const(q)); });
  }
  template <Value X>
  void keys(X& k) const {
    if constexpr (detail::HooksKeys<H, X>)
      detail::replace(k, place_, [&] { return hook_->keys(place_, std::as_const(k)); });
  }
  template <Value X>
  void values(X& v) const {
    if constexpr (detail::HooksValues<H, X>)
      detail::replace(v, place_, [&] { return hook_->values(place_, std::as_const(v)); });
  }
  bool needs_weights() const { return detail::needs_weights(*hook_, place_); }
  /// True if the weights were replaced.
  template <Value X>
  bool weights(X& w) const {
    if constexpr (detail::HooksWeights<H, X>)
      return detail::replace(w, place_, [&] { return hook_->weights(place_, std::as_const(w)); });
    return false;
  }
  template <Value X>
  std::optional<X> attend(const X& q, const X& k, const X& v) const {
    if constexpr (detail::HooksAttend<H, X>) return hook_->attend(place_, q, k, v);
    return std::nullopt;
  }

  /// Refuses, when compiled, members that can not be called with an X.
  template <Value X>
  static constexpr void check() {
    if constexpr (requires { H::template check<X>(); }) {
      H::template check<X>();
    } else {
      static_assert(!std::is_final_v<H>, "hook: a final class can not be asked for its members");
      using Mixed = detail::MixedHook<std::remove_cv_t<H>>;
      constexpr bool asked = std::is_same_v<std::remove_cv_t<H>, NoHook> || !requires {
        &Mixed::block, &Mixed::queries, &Mixed::keys, &Mixed::values, &Mixed::weights,
            &Mixed::attend, &Mixed::skip, &Mixed::done;
      };
      static_assert(asked,
                    "hook: has none of block, queries, keys, values, weights, attend, skip "
                    "and done, so nothing is asked of it");
      constexpr bool block = detail::HooksBlock<H, X> || requires { &Mixed::block; };
      constexpr bool queries = detail::HooksQueries<H, X> || requires { &Mixed::queries; };
      constexpr bool keys = detail::HooksKeys<H, X> || requires { &Mixed::keys; };
      constexpr bool values = detail::HooksValues<H, X> || requires { &Mixed::values; };
      constexpr bool weights = detail::HooksWeights<H, X> || requires { &Mixed::weights; };
      constexpr bool attend = detail::HooksAttend<H, X> || requires { &Mixed::attend; };
      constexpr bool skip = detail::HooksSkip<H> || requires { &Mixed::skip; };
      constexpr bool done = detail::HooksDone<H> || requires { &Mixed::done; };
      constexpr bool start = detail::HooksStart<H> || requires { &Mixed::start; };
      static_assert(block, "hook: block(std::string_view or nn::Place, const X&) is not callable");
      static_assert(queries,
                    "hook: queries(std::string_view or nn::Place, const X&) is not callable");
      static_assert(keys, "hook: keys(std::string_view or nn::Place, const X&) is not callable");
      static_assert(values,
                    "hook: values(std::string_view or nn::Place, const X&) is not callable");
      static_assert(weights,
                    "hook: weights(std::string_view or nn::Place, const X&) is not callable");
      static_assert(attend, "hook: attend(nn::Place, q, k, v) of three const X& is not callable");
      static_assert(skip && done && start,
                    "hook: skip(nn::Place), done() or start(nn::Places) is not callable");
    }
  }

 private:
  H* hook_;
  Place place_;
};

/// Nothing: no name is built and no call is made.
template <>
class HookAt<NoHook> {
 public:
  template <class X>
  static constexpr bool attends = false;
  HookAt part(const char*) const { return {}; }
  static constexpr bool skip() { return false; }
  static constexpr bool done() { return false; }
  template <Value X>
  static void block(X&) {}
  template <Value X>
  static constexpr void check() {}
};

}  // namespace foglift::inline v0::nn
