#pragma once

#include "foglift/autograd/ops/conv.hpp"
#include "foglift/autograd/ops/norm.hpp"

#include <optional>

namespace foglift::inline v0 {

/// Operands of fused_conv; optional ones may stay null.
template <Value X>
struct FusedConv {
  const X* x;                ///< [B, L, C] or [B, H, W, C]
  const X* x2 = nullptr;     ///< optional: further channels of the input
  const X* gamma = nullptr;  ///< optional: silu(group_norm(x)) is convolved, with gamma and beta
  const X* beta = nullptr;   ///< [Cin], groups and eps
  Index groups = 1;
  double eps = 1e-5;
  const X* weight;              ///< of the convolution, [k, Cin, Cout] or [kh, kw, Cin, Cout]
  const X* bias = nullptr;      ///< optional: [Cout]
  const X* shift = nullptr;     ///< optional: [B, Cout], added to every position of a sample
  const X* residual = nullptr;  ///< optional: added to the output, of its shape
  ConvOptions options = {};
};

namespace detail {

/// What the kernels are told about the operands. Throws what fused_conv says.
template <Scalar T>
struct FusedConvPlan {
  kernels::ConvGeometry geometry;
  kernels::Halves<const T> input;
  Shape output;
  kernels::NormExtents extents;

  explicit FusedConvPlan(const FusedConv<Tensor<T>>& p) {
    constexpr const char* name = "fused_conv";
    const Shape& first = p.x->shape();
    if (first.rank() != 3 && first.rank() != 4)
      raise<ShapeError>(name, ": input ", first, ", needed is [B, L, C] or [B, H, W, C]");
    const Index width = first.dim(-1), width2 = p.x2 ? p.x2->dim(-1) : 0;
    if (p.x2 && p.x2->shape() != first.with(-1, width2))
      raise<ShapeError>(name, ": inputs ", first, " and ", p.x2->shape(),
                        " differ before the channels");
    const Shape x = first.with(-1, width + width2);
    if (p.gamma) check_group_norm(name, x, *p.gamma, *p.beta, p.groups, p.eps);
    const bool flat = x.rank() == 3;
    geometry = flat ? conv_geometry<1>(x, *p.weight, p.bias, p.options)
                    : conv_geometry<2>(x, *p.weight, p.bias, p.options);
    output = flat ? conv_shape<1>(geometry) : conv_shape<2>(geometry);
    extents = group_extents(x, p.groups);
    input = {p.x->data(), width, p.x2 ? p.x2->data() : nullptr, width2};
    if (p.shift && p.shift->shape() != Shape{geometry.B, geometry.Cout})
      raise<ShapeError>(name, ": shift ", p.shift->shape(), " for output ", output,
                        ", needed is [batch, channels]");
    if (p.residual && p.residual->shape() != output)
      raise<ShapeError>(name, ": residual ", p.residual->shape(), " for output ", output);
  }
};

/// The normalization on the way in, which writes or, where `known`, reads mean and rstd.
template <Scalar T>
kernels::NormSilu<T> norm_of(const FusedConv<Tensor<T>>& p, Tensor<double>& mean,
                             Tensor<double>& rstd, bool known) {
  if (!p.gamma) return {};
  return {p.groups, p.eps, p.gamma->data(), p.beta->data(), mean.data(), rstd.data(), known};
}

template <Scalar T>
Normalized<T> run_fused_conv(const FusedConv<Tensor<T>>& p) {
  const FusedConvPlan<T> plan(p);
  const kernels::ConvGeometry& g = plan.geometry;
  Normalized<T> r{Tensor<T>::uninitialized(plan.output), {}, {}};
  if (p.gamma) r.mean = r.rstd = Tensor<double>({g.B, p.groups});
  Tensor<T> rows;  // bias + shift of every sample
  if (p.shift) rows = *p.shift;
  if (p.shift && p.bias)
    for (Index i = 0; i < rows.size(); ++i) rows[i] += (*p.bias)[i % g.Cout];
  const kernels::ConvEpilogue<T> end{.bias = p.shift  ? rows.data()
                                             : p.bias ? p.bias->data()
                                                      : nullptr,
                                     .bias_stride = p.shift ? g.Cout : 0,
                                     .residual = p.residual ? p.residual->data() : nullptr};
  const kernels::NormSilu<T> norm = norm_of(p, r.mean, r.rstd, false);
  kernels::conv<T>(g, {plan.input, p.gamma ? &norm : nullptr}, p.weight->data(), end, r.y.data());
  return r;
}

/// The operands of a recorded call and their gradients.
template <Scalar T>
class FusedConvRecord {
  using Grad = typename Tape<T>::Accumulator;
  using Optional = std::optional<Var<T>>;

 public:
  explicit FusedConvRecord(const FusedConv<Var<T>>& p) : x_(*p.x), weight_(*p.weight) {
    inputs_ = {x_, weight_};
    const auto keep = [&](const Var<T>* from, Optional& to) -> const Tensor<T>* {
      if (!from) return nullptr;
      to = *from;
      inputs_.push_back(*from);
      return &from->value();
    };
    values_ = {.x = &x_.value(),
               .x2 = keep(p.x2, x2_),
               .gamma = keep(p.gamma, gamma_),
               .beta = keep(p.beta, beta_),
               .groups = p.groups,
               .eps = p.eps,
               .weight = &weight_.value(),
               .bias = keep(p.bias, bias_),
               .shift = keep(p.shift, shift_),
               .residual = keep(p.residual, residual_),
               .options = p.options};
  }

