#pragma once

#include "foglift/diffusion/distill/lesson.hpp"
#include "foglift/diffusion/schedule/flow.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

namespace foglift::inline v0::distill {

/// d/dt of f(x, t) [B, ...] along dx = v dt, of the numbers of f, by central differences of step h:
/// the autograd of this library runs backwards only. Off by h^2 / 6 of the third derivative and by
/// rounding / h. f is asked at times [B] from -h to 1 + h.
template <Scalar T, class F>
Tensor<T> derivative_along(const F& f, const Tensor<T>& x, const Tensor<T>& v,
                           const Tensor<T>& time, double h) {
  const auto at = [&](double step) -> Tensor<T> {
    Tensor<T> moved = time;
    for (T& t : moved) t += static_cast<T>(step);
    return f(affine(1, x, step, v), moved);
  };
  return affine(0.5 / h, at(h), -0.5 / h, at(-h));
}

struct MeanFlowOptions {
  Times times = Times::stratified;
  double apart = 0.5;  ///< share of the samples with r < t; the others learn the velocity itself
  double h = 0.005;    ///< of derivative_along; smaller for double
};

/// One draw of a training step of a mean flow (Geng et al. 2025, "Mean flows for one-step
/// generative modeling", eq. 8): the network u(x, t, r) is to be the mean velocity between r and t
/// of a flow along schedule::Flow, (x_t - x_r) / (t - r), so that one call leads from any t to any
/// r; it obeys
///   u = v - (t - r) d/dt u,  d/dt along dx = v dt,
/// whose right side, of the network as it is, is the target. The teacher's velocity v = (x - x0) /
/// t is that of the data and noise themselves for teacher_of(x0), or an ordinary denoiser's (the
/// Eulerian distillation of a flow map, Boffi et al. 2024).
template <Scalar T>
struct MeanFlowBatch {
  Tensor<T> x;       ///< [B, ...]
  Tensor<T> t, r;    ///< [B], r <= t
  Tensor<T> target;  ///< [B, ...]

  /// Throws ArgumentError unless apart is in [0, 1] and h in (0, 0.5), ShapeError for no data.
  template <BatchDenoiser<T> D, class U>
  MeanFlowBatch(const D& teacher, const U& u, const Tensor<T>& x0, const Rng& rng,
                const Draws& draws, const MeanFlowOptions& options = {})
      : t(Shape{foglift::detail::batch_of(x0)}), r(t.shape()) {
    if (!(options.apart >= 0 && options.apart <= 1 && options.h > 0 && options.h < 0.5))
      raise<ArgumentError>("MeanFlowBatch: apart = ", options.apart, ", h = ", options.h,
                           ", needed in [0, 1] and (0, 0.5)");
    if (x0.rank() == 0 || x0.empty())
      raise<ShapeError>("MeanFlowBatch: data ", x0.shape(), ", needed [B, ...], not empty");
    const auto first = draw_times(options.times, rng.stream(0), t.size(), draws);
    const Rng other = rng.stream(4), kind = rng.stream(5);
    std::vector<Level> levels;
    for (Index b = 0; b < t.size(); ++b) {
      const auto step = static_cast<std::uint32_t>(draws.step);
      const double one = 1 - first[static_cast<std::size_t>(b)];  // in (0, 1]
      const bool apart = kind.uniform(draws.sample(b), step) < options.apart;
      const double two = apart ? other.uniform(draws.sample(b), step) : one;
      levels.push_back(schedule::Flow{}.at(std::max(one, two)));
      t[b] = static_cast<T>(std::max(one, two));
      r[b] = static_cast<T>(std::min(one, two));
    }
    x = noised(x0, levels, rng, draws);
    Tensor<T> v = affine(Tensor<T>(x), teacher(x, Levels(levels)), [&](Index b) {
      const double sigma = levels[static_cast<std::size_t>(b)].sigma;
      return Mix{1 / sigma, -1 / sigma};
    });
    const Tensor<T> rate =
        derivative_along([&](const Tensor<T>& at, const Tensor<T>& time) { return u(at, time, r); },
                         x, v, t, options.h);
    target = affine(std::move(v), rate, [&](Index b) {
      return Mix{1, static_cast<double>(r[b]) - static_cast<double>(t[b])};
    });
  }

  /// mean(|u - target|^2 / (e + c)^power), e being the sample's mean square error as a number: the
  /// mean square for power = 0, robust to targets that are far off for 1, as published.
  Var<T> loss(const Var<T>& u, double power = 1, double c = 1e-3) const {
    Lesson<T> lesson{.x = x, .levels = {}, .x0 = target};
    const Index n = target.row_size();
    for (Index b = 0; b < t.size(); ++b) {
      double e = 0;
      for (Index i = b * n; i < (b + 1) * n; ++i)
        e += std::pow(static_cast<double>(u.value()[i]) - static_cast<double>(target[i]), 2);
      lesson.weights.push_back(std::pow(e / static_cast<double>(n) + c, -power));
    }
    return lesson.loss(u);
  }
  /// The same of the network, recorded on a tape.
  template <class U>
  Var<T> loss(Tape<T>& tape, const U& u, double power = 1, double c = 1e-3) const {
    return loss(u(tape.constant(x), t, r), power, c);
  }
};

/// Follows a flow map: x_r = x_t - (t - r) u(x_t, t, r) from each of the times, which fall, to the
/// next. One step, {1, 0}, makes data of noise.
template <Scalar T, class U>
Tensor<T> follow(const U& u, Tensor<T> x, std::span<const double> times) {
  const auto all = [&](double t) {
    return Tensor<T>(Shape{foglift::detail::batch_of(x)}, static_cast<T>(t));
  };
  for (std::size_t i = 0; i + 1 < times.size(); ++i) {
    if (!(times[i] > times[i + 1]))
      raise<ArgumentError>("distill::follow: from time ", times[i], " to ", times[i + 1],
                           ", needed falling times");
    const Tensor<T> mean = u(std::as_const(x), all(times[i]), all(times[i + 1]));
    x = affine(1, std::move(x), times[i + 1] - times[i], mean);
  }
  return x;
}

}  // namespace foglift::inline v0::distill
