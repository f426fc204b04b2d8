#pragma once

#include "foglift/diffusion/guidance/guidance.hpp"

#include <cmath>
#include <utility>

namespace foglift::inline v0::guide {

/// A linear operator A with its pseudo-inverse A+, A A+ A = A: measurements of images. forward(x)
/// is [B, ...] of any shape, pseudo_inverse(y) has the shape of x.
template <class A, class X>
concept LinearOperator = requires(const A& a, const X& x) {
  { a.forward(x) } -> std::convertible_to<X>;
  { a.pseudo_inverse(x) } -> std::convertible_to<X>;
};

/// Replaces what measurements say of x0 by what was measured and keeps the rest: x0 + weight A+ (y
/// - A x0) (DDNM, Wang et al. 2023, eq. 12; with weight < 1 what Song et al. 2022 do for noisy
/// ones). With weight 1, A x0 is y exactly where A has full rank, and any solver ends
/// there. Throws ArgumentError for a weight outside [0, 1], ShapeError where the operator's result
/// and y have not one shape.
template <class A, Scalar T = float>
class DataConsistency {
 public:
  DataConsistency(A a, Tensor<T> y, double weight = 1)
      : a_(std::move(a)), y_(std::move(y)), weight_(weight) {
    if (!(weight >= 0 && weight <= 1))
      raise<ArgumentError>("guide::DataConsistency: weight = ", weight, ", must be in [0, 1]");
  }

  template <class D, AnyLevels L>
  Tensor<T> apply(const D& denoise, const Tensor<T>& x, const L& levels) const {
    Tensor<T> x0 = denoise(x, levels), missing = a_.forward(x0);
    if (missing.shape() != y_.shape())
      raise<ShapeError>("guide::DataConsistency: measures ", missing.shape(), ", known are ",
                        y_.shape());
    for (Index i = 0; i < y_.size(); ++i) missing[i] = y_[i] - missing[i];
    const Tensor<T> change = a_.pseudo_inverse(missing);
    if (change.shape() != x0.shape())
      raise<ShapeError>("guide::DataConsistency: the pseudo-inverse gives ", change.shape(),
                        " for x0 ", x0.shape());
    for (Index i = 0; i < x0.size(); ++i) x0[i] += static_cast<T>(weight_) * change[i];
    return x0;
  }

 private:
  A a_;
  Tensor<T> y_;
  double weight_;
};

}  // namespace foglift::inline v0::guide
