#pragma once

#include "foglift/diffusion/corruption/batch.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace foglift::inline v0::corruption {

/// Normal noise pinned at both ends, from data x0 to a state x_T that goes with each of them, such
/// as their blurred picture: the process x = alpha x0 + sigma eps of any schedule given that it is
/// x_T at the level T, where some signal is left (Doob's h-transform; DDBM, Zhou et al. 2024, eq.
/// 8). With the share r = (s / s_T)^2, s = sigma / alpha,
///   x | x0, x_T ~ N(r alpha / alpha_T x_T + (1 - r) alpha x0, (1 - r) sigma^2).
/// At alpha = 1 it is a Brownian bridge with any clock, of variance sigma_T^2 in all: I2SB (Liu et
/// al. 2023). A predictor is a denoiser that may be told x_T as its condition. Given the data the
/// bridge is Markov and does not ask for x_T on its way back, so a step is that of ancestral
/// sampling; runs begin with x_T itself.
///
///   const Level end{1, 1, 0.5};
///   const corruption::Pinned<float> bridge(x0, end);  // from the end x0, of each sample
///   const TimeGrid levels{end, {0.5, 1, 0.2}, grid::clean};
///   auto x = restore(bridge, denoise, x0.shape(), levels, rng, {.max_signal = 1e9});
template <Scalar T = float>
class Pinned {
 public:
  using State = Tensor<T>;
  using Estimate = Tensor<T>;
  static constexpr const char* name = "pinned";

  /// How a step goes back:
  ///   posterior  by a draw from q(x' | x, x0), as I2SB and DDBM's SDE do
  ///   mean       to the mean of that, I2SB's deterministic path (their section 3.3)
  ///   implicit   with the noise that x holds (DBIM, Zheng et al. 2025); drawn at x_T, which has
  ///   none
  enum class Way { posterior, mean, implicit };
  Way way = Way::posterior;

  /// Throws ArgumentError unless 0 < alpha, 0 < sigma, finite, at the end.
  Pinned(Tensor<T> end, const Level& level, Way how = Way::posterior)
      : way(how), end_(std::move(end)), level_(level) {
    if (!(level.alpha > 0 && level.sigma > 0 && std::isfinite(level.alpha + level.sigma)))
      raise<ArgumentError>("corruption::Pinned: the end at ", level,
                           ", needed alpha > 0, sigma > 0, finite");
  }

  /// Throws ShapeError for another shape than the end's, ArgumentError for another level.
  State prior(const Shape& shape, const Level& level, const StepRng&) const {
    if (!(std::abs(share(level) - 1) < 1e-9))
      raise<ArgumentError>("corruption::Pinned: a run begins at ", level, ", the end is at ",
                           level_);
    check(shape);
    return scale(level.alpha / level_.alpha, end_);
  }
  State corrupt(State clean, const Levels& levels, const StepRng& rng) const {
    check(clean.shape());
    const State eps = rng.normal<T>(clean.shape());
    levels.check(clean.dim(0), name);
    State x = affine(std::move(clean), end_, [&](Index b) { return means(levels[b]); });
    return affine(std::move(x), eps, [&](Index b) { return Mix{1, deviation(levels[b])}; });
  }
  State back(State x, const Estimate& x0, const Level& from, const Level& to,
             const StepRng& rng) const {
    check(x.shape());
    if (way == Way::implicit && deviation(from) > 0) {
      const double keep = deviation(to) / deviation(from);
      const Mix before = means(from), after = means(to);
      x = affine(keep, std::move(x), after.a - keep * before.a, x0);
      return affine(1, std::move(x), after.b - keep * before.b, end_);
    }
    const double r = std::pow(to.ratio() / from.ratio(), 2);
    const double keep = r * to.alpha / from.alpha, up = to.sigma * std::sqrt(std::max(0.0, 1 - r));
    if (way == Way::mean || up == 0) return affine(keep, std::move(x), (1 - r) * to.alpha, x0);
    return affine(keep, std::move(x), (1 - r) * to.alpha, x0, up, rng.normal<T>(x0.shape()));
  }

  /// The mean squared error of an estimate of the data, shape [].
  template <Value X>
  X loss(const X& x0, const CorruptedBatch<Pinned>& batch) const {
    return batch.mean_square(x0);
  }

 private:
  double share(const Level& l) const { return std::pow(l.ratio() / level_.ratio(), 2); }
  /// What x0 and x_T count for in the mean.
  Mix means(const Level& l) const {
    return {(1 - share(l)) * l.alpha, share(l) * l.alpha / level_.alpha};
  }
  double deviation(const Level& l) const {
    return l.sigma * std::sqrt(std::max(0.0, 1 - share(l)));
  }
  void check(const Shape& shape) const {
    if (shape != end_.shape())
      raise<ShapeError>("corruption::Pinned: states ", shape, " for ends ", end_.shape());
  }

  Tensor<T> end_;
  Level level_;
};

}  // namespace foglift::inline v0::corruption
