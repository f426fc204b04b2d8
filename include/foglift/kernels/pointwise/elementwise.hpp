#pragma once

#include "foglift/core/parallel.hpp"
#include "foglift/kernels/pointwise/functions.hpp"

namespace foglift::inline v0::kernels {

/// y[i] = f(x[i]...) for n elements; f maps Lanes<T>... to Lanes<T>. The last elements pass through
/// the same formula in a padded packet, so an element's bits depend neither on n nor on its place
/// nor on the pointers' alignment. y may be one of the inputs. Serial.
template <Scalar T, class F, class... X>
void map(Index n, T* y, const F& f, const X*... x) {
  constexpr Index step = Lanes<T>::count;
  Index i = 0;
  for (; i + step <= n; i += step) f(Lanes<T>::load(x + i)...).store(y + i);
  if (i < n) f(Lanes<T>::load(x + i, n - i, T(0))...).store(y + i, n - i);
}

/// body(first, count) over blocks that cover [0, n), in parallel where n is large. For independent
/// elements only.
template <class Body>
void for_blocks(Index n, const Body& body) {
  constexpr Index block = 4096;  // one of three float streams fills a third of a 48 KB L1 cache
  const Index blocks = (n + block - 1) / block;
  parallel_for(blocks, grain_of(block), [&](Index b) {
    const Index first = b * block;
    body(first, std::min(block, n - first));
  });
}

/// body(row) for `rows` independent rows of `width` elements each, in parallel where there is
/// enough to do.
template <class Body>
void for_rows(Index rows, Index width, const Body& body) {
  parallel_for(rows, grain_of(width), body);
}

/// map over large arrays, in parallel.
template <Scalar T, class F, class... X>
void map_parallel(Index n, T* y, const F& f, const X*... x) {
  for_blocks(n, [&](Index first, Index count) { map(count, y + first, f, (x + first)...); });
}

/// y = f(x) for one of the functions with value and slope.
template <class F, Scalar T>
void apply(Index n, const T* x, T* y) {
  map_parallel(n, y, [](Lanes<T> v) { return F::value(v); }, x);
}

/// dx = dy f'(x).
template <class F, Scalar T>
void apply_backward(Index n, const T* x, const T* dy, T* dx) {
  map_parallel(n, dx, [](Lanes<T> v, Lanes<T> d) { return d * F::slope(v); }, x, dy);
}

}  // namespace foglift::inline v0::kernels
