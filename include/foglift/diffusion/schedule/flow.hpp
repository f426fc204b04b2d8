#pragma once

#include "foglift/diffusion/schedule/schedule.hpp"

#include <algorithm>
#include <numbers>

namespace foglift::inline v0::schedule {

/// alpha = 1 - t, sigma = t: straight paths from noise to data (Liu et al. 2022, rectified flow;
/// Lipman et al. 2023, conditional optimal transport). alpha is exactly 0 at t = 1.
struct Flow {
  static constexpr bool zero_terminal_snr = true;

  Level at(double t) const {
    detail::check_time(t, "schedule::Flow::at");
    return {t, 1 - t, t};
  }
  LevelRate derivative(double) const { return {-1, 1}; }
  double time(double lambda) const {
    if (std::isnan(lambda)) raise<ArgumentError>("schedule::Flow::time: lambda is NaN");
    return 1 / (1 + std::exp(lambda));
  }
  std::string description() const { return "flow"; }
};

/// alpha = cos(pi t / 2), sigma = sin(pi t / 2) (Albergo & Vanden-Eijnden 2023; the angle of
/// TrigFlow, Lu & Song 2025). alpha is exactly 0 at t = 1, where rate(t) is +inf.
struct Trigonometric {
  static constexpr bool zero_terminal_snr = true;

  Level at(double t) const {
    detail::check_time(t, "schedule::Trigonometric::at");
    return {t, std::sin(quarter * (1 - t)), std::sin(quarter * t)};
  }
  LevelRate derivative(double t) const {
    return {-quarter * std::sin(quarter * t), quarter * std::sin(quarter * (1 - t))};
  }
  double rate(double t) const { return 2 * quarter / std::tan(quarter * (1 - t)); }
  double time(double lambda) const {
    if (std::isnan(lambda)) raise<ArgumentError>("schedule::Trigonometric::time: lambda is NaN");
    return lambda > 0 ? std::atan(std::exp(-lambda)) / quarter
                      : 1 - std::atan(std::exp(lambda)) / quarter;
  }

  std::string description() const { return "trigonometric"; }

 private:
  static constexpr double quarter = std::numbers::pi / 2;
};

}  // namespace foglift::inline v0::schedule
