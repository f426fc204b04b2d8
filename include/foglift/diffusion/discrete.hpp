#pragma once

#include "foglift/diffusion/schedule/cosine.hpp"
#include "foglift/diffusion/schedule/linear.hpp"
#include "foglift/diffusion/schedule/log_snr.hpp"
#include "foglift/diffusion/schedule/sigmoid.hpp"

#include <functional>
#include <utility>
#include <vector>

namespace foglift::inline v0 {

/// First and last beta of a discrete chain.
struct BetaRange {
  double first, last;
};

/// A chain of T noising steps x_i = sqrt(1 - beta_i) x_(i-1) + sqrt(beta_i) eps, i = 0 ... T-1 (Ho
/// et al. 2020), which can also be asked between its steps. Step i sits at time t = (i + 1) / T;
/// between two steps lambda is linear in t, and before the first one sigma^2 is proportional to t,
/// down to clean data at t = 0. Products run as sums of logarithms in double: sigma keeps all its
/// digits at the first steps, alpha at the last ones.
class DiscreteSchedule {
 public:
  /// Throws ArgumentError unless every beta is in (0, 1) and there is at least one.
  explicit DiscreteSchedule(std::vector<double> betas) : betas_(std::move(betas)) {
    if (betas_.empty()) raise<ArgumentError>("DiscreteSchedule: no betas");
    double sum = 0;
    for (std::size_t i = 0; i < betas_.size(); ++i) {
      if (!(betas_[i] > 0 && betas_[i] < 1))
        raise<ArgumentError>("DiscreteSchedule: beta ", betas_[i], " at step ", i,
                             ", must be in (0, 1)");
      sum += std::log1p(-betas_[i]);
      log_alpha_bar_.push_back(sum);
      lambda_.push_back(0.5 * (sum - std::log(-std::expm1(sum))));
    }
  }

  /// beta from range.first to range.last in equal steps.
  static DiscreteSchedule linear(Index steps, BetaRange range) {
    return tabulate(steps, [&](double u) { return range.first + (range.last - range.first) * u; });
  }
  /// The published range 1e-4 to 0.02 of T = 1000, multiplied by 1000 / T, so that chains of any
  /// length end near the same noise (Nichol & Dhariwal 2021); beta at most 0.999.
  static DiscreteSchedule linear(Index steps) {
    const double scale = 1000 / static_cast<double>(steps);
    return tabulate(steps, [&](double u) { return scale * (1e-4 + (0.02 - 1e-4) * u); });
  }
  /// sqrt(beta) in equal steps (Rombach et al. 2022, where T = 1000).
  static DiscreteSchedule scaled_linear(Index steps,
                                        BetaRange range = {.first = 0.00085, .last = 0.012}) {
    const double a = std::sqrt(range.first), b = std::sqrt(range.last);
    return tabulate(steps, [&](double u) { return (a + (b - a) * u) * (a + (b - a) * u); });
  }
  /// beta rises along a sigmoid from -6 to 6 (the "sigmoid" betas of diffusers).
  static DiscreteSchedule sigmoid(Index steps, BetaRange range = {.first = 1e-4, .last = 0.02}) {
    return tabulate(steps, [&](double u) {
      return range.first + (range.last - range.first) * schedule::detail::sigmoid(12 * u - 6);
    });
  }
  /// beta_i = 1 - alpha_bar((i+1)/T) / alpha_bar(i/T) of a continuous schedule, at most `most`.
  /// alpha_bar = exp(-B), B the integrated rate, so beta = 1 - exp(B(i/T) - B((i+1)/T)).
  template <VariancePreservingSchedule S>
  static DiscreteSchedule of(const S& continuous, Index steps, double most = 0.999) {
    const auto log_alpha = [&](double t) {
      const Level l = continuous.at(t);
      return l.alpha > 0.5 ? 0.5 * std::log1p(-l.sigma * l.sigma) : std::log(l.alpha);
    };
    schedule::detail::check_steps(steps, "DiscreteSchedule");
    std::vector<double> betas;
    for (Index i = 0; i < steps; ++i) {
      const auto T = static_cast<double>(steps), at = static_cast<double>(i);
      betas.push_back(
          std::min(most, -std::expm1(2 * (log_alpha((at + 1) / T) - log_alpha(at / T)))));
    }
    return DiscreteSchedule(std::move(betas));
  }
  /// schedule::Cosine in steps (Nichol & Dhariwal 2021).
  static DiscreteSchedule cosine(Index steps, double most = 0.999) {
    return of(schedule::Cosine(), steps, most);
  }
  /// schedule::Sigmoid in steps (Jabri et al. 2023).
  static DiscreteSchedule sigmoid_alpha_bar(Index steps, schedule::Sigmoid continuous = {},
                                            double most = 0.999) {
    return of(continuous, steps, most);
  }
  /// alpha_bar = e^(-rate t) in steps.
  static DiscreteSchedule exponential(Index steps, double rate = 12) {
    return of(schedule::exponential(rate), steps);
  }
  /// schedule::Laplace in steps (Hang et al. 2024); its first step leaves the noise of the curve's
  /// beginning.
  static DiscreteSchedule laplace(Index steps, schedule::LaplaceCurve curve = {}) {
    const schedule::Laplace continuous(curve);
    schedule::detail::check_steps(steps, "DiscreteSchedule");
    std::vector<double> bars;
    for (Index i = 0; i < steps; ++i) {
      const double alpha =
          continuous.at(steps > 1 ? static_cast<double>(i) / static_cast<double>(steps - 1) : 1.0)
              .alpha;
      bars.push_back(alpha * alpha);
    }
    return of_alpha_bars(bars);
  }
  /// A chain of given products alpha_bar. Throws ArgumentError unless they fall from below 1, above
  /// 0.
  static DiscreteSchedule of_alpha_bars(const std::vector<double>& alpha_bars) {
    std::vector<double> betas;
    double last = 1;
    for (std::size_t i = 0; i < alpha_bars.size(); ++i) {
      if (!(alpha_bars[i] > 0 && alpha_bars[i] < last))
        raise<ArgumentError>("DiscreteSchedule: alpha_bar ", alpha_bars[i], " at step ", i,
                             " after ", last, ", must fall and stay above 0");
      betas.push_back(1 - alpha_bars[i] / last);
      last = alpha_bars[i];
    }
    return DiscreteSchedule(std::move(betas));
  }

