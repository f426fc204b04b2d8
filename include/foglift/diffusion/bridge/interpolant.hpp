#pragma once

#include "foglift/autograd/ops/loss.hpp"
#include "foglift/diffusion/affine.hpp"
#include "foglift/diffusion/loss/levels.hpp"
#include "foglift/diffusion/solver/parts/step_rng.hpp"

#include <cmath>
#include <utility>
#include <vector>

namespace foglift::inline v0::bridge {

/// Noise on the way of an interpolant: its deviation gamma(t) and d gamma / dt.
struct Latent {
  double deviation = 0, rate = 0;
};
/// None: x is between the two ends (rectified flow, alpha-blending).
struct NoLatent {
  Latent operator()(double) const { return {}; }
};
/// The same at all times: I-CFM and OT-CFM of Tong et al. 2024, their sigma.
struct ConstantLatent {
  double sigma = 0.1;
  Latent operator()(double) const { return {sigma, 0}; }
};
/// sigma sqrt(t (1 - t)), of a Brownian bridge: Schroedinger-bridge CFM (Tong et al. 2024, section
/// 4.3) with partners by sinkhorn(costs, 2 sigma^2), and stochastic interpolants (Albergo et al.
/// 2023). The rate is infinite at both ends.
struct BrownianLatent {
  double sigma = 1;
  Latent operator()(double t) const {
    const double root = std::sqrt(t * (1 - t));
    return {sigma * root, sigma * (1 - 2 * t) / (2 * root)};
  }
};

/// One draw of a training step of a flow between two laws: from x1 at t = 1 to x0 at t = 0, given
/// as pairs [B, ...] of any coupling:
///   x = alpha x0 + sigma x1 + gamma z,   velocity = alpha' x0 + sigma' x1 + gamma' z.
/// A network v(x, t) with the least mean(v - velocity)^2 moves the law of x1 to that of x0 along
/// dx/dt = v (Lipman et al. 2023; Albergo & Vanden-Eijnden 2023), whatever the coupling:
/// independent is I-CFM, bridge::assigned OT-CFM, draw_partners SB-CFM, pairs that belong together
/// a supervised one; schedule::Flow is the straight path, and with NoLatent alpha-blending (Heitz
/// et al. 2023), schedule::Trigonometric is VP-CFM. Without noise it is the TrainingBatch of
/// LossOptions::noise.
///
///   const bridge::InterpolantBatch<float> batch(x0, y0, schedule::Flow{},
///   bridge::ConstantLatent{0.1},
///                                               rng, {.step = step});
///   const Var<float> loss = batch.loss(net(tape.constant(batch.x), batch.time));
///
/// A velocity is a denoiser on schedule::Flow, whatever it was trained on, and all solvers take it:
/// NetworkDenoiser(net, predict::FlowVelocity{}, schedule::Flow{}), from x1 along a grid of that.
template <Scalar T>
struct InterpolantBatch {
  Tensor<T> x;         ///< [B, ...]
  Tensor<T> time;      ///< [B]
  Tensor<T> velocity;  ///< [B, ...]

  /// Throws ShapeError for ends of two shapes or none, NumericError where a derivative is infinite:
  /// t_min and t_max of the options keep away from there.
  template <DifferentiableSchedule S, class L = NoLatent>
  InterpolantBatch(const Tensor<T>& x0, const Tensor<T>& x1, const S& schedule, const L& latent,
                   const Rng& rng, const Draws& draws,
                   const LevelOptions& options = {.t_min = 1e-3, .t_max = 1 - 1e-3})
      : time(Shape{foglift::detail::batch_of(x0)}) {
    if (x0.shape() != x1.shape() || x0.rank() == 0 || x0.empty())
      raise<ShapeError>("InterpolantBatch: ends ", x0.shape(), " and ", x1.shape(),
                        ", needed one shape [B, ...], not empty");
    const auto levels = draw_levels(schedule, x0.dim(0), rng, draws, options).levels;
    std::vector<Mix3> at, rates;
    for (Index b = 0; b < x0.dim(0); ++b) {
      const Level& l = levels[static_cast<std::size_t>(b)];
      const LevelRate r = schedule.derivative(l.t);
      const Latent noise = latent(l.t);
      if (!std::isfinite(r.alpha + r.sigma + noise.rate))
        raise<NumericError>("InterpolantBatch: the velocity at t = ", l.t, " is infinite");
      time[b] = static_cast<T>(l.t);
      at.push_back({l.alpha, l.sigma, noise.deviation});
      rates.push_back({r.alpha, r.sigma, noise.rate});
    }
    const auto z = StepRng(rng.stream(1), draws).normal<T>(x0.shape());
    x = affine(Tensor<T>(x0), x1, z, at);
    velocity = affine(Tensor<T>(x0), x1, z, rates);
  }

  /// The mean squared error of what a network says of the velocity, shape [].
  template <Value X>
  X loss(const X& said) const {
    return mse(said, velocity);
  }
};

}  // namespace foglift::inline v0::bridge
