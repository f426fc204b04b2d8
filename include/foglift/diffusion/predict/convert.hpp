#pragma once

#include "foglift/diffusion/affine.hpp"
#include "foglift/diffusion/level.hpp"

#include <concepts>
#include <utility>

namespace foglift::inline v0 {

/// What a network predicts from x = alpha x0 + sigma eps, given by three pairs of coefficients at
/// each level: the target f = a x0 + b eps, and back x0 = a x + b f and eps = a x + b f. They hold
/// for every alpha and sigma, alpha^2 + sigma^2 = 1 or not, and are finite at every level.
///
/// A parameterization may also say how its network wants to be asked: `scale(level)`, the factor of
/// its input (else 1), and `condition(level)`, what it is told of the noise instead of the time t.
/// One with `needs_signal == true` says nothing of x0 at alpha = 0.
template <class P>
concept Parameterization = requires(const P& p, const Level& level) {
  { p.target(level) } -> std::same_as<Mix>;
  { p.x0(level) } -> std::same_as<Mix>;
  { p.eps(level) } -> std::same_as<Mix>;
};

namespace predict {

/// Factor of the network's input at a level; 1 where the parameterization asks for none.
template <Parameterization P>
double input_scale(const P& p, const Level& level) {
  if constexpr (requires { p.scale(level); })
    return p.scale(level);
  else
    return 1;
}

/// What the network is told of the noise: the parameterization's condition, or the time t.
template <Parameterization P>
double condition(const P& p, const Level& level) {
  if constexpr (requires { p.condition(level); })
    return p.condition(level);
  else
    return level.t;
}

/// True if the output says nothing of x0 at alpha = 0.
template <class P>
inline constexpr bool needs_signal = requires { requires P::needs_signal; };

/// E[x0 | x], shape of x [B, ...], from the network's output f for x. Throws ShapeError if the
/// shapes differ or the levels do not fit (Levels::rows); so do the functions below.
template <Parameterization P, Scalar T>
Tensor<T> to_x0(const P& p, const Tensor<T>& x, Tensor<T> f, const Levels& levels) {
  return affine(std::move(f), x, levels, "to_x0",
                [&](const Level& l) { return p.x0(l).swapped(); });
}

/// E[eps | x] from the network's output f for x.
template <Parameterization P, Scalar T>
Tensor<T> to_eps(const P& p, const Tensor<T>& x, Tensor<T> f, const Levels& levels) {
  return affine(std::move(f), x, levels, "to_eps",
                [&](const Level& l) { return p.eps(l).swapped(); });
}

/// What the network is trained to predict, from the data and the noise.
template <Parameterization P, Scalar T>
Tensor<T> target(const P& p, Tensor<T> x0, const Tensor<T>& eps, const Levels& levels) {
  return affine(std::move(x0), eps, levels, "target", [&](const Level& l) { return p.target(l); });
}

/// The output that a network of parameterization Q would have given where one of P gave f for x.
template <Parameterization P, Parameterization Q, Scalar T>
Tensor<T> convert(const P& from, const Q& to, const Tensor<T>& x, Tensor<T> f,
                  const Levels& levels) {
  return affine(std::move(f), x, levels, "convert", [&](const Level& l) {
    const Mix t = to.target(l), x0 = from.x0(l), eps = from.eps(l);
    return Mix{t.a * x0.b + t.b * eps.b, t.a * x0.a + t.b * eps.a};
  });
}

}  // namespace predict
}  // namespace foglift::inline v0
