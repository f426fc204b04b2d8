#pragma once

#include "foglift/diffusion/solver/parts/between.hpp"
#include "foglift/diffusion/solver/parts/quadrature.hpp"

namespace foglift::inline v0::solver {

/// Steps that are exact for an eps that is a polynomial in s = sigma / alpha: with z = x / alpha,
/// dz/ds = eps, so mu is uniform on the step. The clock is finite at clean data, where a step keeps
/// its order; a step from pure noise, s = inf, is DDIM's.
struct Straight {
  /// Take past outputs to be whole steps apart, however the grid is spaced: the fixed
  /// Adams-Bashforth weights 3/2, -1/2; 23/12, -16/12, 5/12; 55/24, -59/24, 37/24, -9/24.
  bool fixed_weights = false;

  Quadrature over(const Level& from, const Level& to) const {
    Quadrature out;
    if (from.alpha == 0) {
      out.keep = to.sigma / from.sigma;
      out.gain = to.alpha;
      out.endless = true;
      return out;
    }
    out.prediction = Prediction::noise;
    out.keep = to.alpha / from.alpha;
    out.gain = to.sigma - from.sigma * out.keep;
    for (std::size_t n = 0; n < most_nodes; ++n) out.moments[n] = 1 / static_cast<double>(n + 1);
    return out;
  }

  double position(const Level& at, std::size_t back, const Level& from, const Level& to) const {
    if (fixed_weights) return -static_cast<double>(back);
    const double s = from.ratio();
    return (at.ratio() - s) / (to.ratio() - s);
  }

  /// The classical Runge-Kutta rule in s, of fourth order: PNDM's start (Liu et al. 2022, eq. 13),
  /// with its middle where the step is half done, in s. Euler's rule at clean data, where it can
  /// not ask for eps.
  template <int, Scalar T, class D>
  Tensor<T> single(Tensor<T> x, const Tensor<T>& m0, const Level& from, const Level& to,
                   const D& denoise) const {
    const Quadrature whole = over(from, to);
    if (to.sigma == 0) return affine(whole.keep, std::move(x), whole.gain, m0);
    const Level middle = between(from, to, -std::log(0.5 * (from.ratio() + to.ratio())));
    const Quadrature half = over(from, middle);
    const auto slope = [&](const Quadrature& part, const Tensor<T>& m, const Level& at) {
      const Tensor<T> there = affine(part.keep, x, part.gain, m);
      return output(Prediction::noise, there, denoise, at);
    };
    const Tensor<T> m1 = slope(half, m0, middle), m2 = slope(half, m1, middle),
                    m3 = slope(whole, m2, to);
    const double third = whole.gain / 3, sixth = whole.gain / 6;
    const std::array<Term<T>, 4> terms{{{sixth, &m0}, {third, &m1}, {third, &m2}, {sixth, &m3}}};
    return combine(whole.keep, std::move(x), terms);
  }
};

}  // namespace foglift::inline v0::solver
