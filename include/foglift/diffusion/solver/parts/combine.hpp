#pragma once

#include "foglift/diffusion/affine.hpp"

#include <array>
#include <cstddef>
#include <utility>

namespace foglift::inline v0::solver {

/// weight * tensor, in a linear combination. Weights are double and rounded once.
template <Scalar T>
struct Term {
  double weight = 0;
  const Tensor<T>* of = nullptr;
};

namespace detail {
template <std::size_t N, Scalar T>
void combine_rows(T keep, Tensor<T>& x, const Term<T>* terms) {
  const Index n = x.row_size();
  foglift::detail::for_rows(
      foglift::detail::batch_of(x), n,
      [&](Index b) {
        T* out = x.data() + b * n;
        std::array<T, N> w;
        std::array<const T*, N> y;
        for (std::size_t k = 0; k < N; ++k) {
          w[k] = static_cast<T>(terms[k].weight);
          y[k] = terms[k].of->data() + b * n;
        }
        for (Index i = 0; i < n; ++i) {
          T sum = keep * out[i];
          for (std::size_t k = 0; k < N; ++k) sum += w[k] * y[k][i];
          out[i] = sum;
        }
      },
      foglift::detail::least_linear);
}
}  // namespace detail

/// keep x + sum_k weight_k y_k in the memory of x, in one pass, summed in the order of the terms; a
/// term of weight 0 is not read, and may be nullptr. x [B, ...]. Throws ShapeError where a term has
/// another shape.
template <Scalar T, std::size_t N>
  requires(N >= 1 && N <= 6)
Tensor<T> combine(double keep, Tensor<T> x, const std::array<Term<T>, N>& terms) {
  std::array<Term<T>, N> used;
  std::size_t count = 0;
  for (const Term<T>& term : terms) {
    if (term.weight == 0) continue;
    foglift::detail::check_same_shape(x, *term.of, "combine");
    used[count++] = term;
  }
  const T a = static_cast<T>(keep);
  const Term<T>* const first = used.data();
  [&]<std::size_t... K>(std::index_sequence<K...>) {  // the one whose K is count
    ((K == count ? detail::combine_rows<K>(a, x, first) : void()), ...);
  }(std::make_index_sequence<N + 1>());
  return x;
}

}  // namespace foglift::inline v0::solver
