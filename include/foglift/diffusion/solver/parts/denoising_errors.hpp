#pragma once

#include "foglift/core/rng.hpp"
#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/grid/grid.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace foglift::inline v0::solver {

/// E|x0 - E[x0 | x]|^2 of one element at each level of a grid: how much a denoiser does not know.
/// The Gamma of Bao et al. 2022 is 1 - error / s^2, s = sigma / alpha.
class DenoisingErrors {
 public:
  /// Throws ArgumentError unless there is an error for each level of a grid with signal and noise,
  /// not negative, finite.
  DenoisingErrors(const TimeGrid& levels, std::vector<double> errors) : error_(std::move(errors)) {
    grid::check(levels);
    if (error_.size() != levels.size())
      raise<ArgumentError>("DenoisingErrors: ", error_.size(), " errors for ", levels.size(),
                           " levels");
    for (std::size_t i = 0; i < levels.size(); ++i) {
      lambda_.push_back(levels[i].lambda());
      if (!(std::isfinite(lambda_[i]) && error_[i] >= 0 && std::isfinite(error_[i])))
        raise<ArgumentError>("DenoisingErrors: error ", error_[i], " at ", levels[i],
                             ", needed finite, at least 0, at a level with signal and noise");
    }
  }

  const std::vector<double>& errors() const { return error_; }
  /// In straight lines between the levels by lambda; beyond them as at the ends.
  double at(const Level& level) const {
    const double lambda = level.lambda();
    if (!(lambda > lambda_.front())) return error_.front();
    if (lambda >= lambda_.back()) return error_.back();
    const auto i = static_cast<std::size_t>(
        std::upper_bound(lambda_.begin(), lambda_.end(), lambda) - lambda_.begin());
    const double part = (lambda - lambda_[i - 1]) / (lambda_[i] - lambda_[i - 1]);
    return error_[i - 1] + part * (error_[i] - error_[i - 1]);
  }

 private:
  std::vector<double> lambda_, error_;
};

/// The errors of a denoiser on data [N, ...] by Monte Carlo, each row noised once a level. Row b
/// has the noise of sample b and step i at level i, whatever the batch. Throws ShapeError for empty
/// data.
template <Scalar T, class D>
DenoisingErrors denoising_errors(const D& denoise, const Tensor<T>& data, const TimeGrid& levels,
                                 const Rng& rng) {
  if (data.rank() == 0 || data.empty())
    raise<ShapeError>("denoising_errors: data ", data.shape(), ", needed [N, ...], not empty");
  std::vector<double> errors;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const Tensor<T> eps = rng.normal<T>(data.shape(), 0, static_cast<std::uint32_t>(i));
    const Tensor<T> x = affine(levels[i].alpha, data, levels[i].sigma, eps);
    const Tensor<T> x0 = ask(denoise, x, levels[i]);
    double sum = 0;
    for (Index k = 0; k < data.size(); ++k) {
      const double d = double{x0[k]} - double{data[k]};
      sum += d * d;
    }
    errors.push_back(sum / static_cast<double>(data.size()));
  }
  return DenoisingErrors(levels, std::move(errors));
}

/// The levels of a fine grid, its first and last among them, over which a chain of `steps` steps
/// costs least (Watson et al. 2021, algorithm 1): cost(i, j), a finite double, is that of the step
/// from level i to level j > i. Dynamic programming over all pairs, each of them asked `steps`
/// times at most. Throws ArgumentError unless 1 <= steps < levels, NumericError for a cost that is
/// not finite.
template <class Cost>
  requires std::is_invocable_r_v<double, const Cost&, std::size_t, std::size_t>
TimeGrid optimal_levels(const TimeGrid& levels, Index steps, const Cost& table) {
  grid::check(levels);
  const std::size_t n = levels.size();
  if (steps < 1 || static_cast<std::size_t>(steps) >= n)
    raise<ArgumentError>("optimal_levels: ", steps, " steps over ", n, " levels");
  const auto cost = [&](std::size_t i, std::size_t j) {
    const double c = table(i, j);
    if (!std::isfinite(c))
      raise<NumericError>("optimal_levels: the step from level ", i, " to ", j, " costs ", c);
    return c;
  };
  // best[k][j]: least cost from level 0 to level j in k + 1 steps; came[k][j]: where its last step
  // began.
  const auto K = static_cast<std::size_t>(steps);
  std::vector<std::vector<double>> best(K, std::vector<double>(n, HUGE_VAL));
  std::vector<std::vector<std::size_t>> came(K, std::vector<std::size_t>(n, 0));
  for (std::size_t j = 1; j < n; ++j) best[0][j] = cost(0, j);
  for (std::size_t k = 1; k < K; ++k)
    for (std::size_t j = k + 1; j < n; ++j)
      for (std::size_t i = k; i < j; ++i)
        if (const double c = best[k - 1][i] + cost(i, j); c < best[k][j])
          best[k][j] = c, came[k][j] = i;
  TimeGrid out{levels.back()};
  for (std::size_t k = K - 1, j = n - 1; k > 0; --k) out.push_back(levels[j = came[k][j]]);
  out.push_back(levels.front());
  std::reverse(out.begin(), out.end());
  return out;
}

/// The levels that make the variational bound of their chain largest: the sum of (SNR' - SNR) / 2
/// times the error where a step begins is smallest (Kingma et al. 2021, eq. 14). The result ends
/// with noise; append grid::clean to go on to the data. Throws ArgumentError as above, and for
/// levels that end with clean data.
inline TimeGrid optimal_levels(const TimeGrid& levels, const DenoisingErrors& errors, Index steps) {
  if (levels.empty() || levels.back().sigma == 0)
    raise<ArgumentError>(
        "optimal_levels: the last level is clean data, of infinite SNR; leave it out");
  return optimal_levels(levels, steps, [&](std::size_t i, std::size_t j) {
    return 0.5 * (levels[j].snr() - levels[i].snr()) * errors.at(levels[i]);
  });
}

}  // namespace foglift::inline v0::solver
