#pragma once

#include "foglift/diffusion/distill/mean_flow.hpp"
#include "foglift/diffusion/schedule/flow.hpp"

#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

namespace foglift::inline v0::distill {

struct ContinuousConsistencyOptions {
  Times times = Times::stratified;
  double t_min = 0.01, t_max = 0.99;
  density::Any density = {};
  bool reweight = false;
  /// Part of the tangent's terms that come from the network, 0 to 1: grown from 0 over the first of
  /// the training steps (their warm-up r).
  double warm_up = 1;
  double c = 0.1;    ///< of the tangent's norm: g / (|g| + c) is taken; infinite norms do no harm
  bool norm = true;  ///< whether that is done; else g itself, the gradient of the limit
  double h = 0.005;  ///< of derivative_along, in t; smaller for double
};

/// Consistency distillation and training in the limit of short steps, with the stable
/// parameterization (sCM; Lu & Song 2025, algorithm 1 and eq. 6 to 8): x = cos(w) x0 + sin(w) z, w
/// = pi t / 2, on schedule::Trigonometric with predict::Velocity, whose x0 is cos(w) x - sin(w) F.
/// F is to move by
///   g = -cos(w)^2 (F - dx/dw) - r cos(w) sin(w) (x + dF/dw),
/// the tangent of x0 along the flow times cos(w), and is compared with F + g as it is. dx/dw is the
/// teacher's velocity, or the data's own (teacher_of). The derivative dF/dw along the flow is by
/// central differences, not exact as theirs by forward differentiation. The weight is that of a
/// squared error of F.
///
///   // trained as NetworkDenoiser(net, predict::Velocity{}, schedule::Trigonometric{})
template <Scalar T, BatchDenoiser<T> D, class Self>
Lesson<T> continuous_consistency(const D& teacher, const Self& self, const Tensor<T>& x0,
                                 const Rng& rng, const Draws& draws,
                                 const ContinuousConsistencyOptions& options = {}) {
  if (!(options.warm_up >= 0 && options.warm_up <= 1 && options.c > 0 && options.h > 0 &&
        options.t_min > options.h && options.t_max < 1 - options.h))
    raise<ArgumentError>("continuous_consistency: warm_up ", options.warm_up, ", c ", options.c,
                         ", h ", options.h, ", times ", options.t_min, " to ", options.t_max,
                         "; needed warm_up in [0, 1], c > 0, and h > 0 inside of the times' ends");
  const schedule::Trigonometric schedule;
  const auto levels =
      draw_levels(schedule, foglift::detail::batch_of(x0), rng, draws, options).levels;
  const auto at = [&](Index b) { return levels[static_cast<std::size_t>(b)]; };
  Tensor<T> x = noised(x0, levels, rng, draws), time(Shape{x.dim(0)});
  for (Index b = 0; b < x.dim(0); ++b) time[b] = static_cast<T>(at(b).t);
  // F of a denoiser, (cos x - x0) / sin
  const auto velocity_of = [](const auto& denoise, const Tensor<T>& states,
                              const Tensor<T>& times) {
    std::vector<Level> own;
    for (const T t : times)
      own.push_back(schedule::Trigonometric{}.at(std::min(1.0, static_cast<double>(t))));
    return affine(Tensor<T>(states), denoise(states, Levels(own)), [&](Index b) {
      const Level& l = own[static_cast<std::size_t>(b)];
      return Mix{l.alpha / l.sigma, -1 / l.sigma};
    });
  };
  const Tensor<T> flow = velocity_of(teacher, x, time);  // dx/dw
  const Tensor<T> said = velocity_of(self, x, time);
  const double per_angle = 2 / std::numbers::pi;  // h in t is a step of pi h / 2 along dx/dw
  Tensor<T> along =
      derivative_along([&](const Tensor<T>& states,
                           const Tensor<T>& times) { return velocity_of(self, states, times); },
                       x, scale(1 / per_angle, flow), time, options.h);
  along = scale(per_angle, std::move(along));
  const Index n = x.row_size();
  Tensor<T> target = said;
  for (Index b = 0; b < x.dim(0); ++b) {
    const double cos = at(b).alpha, sin = at(b).sigma, r = options.warm_up;
    std::vector<double> g;
    double square = 0;
    for (Index i = b * n; i < (b + 1) * n; ++i) {
      const auto F = static_cast<double>(said[i]), dx = static_cast<double>(flow[i]);
      g.push_back(-cos * cos * (F - dx) -
                  r * cos * sin * (static_cast<double>(x[i]) + static_cast<double>(along[i])));
      square += g.back() * g.back();
    }
    const double by = options.norm ? 1 / (std::sqrt(square) + options.c) : 1;
    for (Index i = 0; i < n; ++i) {
      // F + g as an x0, for the lesson
      const double F = static_cast<double>(said[b * n + i]) + by * g[static_cast<std::size_t>(i)];
      target[b * n + i] = static_cast<T>(cos * static_cast<double>(x[b * n + i]) - sin * F);
    }
  }
  std::vector<double> weights;
  for (const Level& l : levels) weights.push_back(1 / (l.sigma * l.sigma));
  return {std::move(x), levels, std::move(target), std::move(weights)};
}

}  // namespace foglift::inline v0::distill
