#pragma once

#include "foglift/diffusion/affine.hpp"
#include "foglift/diffusion/level.hpp"

#include <cmath>
#include <span>

namespace foglift::inline v0::guide {

/// The quantity that a rule which is not linear looks at. A network's output is a multiple of
///   F = a x0 - b x
/// whatever it predicts; angles and ratios of norms depend on which F it is. Papers and programs
/// apply their rules to the output at hand; here the space is named, and the rule is written in
/// differences c - u of x0, so that it is finite at every level, a = 0 included:
///   x0        F = x0
///   eps       F = alpha x0 - x                      = -sigma eps
///   velocity  F = (alpha^2 + sigma^2) x0 - alpha x  = -sigma v, v = alpha eps - sigma x0
///   flow      F = (alpha + sigma) x0 - x            = -sigma (eps - x0), the straight path's
enum class Space { x0, eps, velocity, flow };

/// {a, -b} of F = a x0 - b x.
inline Mix direction(Space space, const Level& l) {
  switch (space) {
    case Space::eps:
      return {l.alpha, -1};
    case Space::velocity:
      return {l.alpha * l.alpha + l.sigma * l.sigma, -l.alpha};
    case Space::flow:
      return {l.alpha + l.sigma, -1};
    case Space::x0:
      break;
  }
  return {1, 0};
}

/// One sample of a rule of two models: its state, the x0 of both, and its level. The rule leaves
/// its result in c; u may be used up.
template <Scalar T>
struct Pair {
  std::span<const T> x;
  std::span<T> c, u;
  Level level;
  Index sample = 0;  ///< in the batch

  std::size_t size() const { return x.size(); }
};

namespace detail {

/// F of one element.
template <Scalar T>
double in_space(Mix f, T x0, T x) {
  return f.a * static_cast<double>(x0) + f.b * static_cast<double>(x);
}

/// sum_i of(i) over the elements of a sample, in double and in one fixed order.
template <class F>
double total(std::size_t n, const F& of) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += of(i);
  return sum;
}

/// numerator / denominator, 0 where the denominator is 0: a rule has no effect on a sample that
/// gives it no direction.
inline double quotient(double numerator, double denominator) {
  return denominator > 0 ? numerator / denominator : 0.0;
}

}  // namespace detail
}  // namespace foglift::inline v0::guide
