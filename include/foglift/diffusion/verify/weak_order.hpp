#pragma once

#include "foglift/diffusion/analytic/gaussian.hpp"
#include "foglift/diffusion/verify/order.hpp"

#include <map>
#include <mutex>
#include <utility>

namespace foglift::inline v0::verify {

struct Moments {
  double mean = 0, variance = 0;
};

namespace detail {

/// Hands every draw of a run to a sample of its own: draw j is 1 for sample 2 + j and 0 for all
/// others, but for the last sample, which gets 1 in every draw. A first run with one sample numbers
/// the draws.
class UnitNoise final : public NoiseSource {
 public:
  void fill(std::span<double> out, const NoiseRequest& r) const override {
    const std::lock_guard lock(mutex_);
    const auto [it, fresh] = draws_.try_emplace({r.step, r.draw}, draws_.size());
    if (fresh && sealed_)
      raise<ArgumentError>("verify::moments: the solver drew other noise in a second run");
    const bool own = r.sample == 2 + it->second || r.sample == 2 + draws_.size();
    std::fill(out.begin(), out.end(), own && sealed_ ? 1.0 : 0.0);
  }
  void seal() { sealed_ = true; }
  Index draws() const { return static_cast<Index>(draws_.size()); }

 private:
  mutable std::mutex mutex_;
  mutable std::map<std::pair<std::uint32_t, std::uint64_t>, std::uint64_t> draws_;
  bool sealed_ = false;
};

}  // namespace detail

/// Mean and variance of a solver's result on Gaussian data along a grid, without Monte Carlo: with
/// a linear denoiser a run is an affine map of its start and of its normals, whose coefficients are
/// read off one run with a sample for each of them. `start`: moments at grid.front(). Throws
/// ArgumentError for a solver that is not affine on Gaussian data (one that adapts to its state).
template <class S>
Moments moments(const S& solver, const analytic::Gaussian& data, const TimeGrid& grid,
                Moments start) {
  detail::UnitNoise noise;
  const SampleOptions options{.noise = &noise};
  const auto run = [&](Tensor<double> x) {
    return sample_from(solver, data, std::move(x), grid, Rng(0), options);
  };
  run(Tensor<double>({1, 1}, 0.0));
  noise.seal();
  const Index m = noise.draws();
  Tensor<double> x({m + 3, 1}, 0.0);
  x[1] = x[m + 2] = 1;
  x = run(std::move(x));
  const double constant = x[0], gain = x[1] - constant;
  Moments out{constant + gain * start.mean, gain * gain * start.variance};
  double sum = x[1], size = std::abs(x[1]) + std::abs(x[0]);
  for (Index j = 0; j < m; ++j) {
    const double c = x[2 + j] - constant;
    out.variance += c * c;
    sum += c;
    size += std::abs(c);
  }
  // m + 1 numbers of a run of rounding errors each
  if (!(std::abs(x[m + 2] - sum) <= 1e-9 * size))
    raise<ArgumentError>("verify::moments: not affine on Gaussian data: ", x[m + 2], " against ",
                         sum);
  return out;
}

/// How far the law of what sample() returns is from Gaussian data, as the 2-Wasserstein distance of
/// normal laws: the length of (difference of means, difference of standard deviations). The run
/// starts as sample() does, from noise alone, so that what the grid's first level still holds of
/// the data counts. Exact moments; throws as moments() does.
///
///   verify::law_error(solver::DpmMulti<2>{}, {.mean = 0.5, .variance = 0.25}, grid);
template <class S>
double law_error(const S& solver, const Moments& data, const TimeGrid& grid) {
  grid::check(grid);
  const double sigma = grid.front().sigma;
  const Moments found =
      moments(solver, analytic::gaussian({.mean = data.mean, .variance = data.variance}), grid,
              {0, sigma * sigma});
  return std::hypot(found.mean - data.mean, std::sqrt(found.variance) - std::sqrt(data.variance));
}

struct WeakOrderOptions {
  Family family = Family::variance_exploding;
  Spacing spacing = Spacing::log_snr;
  double mean = 0.7, variance = 0.25;
  double min = 0.05, max = 10;
  Index coarsest = 40;
  Index doublings = 3;
};

/// The weak order of a solver: the error of the variance of its samples, relative to the exact one,
/// on data N(mean, variance), from exact moments.
///
///   verify::weak_order(solver::Ddpm{}).slope();  // 1.0
template <class S>
Convergence weak_order(const S& solver, const WeakOrderOptions& options = {}) {
  const auto data = analytic::gaussian({.mean = options.mean, .variance = options.variance});
  const auto exact = [&](const Level& l) {
    return Moments{l.alpha * options.mean,
                   l.alpha * l.alpha * options.variance + l.sigma * l.sigma};
  };
  Convergence out;
  for (Index k = 0; k <= options.doublings; ++k) {
    const Index n = options.coarsest << k;
    const TimeGrid g = time_grid(options.family, options.spacing, n, options.max, options.min);
    const Moments found = moments(solver, data, g, exact(g.front()));
    out.steps.push_back(n);
    out.errors.push_back(std::abs(found.variance / exact(g.back()).variance - 1));
  }
  return out;
}

}  // namespace foglift::inline v0::verify
