#pragma once

#include "foglift/core/parallel.hpp"
#include "foglift/core/tensor.hpp"

#include <algorithm>

namespace foglift {
inline namespace v0 {

/// Coefficients of a x + b y. They are computed in double and rounded once to the state's type.
struct Mix {
  double a = 0, b = 0;
};

namespace detail {

/// f(b) for every row b. Rows are whole samples, and no row's loop sees another's elements: a
/// sample's bits are the same in every batch. Rows of less than 16384 elements together stay in one
/// thread; waking another takes longer than they do.
template <class F>
void for_rows(Index rows, Index row_size, const F& f) {
  parallel_for(rows, 1 + 16384 / std::max<Index>(row_size, 1), f);
}

template <Scalar T>
Index batch_of(const Tensor<T>& x) {
  return x.rank() ? x.dim(0) : 1;
}

template <Scalar T>
void check_same_shape(const Tensor<T>& x, const Tensor<T>& y, const char* where) {
  if (x.shape() != y.shape())
    raise<ShapeError>(where, ": shapes ", x.shape(), " and ", y.shape(), " differ");
}

}  // namespace detail

/// a x + b y in the memory of x, with coefficients of(b) for each sample b of [B, ...].
template <Scalar T, class Coefficients>
requires requires(const Coefficients& of, Index b) { Mix(of(b)); }
Tensor<T> affine(Tensor<T> x, const Tensor<T>& y, const Coefficients& of) {
  detail::check_same_shape(x, y, "affine");
  const Index n = x.row_size();
  detail::for_rows(detail::batch_of(x), n, [&](Index row) {
    const Mix mix = of(row);
    const T a = static_cast<T>(mix.a), b = static_cast<T>(mix.b);
    T* out = x.data() + row * n;
    const T* in = y.data() + row * n;
    for (Index i = 0; i < n; ++i) out[i] = a * out[i] + b * in[i];
  });
  return x;
}

/// a x + b y in the memory of x.
template <Scalar T>
Tensor<T> affine(double a, Tensor<T> x, double b, const Tensor<T>& y) {
  return affine(std::move(x), y, [&](Index) { return Mix{a, b}; });
}

/// a x + b y + c z in the memory of x, in one pass.
template <Scalar T>
Tensor<T> affine(double a, Tensor<T> x, double b, const Tensor<T>& y, double c,
                 const Tensor<T>& z) {
  detail::check_same_shape(x, y, "affine");
  detail::check_same_shape(x, z, "affine");
  const Index n = x.row_size();
  const T ca = static_cast<T>(a), cb = static_cast<T>(b), cc = static_cast<T>(c);
  detail::for_rows(detail::batch_of(x), n, [&](Index row) {
    T* out = x.data() + row * n;
    const T *py = y.data() + row * n, *pz = z.data() + row * n;
    for (Index i = 0; i < n; ++i) out[i] = ca * out[i] + cb * py[i] + cc * pz[i];
  });
  return x;
}

}  // namespace v0
}  // namespace foglift
