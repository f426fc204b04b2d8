#pragma once

#include "foglift/autograd/tape.hpp"
#include "foglift/diffusion/level.hpp"

#include <concepts>
#include <type_traits>
#include <utility>

namespace foglift::inline v0 {

/// A denoiser that can be differentiated in x: callable on a Var too, whose operations it records.
template <class D, class T = float>
concept DifferentiableDenoiser = Answers<D, Var<T>, Levels>;

/// What a denoiser says of x, and the gradient in x of a function of that.
template <Scalar T>
struct Pulled {
  Tensor<T> x0;        ///< E[x0 | x], shape of x
  Tensor<T> gradient;  ///< J^T v, J = d x0 / d x, shape of x
};

/// The denoiser's x0 [B, ...] at x [B, ...] and the product J^T v of the transposed Jacobian d x0 /
/// d x with v = cotangent(x0), shape of x0: for v = d loss / d x0 it is the gradient of the loss in
/// x, by one forward and one backward pass. Throws ShapeError if x0 or v has another shape than x.
///
///   auto [x0, gradient] = pullback(denoise, x, level, [&](const auto& x0) { return x0 - target;
///   });
template <Scalar T, class D, class F>
Pulled<T> pullback(const D& denoise, const Tensor<T>& x, const Levels& levels, const F& cotangent) {
  static_assert(DifferentiableDenoiser<D, T>,
                "pullback: a denoiser is needed that is callable as (const Var<T>& x, const "
                "Levels&) -> Var<T>; NetworkDenoiser is one if its network is callable on a Var");
  Tape<T> tape;
  const Var<T> at = tape.variable(x);
  const Var<T> x0 = denoise(at, levels);
  if (x0.shape() != x.shape())
    raise<ShapeError>("pullback: the denoiser returned ", x0.shape(), " for a state ", x.shape(),
                      "; the same shape is needed");
  Tensor<T> v = cotangent(x0.value());
  if (v.shape() != x.shape())
    raise<ShapeError>("pullback: cotangent ", v.shape(), " for x0 ", x.shape(),
                      "; the same shape is needed");
  Gradients<T> gradients = tape.backward(x0, std::move(v));
  const Tensor<T>* g = gradients.find(at);
  return {x0.value(), g ? *g : Tensor<T>(x.shape())};  // without a path from x to x0: 0
}

}  // namespace foglift::inline v0
