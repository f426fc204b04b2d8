#pragma once

#include "foglift/autograd/ops/pointwise.hpp"

#include <concepts>

namespace foglift::inline v0 {

// Arithmetic of two Values broadcasts by NumPy's rules, up to rank 6, and throws ShapeError where
// the shapes do not fit. A gradient sums what was repeated, in double and in a fixed order.

template <Scalar T>
Tensor<T> add(const Tensor<T>& a, const Tensor<T>& b) {
  return detail::broadcast("add", a, b, [](auto x, auto y) { return x + y; });
}
template <Scalar T>
Var<T> add(const Var<T>& a, const Var<T>& b) {
  return a.tape().record(add(a.value(), b.value()), {a, b},
                         [a, b](const auto& dy, const auto& grad) {
                           if (grad.needs(a)) grad(a, detail::sum_to(dy, a.shape()));
                           if (grad.needs(b)) grad(b, detail::sum_to(dy, b.shape()));
                         });
}

template <Scalar T>
Tensor<T> mul(const Tensor<T>& a, const Tensor<T>& b) {
  return detail::broadcast("mul", a, b, [](auto x, auto y) { return x * y; });
}
template <Scalar T>
Var<T> mul(const Var<T>& a, const Var<T>& b) {
  return a.tape().record(mul(a.value(), b.value()), {a, b},
                         [a, b](const auto& dy, const auto& grad) {
                           if (grad.needs(a))
                             grad(a, detail::sum_to(mul(dy, b.value()), a.shape()));
                           if (grad.needs(b))
                             grad(b, detail::sum_to(mul(dy, a.value()), b.shape()));
                         });
}

/// -x.
template <Scalar T>
Tensor<T> neg(const Tensor<T>& x) {
  return detail::map([](auto v) { return -v; }, x);
}
template <Scalar T>
Var<T> neg(const Var<T>& x) {
  return x.tape().record(neg(x.value()), {x},
                         [x](const auto& dy, const auto& grad) { grad(x, neg(dy)); });
}

template <Scalar T>
Tensor<T> sub(const Tensor<T>& a, const Tensor<T>& b) {
  return detail::broadcast("sub", a, b, [](auto x, auto y) { return x - y; });
}
template <Scalar T>
Var<T> sub(const Var<T>& a, const Var<T>& b) {
  return a.tape().record(sub(a.value(), b.value()), {a, b},
                         [a, b](const auto& dy, const auto& grad) {
                           if (grad.needs(a)) grad(a, detail::sum_to(dy, a.shape()));
                           if (grad.needs(b)) grad(b, neg(detail::sum_to(dy, b.shape())));
                         });
}

/// By IEEE rules: a division by zero gives infinity or not a number.
template <Scalar T>
Tensor<T> div(const Tensor<T>& a, const Tensor<T>& b) {
  return detail::broadcast("div", a, b, [](auto x, auto y) { return x / y; });
}
template <Scalar T>
Var<T> div(const Var<T>& a, const Var<T>& b) {
  return a.tape().record(div(a.value(), b.value()), {a, b},
                         [a, b](const auto& dy, const auto& grad) {
                           const Tensor<T> da = div(dy, b.value());
                           if (grad.needs(b)) {
                             const Tensor<T> db = neg(mul(da, div(a.value(), b.value())));
                             grad(b, detail::sum_to(db, b.shape()));
                           }
                           if (grad.needs(a)) grad(a, detail::sum_to(da, a.shape()));
                         });
}

// With a number.

template <Scalar T>
Tensor<T> add(const Tensor<T>& x, double s) {
  return detail::map([c = static_cast<T>(s)](auto v) { return v + c; }, x);
}
template <Scalar T>
Var<T> add(const Var<T>& x, double s) {
  return x.tape().record(add(x.value(), s), {x},
                         [x](const auto& dy, const auto& grad) { grad(x, dy); });
}

template <Scalar T>
Tensor<T> mul(const Tensor<T>& x, double s) {
  return detail::map([c = static_cast<T>(s)](auto v) { return v * c; }, x);
}
template <Scalar T>
Var<T> mul(const Var<T>& x, double s) {
  return x.tape().record(mul(x.value(), s), {x},
                         [x, s](const auto& dy, const auto& grad) { grad(x, mul(dy, s)); });
}

template <Scalar T>
Tensor<T> div(const Tensor<T>& x, double s) {
  return detail::map([c = static_cast<T>(s)](auto v) { return v / c; }, x);
}
template <Scalar T>
Var<T> div(const Var<T>& x, double s) {
  return x.tape().record(div(x.value(), s), {x},
                         [x, s](const auto& dy, const auto& grad) { grad(x, div(dy, s)); });
}

/// s - x.
template <Scalar T>
Tensor<T> sub(double s, const Tensor<T>& x) {
  return detail::map([c = static_cast<T>(s)](auto v) { return c - v; }, x);
}
template <Scalar T>
Var<T> sub(double s, const Var<T>& x) {
  return x.tape().record(sub(s, x.value()), {x},
                         [x](const auto& dy, const auto& grad) { grad(x, neg(dy)); });
}

/// s / x.
template <Scalar T>
Tensor<T> div(double s, const Tensor<T>& x) {
  return detail::map([c = static_cast<T>(s)](auto v) { return c / v; }, x);
}
template <Scalar T>
Var<T> div(double s, const Var<T>& x) {
  return x.tape().record(div(s, x.value()), {x}, [x, s](const auto& dy, const auto& grad) {
    const auto slope = [c = static_cast<T>(-s)](auto v, auto d) { return d * (c / v / v); };
    grad(x, detail::map(slope, x.value(), dy));
  });
}

namespace detail {
template <class X>
inline constexpr bool integers = false;
template <class T>
inline constexpr bool integers<Tensor<T>> = !Scalar<T>;

/// What an operator takes beside an A: another Value of its kind, or a number.
template <class B, class A>
concept OperandBeside = (Value<A> && (std::same_as<B, A> || std::convertible_to<B, double>)) ||
                        (Value<B> && std::convertible_to<A, double>) || integers<A>;

const auto& operand(const Value auto& x) { return x; }
template <class S>
double operand(const S& s) {
  // Tensors of integers hold ids, codes and masks; an operator on one says so.
  static_assert(!integers<S>,
                "a tensor of integers holds, indexes and gathers; operations compute on "
                "tensors of a Scalar, as x.cast<float>() is");
  return static_cast<double>(s);
}
}  // namespace detail

template <class A, detail::OperandBeside<A> B>
auto operator+(const A& a, const B& b) {
  if constexpr (Value<A>)
    return add(a, detail::operand(b));
  else
    return add(b, detail::operand(a));
}
template <class A, detail::OperandBeside<A> B>
auto operator-(const A& a, const B& b) {
  if constexpr (Value<B>)
    return sub(detail::operand(a), b);
  else
    return add(a, -detail::operand(b));
}
template <class A, detail::OperandBeside<A> B>
auto operator*(const A& a, const B& b) {
  if constexpr (Value<A>)
    return mul(a, detail::operand(b));
  else
    return mul(b, detail::operand(a));
}
template <class A, detail::OperandBeside<A> B>
auto operator/(const A& a, const B& b) {
  return div(detail::operand(a), detail::operand(b));
}
Value auto operator-(const Value auto& x) { return neg(x); }

Value auto square(const Value auto& x) { return detail::apply<kernels::Square>(x); }
Value auto exp(const Value auto& x) { return detail::apply<kernels::Exp>(x); }
Value auto log(const Value auto& x) { return detail::apply<kernels::Log>(x); }
Value auto sqrt(const Value auto& x) { return detail::apply<kernels::Sqrt>(x); }
/// |x|, with derivative 0 at 0.
Value auto abs(const Value auto& x) { return detail::apply<kernels::Abs>(x); }

#define FOGLIFT_OPS_ARITHMETIC(linkage, X)            \
  linkage X add(const X&, const X&);                  \
  linkage X sub(const X&, const X&);                  \
  linkage X mul(const X&, const X&);                  \
  linkage X div(const X&, const X&);                  \
  linkage X add(const X&, double);                    \
  linkage X mul(const X&, double);                    \
  linkage X div(const X&, double);                    \
  linkage X sub(double, const X&);                    \
  linkage X div(double, const X&);                    \
  linkage X neg(const X&);                            \
  linkage X detail::apply<kernels::Square>(const X&); \
  linkage X detail::apply<kernels::Exp>(const X&);    \
  linkage X detail::apply<kernels::Log>(const X&);    \
  linkage X detail::apply<kernels::Sqrt>(const X&);   \
  linkage X detail::apply<kernels::Abs>(const X&)
FOGLIFT_FOR_VALUES(FOGLIFT_OPS_ARITHMETIC, extern template);

}  // namespace foglift::inline v0
