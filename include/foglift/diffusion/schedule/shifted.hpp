#pragma once

#include "foglift/diffusion/schedule/schedule.hpp"

#include <utility>

namespace foglift::inline v0::schedule {

template <DifferentiableSchedule S>
class Shifted;

namespace detail {
template <class S>
inline constexpr bool is_shifted = false;
template <class S>
inline constexpr bool is_shifted<Shifted<S>> = true;
}  // namespace detail

/// A schedule with all its noise-to-signal ratios s = sigma / alpha mapped to factor s^power, on
/// the same curve: alpha^2 + sigma^2 = 1, alpha + sigma = 1 or alpha = 1 remain what they are. One
/// map with many names:
///   flow shift a (Esser et al. 2024, eq. 23), sigma' = a sigma / (1 + (a - 1) sigma): factor a;
///   dynamic flow shift, sigma' = e^mu / (e^mu + (1 / sigma - 1)^p): factor e^mu, power p;
///   SNR shift k (CogVideoX), alpha_bar' = alpha_bar / (k + (1 - k) alpha_bar): factor sqrt(k);
///   resolution shift (Hoogeboom et al. 2023), log-SNR' = log-SNR + 2 ln(d / side): factor side /
///   d.
///
///   schedule::Shifted shifted(schedule::Flow{}, 3);
/// Of any other schedule alpha stays as it is. Shifting twice is refused: multiply the factors.
template <DifferentiableSchedule S>
class Shifted {
 public:
  static constexpr bool zero_terminal_snr = requires { requires S::zero_terminal_snr; };

  /// Throws ArgumentError unless factor and power are positive and finite.
  explicit Shifted(S base, double factor, double power = 1)
      : base_(std::move(base)), factor_(factor), power_(power), kept_(kept_by(base_)) {
    static_assert(!detail::is_shifted<S>,
                  "this schedule is shifted already: multiply the factors, and shift once");
    if (!(factor > 0 && power > 0 && std::isfinite(factor + power)))
      raise<ArgumentError>("schedule::Shifted: factor ", factor, ", power ", power,
                           ", needed positive, finite");
  }

  Level at(double t) const { return moved(base_.at(t)); }
  /// From alpha_new = alpha^p / N, sigma_new = a sigma^p / N with N the sum or the root of the sum
  /// of squares, and alpha' = -sigma' or alpha alpha' = -sigma sigma'; no quotient 0 / 0 at an end.
  LevelRate derivative(double t) const {
    const Level l = base_.at(t);
    const LevelRate d = base_.derivative(t);
    const double p = power_, a = factor_;
    const double x = std::pow(l.alpha, p), y = a * std::pow(l.sigma, p);
    // c^e v, which is 0 where v is 0 or p = 1 leaves v alone
    const auto times = [](double c, double e, double v) {
      return e == 0 || v == 0 ? v : std::pow(c, e) * v;
    };
    if (kept_ == Kept::sum) {
      const double rise = a * p * times(l.alpha * l.sigma, p - 1, d.sigma) / ((x + y) * (x + y));
      return {-rise, rise};
    }
    if (kept_ == Kept::alpha)
      return {d.alpha, a * (p * times(l.ratio(), p - 1, d.sigma) +
                            (p == 1 ? 0 : (1 - p) * std::pow(l.ratio(), p) * d.alpha))};
    const double N = std::hypot(x, y), scale = a * p / (N * N * N);
    return {scale * a * times(l.sigma, 2 * p - 2, times(l.alpha, p - 1, d.alpha)),
            scale * times(l.alpha, 2 * p - 2, times(l.sigma, p - 1, d.sigma))};
  }
  double rate(double t) const
    requires VariancePreservingSchedule<S>
  {
    const Level base = base_.at(t), l = moved(base);
    if (base.alpha == 0) return base_.rate(t);
    if (base.sigma == 0)
      return power_ == 1 ? factor_ * factor_ * base_.rate(t) : power_ < 1 ? HUGE_VAL : 0;
    // beta = -2 sigma^2 dlambda/dt, and dlambda/dt is `power` times that of the base.
    return power_ * base_.rate(t) * (l.sigma / base.sigma) * (l.sigma / base.sigma);
  }
  double time(double lambda) const { return base_.time((lambda + std::log(factor_)) / power_); }

  std::string description() const
    requires Described<S>
  {
    return described("shifted", factor_, power_, "of", base_.description());
  }

 private:
  /// What is the same at all times, and stays so.
  enum class Kept { squares, sum, alpha };

  static Kept kept_by(const S& base) {
    bool squares = true, sum = true;
    for (const double t : {0.25, 0.5, 0.75}) {
      const Level l = base.at(t);
      squares = squares && std::abs(l.alpha * l.alpha + l.sigma * l.sigma - 1) < 1e-9;
      sum = sum && std::abs(l.alpha + l.sigma - 1) < 1e-9;
    }
    return VariancePreservingSchedule<S> || squares ? Kept::squares : sum ? Kept::sum : Kept::alpha;
  }
  Level moved(const Level& l) const {
    if (kept_ == Kept::alpha)
      return l.alpha == 0 ? l
                          : Level{l.t, l.alpha, l.alpha * factor_ * std::pow(l.ratio(), power_)};
    const double x = std::pow(l.alpha, power_), y = factor_ * std::pow(l.sigma, power_);
    const double N = kept_ == Kept::sum ? x + y : std::hypot(x, y);
    return {l.t, x / N, y / N};
  }

  S base_;
  double factor_, power_;
  Kept kept_;
};

}  // namespace foglift::inline v0::schedule
