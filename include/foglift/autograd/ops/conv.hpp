#pragma once

#include "foglift/autograd/ops/linear.hpp"
#include "foglift/autograd/value.hpp"
#include "foglift/kernels/conv/backward.hpp"

namespace foglift::inline v0 {

namespace detail {

inline void check_conv_axis(const char* name, const Shape& x, Index n, const Shape& w, Index k,
                            const ConvOptions& o) {
  if (k < 1 || n + 2 * o.padding < o.dilation * (k - 1) + 1)
    raise<ShapeError>(name, ": input ", x, " with padding ", o.padding, ", weight ", w,
                      " at dilation ", o.dilation, " needs between 1 and ", n + 2 * o.padding,
                      " positions");
  if (o.padding > 0 && o.mode != Padding::zero &&
      o.padding >= (o.mode == Padding::reflect ? n : n + 1))
    raise<ShapeError>(name, ": input ", x, " is too short for ",
                      o.mode == Padding::reflect ? "reflect" : "circular", " padding ", o.padding);
}

/// The geometry of a convolution over `Dims` spatial axes. Throws what conv1d and conv2d say.
template <int Dims, Scalar T>
kernels::ConvGeometry conv_geometry(const Shape& x, const Tensor<T>& w, const Tensor<T>* b,
                                    const ConvOptions& o) {
  constexpr const char* name = Dims == 1 ? "conv1d" : "conv2d";
  if (o.stride < 1 || o.dilation < 1 || o.padding < 0)
    raise<ArgumentError>(name, ": stride ", o.stride, ", dilation ", o.dilation, ", padding ",
                         o.padding, "; needed are at least 1, 1 and 0");
  if (x.rank() != Dims + 2 || w.rank() != Dims + 2)
    raise<ShapeError>(name, ": input ", x, " and weight ", w.shape(), " must have ", Dims + 2,
                      " axes");
  if (x.dim(-1) != w.dim(-2))
    raise<ShapeError>(name, ": input ", x, " has ", x.dim(-1), " channels, weight ", w.shape(),
                      " expects ", w.dim(-2));
  if (b && b->shape() != Shape{w.dim(-1)})
    raise<ShapeError>(name, ": bias ", b->shape(), ", weight ", w.shape(), " expects [", w.dim(-1),
                      "]");
  for (int axis = 0; axis < Dims; ++axis)
    check_conv_axis(name, x, x.dim(1 + axis), w.shape(), w.dim(axis), o);
  constexpr bool flat = Dims == 1;
  return {x.dim(0),
          flat ? 1 : x.dim(1),
          x.dim(-2),
          x.dim(-1),
          flat ? 1 : w.dim(0),
          w.dim(-3),
          w.dim(-1),
          o.stride,
          o.dilation,
          flat ? 0 : o.padding,
          o.padding,
          o.mode,
          o.algorithm};
}

template <int Dims>
Shape conv_shape(const kernels::ConvGeometry& g) {
  if constexpr (Dims == 1) return {g.B, g.out_w(), g.Cout};
  return {g.B, g.out_h(), g.out_w(), g.Cout};
}

template <int Dims, Scalar T>
Tensor<T> conv(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>* b, const ConvOptions& o) {
  const kernels::ConvGeometry g = conv_geometry<Dims>(x.shape(), w, b, o);
  auto y = Tensor<T>::uninitialized(conv_shape<Dims>(g));
  kernels::conv<T>(g, x.data(), w.data(), b ? b->data() : nullptr, y.data());
  return y;
}

template <int Dims, Scalar T>
Var<T> conv(const Var<T>& x, const Var<T>& w, const Var<T>* b, const ConvOptions& o) {
  pool::Vector<Var<T>> inputs{x, w};
  if (b) inputs.push_back(*b);
  Tensor<T> y = conv<Dims>(x.value(), w.value(), b ? &b->value() : nullptr, o);
  return x.tape().record(
      std::move(y), inputs, [x, w, inputs, o](const Tensor<T>& dy, const auto& grad) {
        const auto g = conv_geometry<Dims, T>(x.shape(), w.value(), nullptr, o);
        if (grad.needs(x)) {
          auto dx = Tensor<T>::uninitialized(x.shape());
          kernels::conv_backward_input<T>(g, dy.data(), w.value().data(), dx.data());
          grad(x, std::move(dx));
        }
        if (grad.needs(w)) {
          auto dw = Tensor<T>::uninitialized(w.shape());
          kernels::conv_backward_weight<T>(g, x.value().data(), dy.data(), dw.data());
          grad(w, std::move(dw));
        }
        if (inputs.size() == 3 && grad.needs(inputs[2])) grad(inputs[2], bias_gradient(dy));
      });
}

}  // namespace detail

/// Convolution (cross-correlation) of x [B, L, Cin] with w [k, Cin, Cout], plus b [Cout]:
/// y[l] = b + sum_j x[l stride + j dilation - padding] w[j]; [B, L', Cout] with L' of ConvOptions.
/// Throws ShapeError where shapes do not fit, the kernel is longer than the padded input, or the
/// input is shorter than circular padding or not longer than reflected; ArgumentError for options
/// out of range.
template <Value X>
X conv1d(const X& x, const X& w, const X& b, const ConvOptions& options = {}) {
  return detail::conv<1>(x, w, &b, options);
}
template <Value X>
X conv1d(const X& x, const X& w, const ConvOptions& options = {}) {
  return detail::conv<1, scalar_of<X>>(x, w, nullptr, options);
}

/// The same over two axes: x [B, H, W, Cin], w [kh, kw, Cin, Cout] -> [B, H', W', Cout].
template <Value X>
X conv2d(const X& x, const X& w, const X& b, const ConvOptions& options = {}) {
  return detail::conv<2>(x, w, &b, options);
}
template <Value X>
X conv2d(const X& x, const X& w, const ConvOptions& options = {}) {
  return detail::conv<2, scalar_of<X>>(x, w, nullptr, options);
}

#define FOGLIFT_OPS_CONV(linkage, X)                                  \
  linkage X conv1d(const X&, const X&, const X&, const ConvOptions&); \
  linkage X conv1d(const X&, const X&, const ConvOptions&);           \
  linkage X conv2d(const X&, const X&, const X&, const ConvOptions&); \
  linkage X conv2d(const X&, const X&, const ConvOptions&)
FOGLIFT_FOR_VALUES(FOGLIFT_OPS_CONV, extern template);

}  // namespace foglift::inline v0
