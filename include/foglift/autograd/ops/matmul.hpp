#pragma once

#include "foglift/autograd/value.hpp"
#include "foglift/kernels/gemm/gemm.hpp"

namespace foglift::inline v0 {

namespace detail {

/// For each of `count` matrices: C [M, N] = A [M, K] B [K, N], all contiguous, with A, B or neither
/// given as its transpose.
template <Scalar T>
Tensor<T> batched_product(const Shape& shape, Index M, Index N, Index K, const Tensor<T>& a,
                          bool transpose_a, const Tensor<T>& b, bool transpose_b) {
  using namespace kernels;
  auto c = Tensor<T>::uninitialized(shape);
  const Index count = shape.size(0, shape.rank() - 2);
  parallel_for(count, kernels::detail::grain_for(M * N * K), [&](Index i) {
    const T *pa = a.data() + i * M * K, *pb = b.data() + i * K * N;
    gemm(M, N, K, transpose_a ? transposed(pa, M) : row_major(pa, K),
         transpose_b ? transposed(pb, K) : row_major(pb, N), c.data() + i * M * N, N);
  });
  return c;
}

}  // namespace detail

/// Matrix products over equal leading axes: a [..., M, K], b [..., K, N] -> [..., M, N].
/// Throws ShapeError where they do not fit.
template <Scalar T>
Tensor<T> matmul(const Tensor<T>& a, const Tensor<T>& b) {
  const int r = a.rank();
  if (r < 2 || b.rank() != r || a.dim(-1) != b.dim(-2) ||
      a.shape().slice(0, r - 2) != b.shape().slice(0, r - 2))
    raise<ShapeError>("matmul: ", a.shape(), " times ", b.shape(),
                      ", needed are [..., M, K] and [..., K, N] with equal leading axes");
  return detail::batched_product(a.shape().with(-1, b.dim(-1)), a.dim(-2), b.dim(-1), a.dim(-1), a,
                                 false, b, false);
}
template <Scalar T>
Var<T> matmul(const Var<T>& a, const Var<T>& b) {
  return a.tape().record(
      matmul(a.value(), b.value()), {a, b}, [a, b](const Tensor<T>& dy, const auto& grad) {
        const Index M = a.dim(-2), K = a.dim(-1), N = b.dim(-1);
        if (grad.needs(a))  // c = a b: da = dc b^T
          grad(a, detail::batched_product(a.shape(), M, K, N, dy, false, b.value(), true));
        if (grad.needs(b))  // db = a^T dc
          grad(b, detail::batched_product(b.shape(), K, N, M, a.value(), true, dy, false));
      });
}

#define FOGLIFT_OPS_MATMUL(linkage, X) linkage X matmul(const X&, const X&)
FOGLIFT_FOR_VALUES(FOGLIFT_OPS_MATMUL, extern template);

}  // namespace foglift::inline v0
