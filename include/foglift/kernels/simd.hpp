#pragma once

#include "foglift/core/scalar.hpp"
#include "foglift/core/shape.hpp"
#include "foglift/kernels/packet.hpp"

#include <cmath>
#include <type_traits>
#include <utility>

namespace foglift::inline v0::kernels {

/// As many floats as the machine computes at once, or one double: double serves oracles and
/// gradient checks, where the standard library's accuracy counts more than speed. Formulas written
/// on Lanes give the same bits in every lane, so that an element's result depends neither on its
/// place nor on its neighbours.
template <Scalar T>
struct Lanes {
  static constexpr bool is_packet = std::is_same_v<T, float>;
  using Packet =
      typename std::conditional_t<is_packet, detail::PacketOf<T>, std::type_identity<T>>::type;
  static constexpr Index count = static_cast<Index>(sizeof(Packet) / sizeof(T));

  Packet v;

  Lanes() = default;
  Lanes(T s) : v(s - Packet{}) {}  // NOLINT: constants stand in formulas

  static Lanes load(const T* x) {
    Lanes r;
    std::memcpy(&r.v, x, sizeof r.v);
    return r;
  }
  void store(T* y) const { std::memcpy(y, &v, sizeof v); }

  /// The first n < count elements, with `rest` in the other lanes.
  static Lanes load(const T* x, Index n, T rest) {
    T lane[std::size_t{count}];
    for (Index i = 0; i < count; ++i) lane[i] = i < n ? x[i] : rest;
    return load(lane);
  }
  void store(T* y, Index n) const {
    T lane[std::size_t{count}];
    store(lane);
    for (Index i = 0; i < n; ++i) y[i] = lane[i];
  }

  static Lanes make(Packet p) {
    Lanes r;
    r.v = p;
    return r;
  }

  friend Lanes operator+(Lanes a, Lanes b) { return make(a.v + b.v); }
  friend Lanes operator-(Lanes a, Lanes b) { return make(a.v - b.v); }
  friend Lanes operator*(Lanes a, Lanes b) { return make(a.v * b.v); }
  friend Lanes operator/(Lanes a, Lanes b) { return make(a.v / b.v); }
  friend Lanes operator-(Lanes a) { return make(-a.v); }
  /// a * b + c, rounded once where the machine can.
  friend Lanes fma(Lanes a, Lanes b, Lanes c) {
    if constexpr (is_packet)
      return make(detail::multiply_add(a.v, b.v, c.v));
    else if constexpr (detail::fused_multiply_add)
      return make(std::fma(a.v, b.v, c.v));
    else
      return make(a.v * b.v + c.v);
  }
  /// Rounded correctly.
  friend Lanes sqrt(Lanes a) {
    if constexpr (is_packet)
      return make(detail::square_root(a.v));
    else
      return make(std::sqrt(a.v));
  }
  friend Lanes abs(Lanes a) {
    if constexpr (is_packet) {
      using Bits = decltype(a.v < a.v);
      return make(reinterpret_cast<Packet>(reinterpret_cast<Bits>(a.v) & 0x7fffffff));
    } else {
      return make(std::abs(a.v));
    }
  }
  /// NaN in `a` stays.
  friend Lanes min(Lanes a, Lanes b) { return make(b.v < a.v ? b.v : a.v); }
  friend Lanes max(Lanes a, Lanes b) { return make(a.v < b.v ? b.v : a.v); }
  /// a < b ? yes : no, lane by lane.
  friend Lanes where_less(Lanes a, Lanes b, Lanes yes, Lanes no) {
    return make(a.v < b.v ? yes.v : no.v);
  }
};

/// f applied to each lane: for functions without a vector formula.
template <Scalar T, class F>
Lanes<T> each_lane(Lanes<T> x, const F& f) {
  T lane[std::size_t{Lanes<T>::count}];
  x.store(lane);
  for (T& s : lane) s = f(s);
  return Lanes<T>::load(lane);
}

namespace detail {
/// Lane i of the result is lane i + By of x, around the end.
template <int By, Scalar T, int... Lane>
Packet<T> rotated(Packet<T> x, std::integer_sequence<int, Lane...>) {
  return __builtin_shufflevector(x, x, ((Lane + By) % int{sizeof...(Lane)})...);
}
}  // namespace detail

/// The lanes combined by f(a, b) of Lanes in a fixed binary tree: the upper half with the lower,
/// until one is left.
template <Scalar T, class F>
T fold_lanes(Lanes<T> x, const F& f) {
  if constexpr (Lanes<T>::is_packet) {
    constexpr int S = detail::lanes<T>;
    const auto halve = [&]<int By>(std::integral_constant<int, By>) {
      if constexpr (By < S)
        x = f(x, Lanes<T>::make(detail::rotated<By, T>(x.v, std::make_integer_sequence<int, S>{})));
    };
    halve(std::integral_constant<int, 8>{});
    halve(std::integral_constant<int, 4>{});
    halve(std::integral_constant<int, 2>{});
    halve(std::integral_constant<int, 1>{});
    return x.v[0];
  } else {
    return x.v;
  }
}

}  // namespace foglift::inline v0::kernels