  Index steps() const { return static_cast<Index>(betas_.size()); }
  double beta(Index i) const { return betas_[check_step(i, "DiscreteSchedule::beta")]; }
  double alpha_bar(Index i) const {
    return std::exp(log_alpha_bar_[check_step(i, "DiscreteSchedule::alpha_bar")]);
  }
  double log_alpha_bar(Index i) const {
    return log_alpha_bar_[check_step(i, "DiscreteSchedule::log_alpha_bar")];
  }

  /// The level after step i in [0, T). Throws ArgumentError outside.
  Level step(Index i) const {
    const double log_alpha_bar = log_alpha_bar_[check_step(i, "DiscreteSchedule::step")];
    return schedule::detail::level_of(static_cast<double>(i + 1) / static_cast<double>(steps()),
                                      -log_alpha_bar);
  }

  /// The level at time t in [0, 1]; at(0) is clean data.
  Level at(double t) const {
    schedule::detail::check_time(t, "DiscreteSchedule::at");
    const double done = t * static_cast<double>(steps()), position = done - 1;
    if (position <= 0) {  // sigma^2 grows in proportion to t up to step 0
      const double sigma2 = -std::expm1(log_alpha_bar_[0]) * done;
      return {t, std::sqrt(1 - sigma2), std::sqrt(sigma2)};
    }
    const auto i = std::min(static_cast<std::size_t>(position), betas_.size() - 1);
    const double part = position - static_cast<double>(i);
    const double lambda = part > 0 ? lambda_[i] + part * (lambda_[i + 1] - lambda_[i]) : lambda_[i];
    return schedule::detail::level_of(t, schedule::detail::integrated_rate(lambda, "at"));
  }

  /// The time at which ln(alpha / sigma) is lambda; 1 beyond the last step, 0 at lambda = inf.
  double time(double lambda) const {
    const double B = schedule::detail::integrated_rate(lambda, "DiscreteSchedule::time");
    const auto T = static_cast<double>(steps());
    if (lambda >= lambda_.front())  // of a chain of one step, rounding may lead beyond 1
      return std::min(1.0, std::expm1(-B) / std::expm1(log_alpha_bar_[0]) / T);
    if (lambda <= lambda_.back()) return 1;
    // the first step that is noisier; lambda falls along the chain
    const auto noisier =
        std::lower_bound(lambda_.begin(), lambda_.end(), lambda, std::greater<>()) -
        lambda_.begin();
    const auto i = static_cast<std::size_t>(noisier);
    const double part = (lambda - lambda_[i - 1]) / (lambda_[i] - lambda_[i - 1]);
    return (static_cast<double>(i) + part) / T;
  }

  /// -2 d ln(alpha) / dt = -2 sigma^2 d lambda / dt, which jumps at the steps; before the first one
  /// it follows from the line of sigma^2.
  double rate(double t) const {
    const Level level = at(t);
    const auto T = static_cast<double>(steps());
    const double position = t * T - 1;
    if (position <= 0 || steps() == 1)
      return -std::expm1(log_alpha_bar_[0]) * T / (level.alpha * level.alpha);
    const auto i = std::min(static_cast<std::size_t>(position), betas_.size() - 2);
    return 2 * level.sigma * level.sigma * (lambda_[i] - lambda_[i + 1]) * T;
  }
  LevelRate derivative(double t) const { return schedule::detail::rate_of(at(t), rate(t)); }

  std::string description() const {
    return described("chain", steps(), betas_.front(), betas_.back(), log_alpha_bar_.back());
  }

 private:
  std::size_t check_step(Index i, const char* where) const {
    if (i < 0 || i >= steps())
      raise<ArgumentError>(where, ": step ", i, " of a chain of ", steps());
    return static_cast<std::size_t>(i);
  }

  /// beta(i / (T - 1)) for every step, at most 0.999; a single step takes beta(1).
  template <class F>
  static DiscreteSchedule tabulate(Index steps, F beta) {
    schedule::detail::check_steps(steps, "DiscreteSchedule");
    std::vector<double> betas;
    for (Index i = 0; i < steps; ++i) {
      const double u = steps > 1 ? static_cast<double>(i) / static_cast<double>(steps - 1) : 1.0;
      const double b = beta(u);
      betas.push_back(b > 0.999 ? 0.999 : b);  // NaN stays, and is refused
    }
    return DiscreteSchedule(std::move(betas));
  }

  std::vector<double> betas_, log_alpha_bar_, lambda_;
};

}  // namespace foglift::inline v0
