#pragma once

#include "foglift/core/state.hpp"

#include <concepts>
#include <type_traits>

#include <Eigen/Core>

namespace foglift::inline v0 {

namespace interop {
template <class T>
using RowMatrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class T>
using RowArray = Eigen::Array<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Extents of a tensor seen as rows of its last axis; a tensor of rank 0 is one element.
inline std::pair<Index, Index> rows_and_columns(const Shape& s) {
  const Index columns = s.rank() ? s[s.rank() - 1] : 1;
  return {s.size(0, s.rank() - 1), columns};
}

/// The memory of a tensor as a matrix or array M<T> of these extents, const where the tensor is.
template <template <class> class M, class X>
auto mapped(X& x) {
  using Plain = M<typename X::value_type>;
  const auto [rows, columns] = rows_and_columns(x.shape());
  return Eigen::Map<std::conditional_t<std::is_const_v<X>, const Plain, Plain>>(x.data(), rows,
                                                                                columns);
}

/// A Tensor<T>& or const Tensor<T>&: a temporary would be gone before its view.
template <class X, class Plain = std::remove_cvref_t<X>>
concept LastingTensor = std::is_lvalue_reference_v<X> && Scalar<typename Plain::value_type> &&
                        std::same_as<Plain, Tensor<typename Plain::value_type>>;
}  // namespace interop

/// The tensor's own memory as an Eigen matrix [product of the leading axes, last axis], row-major;
/// nothing is copied, and the tensor must outlive the view.
template <interop::LastingTensor X>
auto as_matrix(X&& x) {
  return interop::mapped<interop::RowMatrix>(x);
}

/// The same view as an Eigen array, for elementwise expressions.
template <interop::LastingTensor X>
auto as_array(X&& x) {
  return interop::mapped<interop::RowArray>(x);
}

/// Any Eigen matrix, array or expression of them as a tensor: [rows, columns], or [n] for what is a
/// vector at compile time.
template <class Derived>
  requires Scalar<typename Derived::Scalar>
Tensor<typename Derived::Scalar> to_tensor(const Eigen::DenseBase<Derived>& x) {
  using T = typename Derived::Scalar;
  auto out = Tensor<T>::uninitialized(Shape{x.rows(), x.cols()});
  Eigen::Map<interop::RowArray<T>>(out.data(), x.rows(), x.cols()) = x.derived().array();
  if constexpr (Derived::IsVectorAtCompileTime)
    return std::move(out).reshaped({x.size()});
  else
    return out;
}

namespace interop {
/// State of Eigen's plain types: a matrix or array is a batch of rows, a vector a batch of scalars.
template <class X>
struct EigenState {
  using scalar = typename X::Scalar;
  static Tensor<scalar> to_tensor(const X& x) {
    return foglift::to_tensor(static_cast<const Eigen::DenseBase<X>&>(x));
  }
  /// Throws ShapeError if the tensor is not of rank 2 (1 or 2 with one column or row for a vector),
  /// or has other extents than a fixed-size X.
  static X from_tensor(const Tensor<scalar>& t) {
    const Shape& s = t.shape();
    Index rows = s.rank() ? s[0] : 0, columns = s.rank() > 1 ? s[1] : 1;
    if (X::RowsAtCompileTime == 1 && s.rank() == 1) std::swap(rows, columns);
    const auto fits = [](int fixed, Index n) { return fixed == Eigen::Dynamic || fixed == n; };
    if (s.rank() > 2 || s.rank() < (X::IsVectorAtCompileTime ? 1 : 2) ||
        !fits(X::RowsAtCompileTime, rows) || !fits(X::ColsAtCompileTime, columns))
      raise<ShapeError>("from_tensor: shape ", s, " for an Eigen object of ",
                        int{X::RowsAtCompileTime}, " x ", int{X::ColsAtCompileTime},
                        " (-1: any number)");
    X out(rows, columns);
    out.array() = Eigen::Map<const RowArray<scalar>>(t.data(), rows, columns);
    return out;
  }
};
}  // namespace interop

template <Scalar T, int R, int C, int O, int MaxR, int MaxC>
struct StateTraits<Eigen::Array<T, R, C, O, MaxR, MaxC>>
    : interop::EigenState<Eigen::Array<T, R, C, O, MaxR, MaxC>> {};
template <Scalar T, int R, int C, int O, int MaxR, int MaxC>
struct StateTraits<Eigen::Matrix<T, R, C, O, MaxR, MaxC>>
    : interop::EigenState<Eigen::Matrix<T, R, C, O, MaxR, MaxC>> {};

}  // namespace foglift::inline v0
