#pragma once

#include "foglift/diffusion/solver/parts/combine.hpp"
#include "foglift/diffusion/solver/parts/transfer.hpp"

#include <array>
#include <cstddef>

namespace foglift::inline v0::solver {

/// What a step interpolates between levels: x0 = E[x0 | x], or eps = (x - alpha x0) / sigma.
enum class Prediction { data, noise };

/// Weights of two and of three outputs. The published rules replace some integrals by cheaper ones
/// that agree for short steps; four and more outputs are always exact.
///   exact         the integrals of the interpolating polynomials ("heun", "taylor")
///   midpoint      two outputs: the slope's as if it stood at the middle of the step; also "bh2"
///   bh1           two outputs: in addition with 1 for the exponential (UniPC's B(h) = h)
///   as_published  two outputs: midpoint; three: half of the second difference's integral, as
///                 DPM-Solver's third-order multistep rule is printed and shipped: second order
enum class Weights { exact, midpoint, bh1, as_published, bh2 = midpoint };

/// Outputs that a step can use: its order, and one more for a corrector.
inline constexpr std::size_t most_nodes = 5;

/// A step as a quadrature of model outputs m_j, made at positions u_j (0: the start of the step, 1:
/// its end, negative: earlier):
///   x' = keep x + gain sum_j w_j m_j + noise z,   w_j = int l_j(u) dmu(u),
/// with the Lagrange polynomials l_j of the positions and a measure mu on [0, 1] known by its
/// moments int u^n dmu. What the measure and the position are makes the method: see Exponential,
/// Straight and ErSde.
struct Quadrature {
  double keep = 1, gain = 0, noise = 0;
  std::array<double, most_nodes> moments{};
  Prediction prediction = Prediction::data;
  Weights form = Weights::exact;
  double length = 0;  // gain times this is what "bh1" takes for the first moment of mu, twice
  /// From pure noise or to clean data, positions are infinite: the step is of first order, with
  /// weight 1 on x0.
  bool endless = false;

  /// w_j of the first `count` positions, which must differ; 0 beyond.
  template <std::size_t N>
    requires(N <= most_nodes)
  std::array<double, N> weights(const std::array<double, N>& positions,
                                std::size_t count = N) const {
    std::array<double, most_nodes> of = moments;
    if (count == 2 && form != Weights::exact) of[1] = 0.5 * (form == Weights::bh1 ? length : of[0]);
    if (count == 3 && form == Weights::as_published) of[2] *= 0.5;
    std::array<double, N> out{};
    for (std::size_t j = 0; j < count; ++j) {
      std::array<double, most_nodes> poly{1};  // l_j, coefficient of u^n at n
      std::size_t degree = 0;
      for (std::size_t i = 0; i < count; ++i) {
        if (i == j) continue;
        const double scale = 1 / (positions[j] - positions[i]);
        ++degree;
        for (std::size_t n = degree; n > 0; --n)
          poly[n] = scale * (poly[n - 1] - positions[i] * poly[n]);
        poly[0] *= -scale * positions[i];
      }
      for (std::size_t n = 0; n < count; ++n) out[j] += of[n] * poly[n];
    }
    return out;
  }
};

/// The output that a step interpolates, from x0 = E[x0 | x], in the memory of x0.
template <Scalar T>
Tensor<T> output(Prediction prediction, const Tensor<T>& x, Tensor<T> x0, const Level& at) {
  if (prediction == Prediction::data) return x0;
  return affine(-at.alpha / at.sigma, std::move(x0), 1 / at.sigma, x);
}

/// The output of a denoiser at x.
template <Scalar T, class D>
Tensor<T> output(Prediction prediction, const Tensor<T>& x, const D& denoise, const Level& at) {
  return output(prediction, x, ask(denoise, x, at), at);
}

/// keep x + gain sum_j w_j m_j in the memory of x: the step without its noise.
template <Scalar T, std::size_t N>
Tensor<T> apply(const Quadrature& step, Tensor<T> x, const std::array<double, N>& positions,
                const std::array<const Tensor<T>*, N>& outputs) {
  const std::array<double, N> w = step.weights(positions);
  std::array<Term<T>, N> terms;
  for (std::size_t j = 0; j < N; ++j) terms[j] = {step.gain * w[j], outputs[j]};
  return combine(step.keep, std::move(x), terms);
}

/// The endless step: keep x + gain x0 + noise z.
template <Scalar T>
Tensor<T> first_order(const Quadrature& step, Tensor<T> x, const Tensor<T>& x0, const Level& from,
                      const Level& to, const StepRng& rng) {
  if (step.noise == 0) return affine(step.keep, std::move(x), step.gain, x0);
  return affine(step.keep, std::move(x), step.gain, x0, step.noise,
                rng.increment<T>(x0.shape(), from.snr(), to.snr()));
}

}  // namespace foglift::inline v0::solver
