#pragma once

#include "foglift/autograd/value.hpp"
#include "foglift/kernels/layout.hpp"

#include <initializer_list>
#include <span>
#include <vector>

namespace foglift::inline v0 {
namespace detail {

/// The axis as an index from the front. Throws ArgumentError, naming `op`, outside the rank.
inline int checked_axis(const char* op, const Shape& shape, int axis) {
  const int a = axis < 0 ? axis + shape.rank() : axis;
  if (a < 0 || a >= shape.rank()) raise<ArgumentError>(op, ": axis ", axis, " of shape ", shape);
  return a;
}

/// Elements before and behind an axis.
inline Index outer_size(const Shape& s, int axis) { return s.size(0, axis); }
inline Index inner_size(const Shape& s, int axis) { return s.size(axis + 1, s.rank()); }

/// Elements [first, first + count) of an axis.
template <Scalar T>
Tensor<T> slice(const Tensor<T>& x, int axis, Index first, Index count) {
  auto y = Tensor<T>::uninitialized(x.shape().with(axis, count));
  if (y.empty()) return y;
  const Index inner = inner_size(x.shape(), axis), step = x.dim(axis) * inner;
  kernels::copy_runs(outer_size(x.shape(), axis), count * inner, x.data() + first * inner, step,
                     y.data(), count * inner);
  return y;
}

/// Writes x into elements [first, first + x.dim(axis)) of an axis of y.
template <Scalar T>
void put(const Tensor<T>& x, Tensor<T>& y, int axis, Index first) {
  if (x.empty()) return;
  const Index inner = inner_size(y.shape(), axis), step = y.dim(axis) * inner;
  const Index count = x.dim(axis) * inner;
  kernels::copy_runs(outer_size(y.shape(), axis), count, x.data(), count, y.data() + first * inner,
                     step);
}

template <Value X>
Tensor<scalar_of<X>> concat(std::span<const X> parts, int axis) {
  if (parts.empty()) raise<ArgumentError>("concat: no parts");
  const Shape& shape = parts[0].shape();
  const int a = checked_axis("concat", shape, axis);
  Index extent = 0;
  for (const X& part : parts) {
    if (part.rank() != shape.rank() || part.shape().with(a, shape[a]) != shape)
      raise<ShapeError>("concat: shapes ", shape, " and ", part.shape(), " differ outside of axis ",
                        a);
    extent += part.dim(a);
  }
  auto y = Tensor<scalar_of<X>>::uninitialized(shape.with(a, extent));
  Index first = 0;
  for (const X& part : parts) {
    put(value_of(part), y, a, first);
    first += part.dim(a);
  }
  return y;
}

}  // namespace detail

/// The parts one behind the other along an axis (negative: counted from the last). Throws
/// ShapeError if they differ in another axis, ArgumentError without parts or outside the rank.
template <Scalar T>
Tensor<T> concat(std::span<const Tensor<T>> parts, int axis) {
  return detail::concat(parts, axis);
}
template <Scalar T>
Var<T> concat(std::span<const Var<T>> parts, int axis) {
  Tensor<T> y = detail::concat(parts, axis);
  const int a = detail::checked_axis("concat", y.shape(), axis);
  return parts[0].tape().record(std::move(y), parts,
                                [inputs = pool::Vector<Var<T>>(parts.begin(), parts.end()), a](
                                    const Tensor<T>& dy, const auto& grad) {
                                  Index first = 0;
                                  for (const Var<T>& input : inputs) {
                                    const Index count = input.dim(a);
                                    if (grad.needs(input))
                                      grad(input, detail::slice(dy, a, first, count));
                                    first += count;
                                  }
                                });
}
template <Value X>
X concat(const std::vector<X>& parts, int axis) {
  return concat(std::span<const X>(parts), axis);
}
template <Value X>
X concat(std::initializer_list<X> parts, int axis) {
  return concat(std::span<const X>(parts.begin(), parts.size()), axis);
}

/// Elements [first, first + count) of an axis (negative: counted from the last). Throws
/// ArgumentError outside the shape.
template <Scalar T>
Tensor<T> slice(const Tensor<T>& x, int axis, Index first, Index count) {
  const int a = detail::checked_axis("slice", x.shape(), axis);
  if (first < 0 || count < 0 || first > x.dim(a) - count)
    raise<ArgumentError>("slice: ", count, " elements from ", first, " on, of axis ", a,
                         " of shape ", x.shape());
  return detail::slice(x, a, first, count);
}
template <Scalar T>
Var<T> slice(const Var<T>& x, int axis, Index first, Index count) {
  return x.tape().record(slice(x.value(), axis, first, count), {x},
                         [x, axis, first](const Tensor<T>& dy, const auto& grad) {
                           Tensor<T> dx(x.shape());
                           detail::put(dy, dx, detail::checked_axis("slice", dx.shape(), axis),
                                       first);
                           grad(x, std::move(dx));
                         });
}

/// The same elements in row-major order under another shape. Throws ShapeError if the sizes differ.
template <Scalar T>
Tensor<T> reshape(const Tensor<T>& x, Shape shape) {
  return x.reshaped(shape);
}
template <Scalar T>
Var<T> reshape(const Var<T>& x, Shape shape) {
  return x.tape().record(
      reshape(x.value(), shape), {x},
      [x](const Tensor<T>& dy, const auto& grad) { grad(x, dy.reshaped(x.shape())); });
}

/// Two axes exchanged (negative: counted from the last), the elements moved accordingly. Throws
/// ArgumentError outside the rank.
template <Scalar T>
Tensor<T> transpose(const Tensor<T>& x, int axis_a, int axis_b) {
  const Shape& s = x.shape();
  const int a0 = detail::checked_axis("transpose", s, axis_a);
  const int b0 = detail::checked_axis("transpose", s, axis_b);
  if (a0 == b0) return x;
  const int a = std::min(a0, b0), b = std::max(a0, b0);
  auto y = Tensor<T>::uninitialized(s.with(a, s[b]).with(b, s[a]));
  kernels::swap_axes(detail::outer_size(s, a), s[a], s.size(a + 1, b), s[b],
                     detail::inner_size(s, b), x.data(), y.data());
  return y;
}
template <Scalar T>
Var<T> transpose(const Var<T>& x, int axis_a, int axis_b) {
  return x.tape().record(transpose(x.value(), axis_a, axis_b), {x},
                         [x, axis_a, axis_b](const Tensor<T>& dy, const auto& grad) {
                           grad(x, transpose(dy, axis_a, axis_b));
                         });
}

/// The elements of an axis (negative: counted from the last) in reverse order. Throws ArgumentError
/// outside the rank.
template <Scalar T>
Tensor<T> flip(const Tensor<T>& x, int axis) {
  const int a = detail::checked_axis("flip", x.shape(), axis);
  const Index n = x.dim(a), inner = detail::inner_size(x.shape(), a);
  auto y = Tensor<T>::uninitialized(x.shape());
  for (Index outer = 0; outer < detail::outer_size(x.shape(), a); ++outer)
    for (Index i = 0; i < n; ++i)
      std::copy_n(x.data() + (outer * n + i) * inner, inner,
                  y.data() + (outer * n + n - 1 - i) * inner);
  return y;
}
template <Scalar T>
Var<T> flip(const Var<T>& x, int axis) {
  return x.tape().record(
      flip(x.value(), axis), {x},
      [x, axis](const Tensor<T>& dy, const auto& grad) { grad(x, flip(dy, axis)); });
}

#define FOGLIFT_OPS_SHAPE_OPS(linkage, X)       \
  linkage X concat(std::span<const X>, int);    \
  linkage X slice(const X&, int, Index, Index); \
  linkage X reshape(const X&, Shape);           \
  linkage X transpose(const X&, int, int);      \
  linkage X flip(const X&, int)
FOGLIFT_FOR_VALUES(FOGLIFT_OPS_SHAPE_OPS, extern template);

}  // namespace foglift::inline v0