  Var<T> operator()() const {
    Normalized<T> r = run_fused_conv(values_);
    return x_.tape().record(std::move(r.y), inputs_,
                            [record = *this, mean = std::move(r.mean), rstd = std::move(r.rstd)](
                                const Tensor<T>& dy, const Grad& grad) mutable {
                              const auto norm = norm_of(record.values_, mean, rstd, true);
                              record.backward(norm, dy, grad);
                            });
  }

 private:
  void backward(const kernels::NormSilu<T>& norm, const Tensor<T>& dy, const Grad& grad) const {
    const FusedConvPlan<T> plan(values_);
    if (residual_ && grad.needs(*residual_)) grad(*residual_, dy);
    row_gradients(plan.geometry, dy, grad);
    if (grad.needs(weight_)) {
      auto dw = Tensor<T>::uninitialized(weight_.shape());
      kernels::conv_backward_weight<T>(plan.geometry, {plan.input, gamma_ ? &norm : nullptr},
                                       dy.data(), dw.data());
      grad(weight_, std::move(dw));
    }
    const auto needs = [&](const Optional& v) { return v && grad.needs(*v); };
    if (grad.needs(x_) || needs(x2_) || needs(gamma_) || needs(beta_))
      input_gradients(plan, norm, dy, grad);
  }

  /// Of what is added to every position: bias and shift.
  void row_gradients(const kernels::ConvGeometry& g, const Tensor<T>& dy, const Grad& grad) const {
    if (!shift_) {
      if (bias_ && grad.needs(*bias_)) grad(*bias_, bias_gradient(dy));
      return;
    }
    auto rows = Tensor<T>::uninitialized({g.B, g.Cout});
    for (Index b = 0; b < g.B; ++b)
      kernels::column_sums(g.out_h() * g.out_w(), g.Cout, dy.data() + b * g.output_size(),
                           rows.data() + b * g.Cout);
    if (bias_) grad(*bias_, bias_gradient(rows));
    grad(*shift_, std::move(rows));
  }

  void input_gradients(const FusedConvPlan<T>& plan, const kernels::NormSilu<T>& norm,
                       const Tensor<T>& dy, const Grad& grad) const {
    const kernels::NormExtents& n = plan.extents;
    auto dx = Tensor<T>::uninitialized(x_.shape());
    auto dx2 = Tensor<T>::uninitialized(x2_ ? x2_->shape() : Shape{0});
    const kernels::Halves<T> halves{dx.data(), plan.input.first_channels, dx2.data(),
                                    plan.input.second_channels};
    Tensor<T> whole;  // the gradient of what is convolved, where that is not dx itself
    if (x2_ || gamma_) whole = Tensor<T>::uninitialized({n.samples, n.sample_size()});
    T* const d = x2_ || gamma_ ? whole.data() : dx.data();
    kernels::conv_backward_input<T>(plan.geometry, dy.data(), values_.weight->data(), d);
    if (gamma_) {
      Tensor<T> dgamma(gamma_->shape()), dbeta(beta_->shape());
      kernels::norm_silu_backward<T>(n, plan.input, norm.gamma, norm.beta, norm.mean, norm.rstd, d);
      kernels::group_norm_backward<T>(n, plan.input, norm.gamma, norm.mean, norm.rstd, d, halves,
                                      dgamma.data(), dbeta.data());
      grad(*gamma_, std::move(dgamma));
      grad(*beta_, std::move(dbeta));
    } else if (x2_) {
      for (Index b = 0; b < n.samples; ++b)
        kernels::separate(d + b * n.sample_size(), n.positions, b, halves);
    }
    grad(x_, std::move(dx));
    if (x2_) grad(*x2_, std::move(dx2));
  }

  Var<T> x_, weight_;
  Optional x2_, gamma_, beta_, bias_, shift_, residual_;
  pool::Vector<Var<T>> inputs_;
  FusedConv<Tensor<T>> values_{};
};

}  // namespace detail

/// y = conv(x) + bias + shift + residual, or conv(silu(group_norm(x))) + ..., in one operation,
/// where x may come in two tensors that share its channels: no normalized, activated, concatenated
/// or padded tensor is stored, and a recorded call keeps the means and deviations alone. The
/// convolution is conv1d or conv2d by the rank of x. Throws what group_norm and those throw, and
/// ShapeError where x2, shift or residual do not fit.
template <Scalar T>
Tensor<T> fused_conv(const FusedConv<Tensor<T>>& operands) {
  return detail::run_fused_conv(operands).y;
}
template <Scalar T>
Var<T> fused_conv(const FusedConv<Var<T>>& operands) {
  return detail::FusedConvRecord<T>(operands)();
}

#define FOGLIFT_OPS_FUSED_CONV(linkage, X) linkage X fused_conv(const FusedConv<X>&)
FOGLIFT_FOR_VALUES(FOGLIFT_OPS_FUSED_CONV, extern template);

}  // namespace foglift::inline v0
