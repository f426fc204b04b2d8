#pragma once

#include "foglift/kernels/pointwise/elementwise.hpp"

#include <cmath>
#include <limits>

namespace foglift::inline v0::kernels {

/// Folds f(lanes...) over n elements into `start`; elements beyond n count as `rest`.
template <Scalar T, class F>
Lanes<T> accumulate_lanes(Index n, const T* x, Lanes<T> start, T rest, const F& f) {
  constexpr Index step = Lanes<T>::count;
  Index i = 0;
  for (; i + step <= n; i += step) start = f(start, Lanes<T>::load(x + i));
  return i < n ? f(start, Lanes<T>::load(x + i, n - i, rest)) : start;
}

/// The largest of n elements, -infinity if there are none; elements that are not a number may or
/// may not count.
template <Scalar T>
T largest(Index n, const T* x) {
  constexpr T lowest = -std::numeric_limits<T>::infinity();
  const Lanes<T> m = accumulate_lanes<T>(n, x, Lanes<T>(lowest), lowest,
                                         [](Lanes<T> a, Lanes<T> b) { return max(b, a); });
  return fold_lanes(m, [](auto a, auto b) { return max(a, b); });
}

/// The sum of e^(x - shift) over n elements, lane by lane and then in a fixed tree.
template <Scalar T>
T sum_of_exp(Index n, const T* x, T shift) {
  const Lanes<T> s =
      accumulate_lanes<T>(n, x, Lanes<T>(0), -std::numeric_limits<T>::infinity(),
                          [shift](Lanes<T> a, Lanes<T> v) { return a + exp(v - Lanes<T>(shift)); });
  return fold_lanes(s, [](auto a, auto b) { return a + b; });
}

/// y = e^x / sum(e^x) of one row of n elements, shifted by the largest so that nothing overflows. A
/// row of -infinity alone gives zeros. y may be x.
template <Scalar T>
void softmax_row(Index n, const T* x, T* y) {
  const T shift = largest(n, x);
  if (shift == -std::numeric_limits<T>::infinity()) {
    for (Index i = 0; i < n; ++i) y[i] = x[i] < 0 ? T(0) : x[i];  // not a number stays
    return;
  }
  map(n, y, [shift](Lanes<T> v) { return exp(v - Lanes<T>(shift)); }, x);
  const Lanes<T> s =
      accumulate_lanes<T>(n, y, Lanes<T>(0), T(0), [](Lanes<T> a, Lanes<T> v) { return a + v; });
  const T scale = T(1) / fold_lanes(s, [](auto a, auto b) { return a + b; });
  map(n, y, [scale](Lanes<T> v) { return v * Lanes<T>(scale); }, y);
}

/// y = x - log(sum(e^x)) of one row. A row of -infinity alone stays -infinity.
template <Scalar T>
void log_softmax_row(Index n, const T* x, T* y) {
  const T shift = largest(n, x);
  if (shift == -std::numeric_limits<T>::infinity()) {
    std::copy_n(x, n, y);
    return;
  }
  const T log_sum = std::log(sum_of_exp(n, x, shift));
  map(n, y, [shift, log_sum](Lanes<T> v) { return v - Lanes<T>(shift) - Lanes<T>(log_sum); }, x);
}

/// <a, b> over one row, lane by lane and then in a fixed tree.
template <Scalar T>
T dot_row(Index n, const T* a, const T* b) {
  constexpr Index step = Lanes<T>::count;
  Lanes<T> s(T(0));
  Index i = 0;
  for (; i + step <= n; i += step) s = fma(Lanes<T>::load(a + i), Lanes<T>::load(b + i), s);
  if (i < n) s = fma(Lanes<T>::load(a + i, n - i, T(0)), Lanes<T>::load(b + i, n - i, T(0)), s);
  return fold_lanes(s, [](auto u, auto v) { return u + v; });
}

/// dx = y (dy - <y, dy>) of one row, y being the softmax.
template <Scalar T>
void softmax_row_backward(Index n, const T* y, const T* dy, T* dx) {
  const T mean = dot_row(n, y, dy);
  map(n, dx, [mean](Lanes<T> v, Lanes<T> d) { return v * (d - Lanes<T>(mean)); }, y, dy);
}

/// dx = dy - e^y sum(dy) of one row, y being the log of the softmax.
template <Scalar T>
void log_softmax_row_backward(Index n, const T* y, const T* dy, T* dx) {
  const Lanes<T> lanes =
      accumulate_lanes<T>(n, dy, Lanes<T>(0), T(0), [](Lanes<T> a, Lanes<T> v) { return a + v; });
  const T total = fold_lanes(lanes, [](auto a, auto b) { return a + b; });
  map(n, dx, [total](Lanes<T> v, Lanes<T> d) { return d - exp(v) * Lanes<T>(total); }, y, dy);
}

}  // namespace foglift::inline v0::kernels
