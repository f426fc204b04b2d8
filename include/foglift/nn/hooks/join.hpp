#pragma once

#include "foglift/nn/hook.hpp"

#include <optional>
#include <type_traits>
#include <utility>

namespace foglift::inline v0::nn {
namespace hooks {

/// Two hooks as one: the second is shown what the first has put in place, a block is left out if
/// either says so, and the pass ends when either is done. A named hook is referred to, a temporary
/// kept. Joins may be joined.
template <class A, class B>
class Join {
  using F = std::remove_reference_t<A>;
  using S = std::remove_reference_t<B>;

 public:
  static constexpr bool alike = detail::alike<F> && detail::alike<S>;

  Join(A&& first, B&& second) : a_(std::forward<A>(first)), b_(std::forward<B>(second)) {}

  template <Value X>
  static constexpr void check() {
    HookAt<F>::template check<X>();
    HookAt<S>::template check<X>();
  }

  void start(const Places& places) {
    if constexpr (detail::HooksStart<F>) a_.start(places);
    if constexpr (detail::HooksStart<S>) b_.start(places);
  }
  template <Value X>
    requires(detail::HooksBlock<F, X> || detail::HooksBlock<S, X>)
  std::optional<X> block(const Place& at, const X& h) {
    return in_turn(h, [&]<class H>(H& hook, const X& x) {
      if constexpr (detail::HooksBlock<H, X>) return hook.block(at, x);
    });
  }
  template <Value X>
    requires(detail::HooksQueries<F, X> || detail::HooksQueries<S, X>)
  std::optional<X> queries(const Place& at, const X& q) {
    return in_turn(q, [&]<class H>(H& hook, const X& x) {
      if constexpr (detail::HooksQueries<H, X>) return hook.queries(at, x);
    });
  }
  template <Value X>
    requires(detail::HooksKeys<F, X> || detail::HooksKeys<S, X>)
  std::optional<X> keys(const Place& at, const X& k) {
    return in_turn(k, [&]<class H>(H& hook, const X& x) {
      if constexpr (detail::HooksKeys<H, X>) return hook.keys(at, x);
    });
  }
  template <Value X>
    requires(detail::HooksValues<F, X> || detail::HooksValues<S, X>)
  std::optional<X> values(const Place& at, const X& v) {
    return in_turn(v, [&]<class H>(H& hook, const X& x) {
      if constexpr (detail::HooksValues<H, X>) return hook.values(at, x);
    });
  }
  template <Value X>
    requires(detail::HooksWeights<F, X> || detail::HooksWeights<S, X>)
  std::optional<X> weights(const Place& at, const X& w) {
    return in_turn(w, [&]<class H>(H& hook, const X& x) {
      if constexpr (detail::HooksWeights<H, X>)
        return detail::needs_weights(hook, at)
                   ? detail::answer<X>([&] { return hook.weights(at, x); })
                   : std::nullopt;
    });
  }
  bool needs_weights(const Place& at) {
    return detail::needs_weights(a_, at) || detail::needs_weights(b_, at);
  }
  template <Value X>
    requires(detail::HooksAttend<F, X> || detail::HooksAttend<S, X>)
  std::optional<X> attend(const Place& at, const X& q, const X& k, const X& v) {
    std::optional<X> y;
    if constexpr (detail::HooksAttend<F, X>) y = a_.attend(at, q, k, v);
    if constexpr (detail::HooksAttend<S, X>)
      if (!y) y = b_.attend(at, q, k, v);
    return y;
  }
  bool skip(const Place& at) {
    bool skipped = false;
    if constexpr (detail::HooksSkip<F>) skipped = a_.skip(at);
    if constexpr (detail::HooksSkip<S>) skipped = skipped || b_.skip(at);
    return skipped;
  }
  bool done() {
    bool ended = false;
    if constexpr (detail::HooksDone<F>) ended = a_.done();
    if constexpr (detail::HooksDone<S>) ended = ended || b_.done();
    return ended;
  }

 private:
  /// What takes the place of x, if anything does: ask(hook, x) of the one hook, then of the other.
  template <Value X, class Ask>
  std::optional<X> in_turn(const X& x, const Ask& ask) {
    std::optional<X> y = detail::answer<X>([&] { return ask(a_, x); });
    std::optional<X> z = detail::answer<X>([&] { return ask(b_, y ? *y : x); });
    return z ? z : y;
  }

  A a_;
  B b_;
};
template <class A, class B>
Join(A&&, B&&) -> Join<A, B>;

}  // namespace hooks
}  // namespace foglift::inline v0::nn
