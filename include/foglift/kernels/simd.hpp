#pragma once

#include "foglift/core/scalar.hpp"
#include "foglift/core/shape.hpp"

#include <cmath>
#include <limits>
#include <type_traits>

#include <Eigen/Core>

#if defined(__SSE__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace foglift {
inline namespace v0 {
namespace kernels {

#pragma GCC diagnostic push
#if !defined(__clang__)  // g++ 12 warns of what its own AVX-512 header has inlined here
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

namespace detail {
#if defined(__AVX512F__)
inline __m512 sqrt_instruction(__m512 x) { return _mm512_sqrt_ps(x); }
#elif defined(__AVX__)
inline __m256 sqrt_instruction(__m256 x) { return _mm256_sqrt_ps(x); }
#elif defined(__SSE__)
inline __m128 sqrt_instruction(__m128 x) { return _mm_sqrt_ps(x); }
#elif defined(__aarch64__)
inline float32x4_t sqrt_instruction(float32x4_t x) { return vsqrtq_f32(x); }
#endif
inline float sqrt_instruction(float x) { return std::sqrt(x); }
inline double sqrt_instruction(double x) { return std::sqrt(x); }
}  // namespace detail

/// As many floats as the machine computes at once, or one double: double serves oracles and
/// gradient checks, where the standard library's accuracy counts more than speed. Formulas written
/// on Lanes give the same bits in every lane, so that an element's result depends neither on its
/// place nor on its neighbours. Without vector instructions a Lanes<float> is one float.
template <Scalar T>
struct Lanes {
  using Packet =
      typename std::conditional_t<std::is_same_v<T, float>, Eigen::internal::packet_traits<float>,
                                  std::type_identity<T>>::type;
  static constexpr Index count = static_cast<Index>(sizeof(Packet) / sizeof(T));

  Packet v;

  Lanes() = default;
  Lanes(T s) : v(Eigen::internal::pset1<Packet>(s)) {}  // NOLINT: constants stand in formulas

  static Lanes load(const T* x) { return make(Eigen::internal::ploadu<Packet>(x)); }
  void store(T* y) const { Eigen::internal::pstoreu(y, v); }

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

  friend Lanes operator+(Lanes a, Lanes b) { return make(Eigen::internal::padd(a.v, b.v)); }
  friend Lanes operator-(Lanes a, Lanes b) { return make(Eigen::internal::psub(a.v, b.v)); }
  friend Lanes operator*(Lanes a, Lanes b) { return make(Eigen::internal::pmul(a.v, b.v)); }
  friend Lanes operator/(Lanes a, Lanes b) { return make(Eigen::internal::pdiv(a.v, b.v)); }
  friend Lanes operator-(Lanes a) { return make(Eigen::internal::pnegate(a.v)); }
  /// a * b + c, rounded once where the machine can.
  friend Lanes fma(Lanes a, Lanes b, Lanes c) {
    return make(Eigen::internal::pmadd(a.v, b.v, c.v));
  }
  /// Rounded correctly, by one instruction where the machine has it: Eigen's psqrt is an estimate
  /// with corrections, and std::sqrt in a loop may set errno.
  friend Lanes sqrt(Lanes a) {
    if constexpr (requires { detail::sqrt_instruction(a.v); }) {
      return make(detail::sqrt_instruction(a.v));
    } else {
      T lane[std::size_t{count}];
      a.store(lane);
      for (T& s : lane) s = std::sqrt(s);
      return load(lane);
    }
  }
  friend Lanes abs(Lanes a) { return make(Eigen::internal::pabs(a.v)); }
  /// NaN in `a` stays.
  friend Lanes min(Lanes a, Lanes b) { return make(Eigen::internal::pmin(a.v, b.v)); }
  friend Lanes max(Lanes a, Lanes b) { return make(Eigen::internal::pmax(a.v, b.v)); }
  /// a < b ? yes : no, lane by lane.
  friend Lanes where_less(Lanes a, Lanes b, Lanes yes, Lanes no) {
    // The compilers' own comparison: Eigen's takes a mask register to a vector and back.
    return make(a.v < b.v ? yes.v : no.v);
  }
};
#pragma GCC diagnostic pop

/// f applied to each lane: for functions without a vector formula.
template <Scalar T, class F>
Lanes<T> each_lane(Lanes<T> x, const F& f) {
  T lane[std::size_t{Lanes<T>::count}];
  x.store(lane);
  for (T& s : lane) s = f(s);
  return Lanes<T>::load(lane);
}

/// The lanes combined by f(a, b) in a fixed binary tree.
template <Scalar T, class F>
T fold_lanes(Lanes<T> x, const F& f) {
  T lane[std::size_t{Lanes<T>::count}];
  x.store(lane);
  for (Index n = Lanes<T>::count / 2; n > 0; n /= 2)
    for (Index i = 0; i < n; ++i) lane[i] = f(lane[i], lane[i + n]);
  return lane[0];
}

}  // namespace kernels
}  // namespace v0
}  // namespace foglift
