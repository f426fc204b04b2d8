#pragma once

#include "foglift/diffusion/discrete.hpp"

#include <limits>
#include <utility>

namespace foglift::inline v0::schedule {

/// A variance-preserving schedule stretched so that no signal is left at t = 1 (Lin et al. 2024,
/// algorithm 1): alpha' = (alpha - alpha_T) alpha_0 / (alpha_0 - alpha_T), where alpha_0 belongs to
/// clean data, or to the first step of a chain, which keeps its level. The last step then knows
/// nothing of the data, so a network that predicts eps can not be sampled from it: predict the
/// velocity.
///
///   schedule::ZeroTerminalSnr stretched(DiscreteSchedule::linear(1000));
template <VariancePreservingSchedule S>
class ZeroTerminalSnr {
 public:
  static constexpr bool zero_terminal_snr = true;

  /// Throws ArgumentError if the schedule has no signal at t = 1 as it is.
  explicit ZeroTerminalSnr(S base) : base_(std::move(base)) {
    if constexpr (requires { base_.steps(); }) from_ = 1 / static_cast<double>(base_.steps());
    first_ = base_.at(from_);
    last_ = base_.at(1).alpha;
    if (!(last_ > 0))
      raise<ArgumentError>("schedule::ZeroTerminalSnr: alpha is ", last_, " at t = 1 already");
    if (!(first_.alpha > last_))
      raise<ArgumentError>("schedule::ZeroTerminalSnr: a chain of one step can not be stretched");
    gain_ = first_.alpha / (first_.alpha - last_);
  }

  Level at(double t) const { return t <= from_ ? base_.at(t) : stretched(base_.at(t)); }
  /// beta = -2 alpha' / alpha; +inf at t = 1.
  double rate(double t) const {
    if (kept(t)) return base_.rate(t);
    const double alpha = base_.at(t).alpha;
    return alpha > last_ ? base_.rate(t) * alpha / (alpha - last_)
                         : std::numeric_limits<double>::infinity();
  }
  LevelRate derivative(double t) const {
    const LevelRate base = base_.derivative(t);
    if (kept(t)) return base;
    const Level l = at(t);
    const double fall = gain_ * base.alpha;
    // at clean data sigma^2 = 2 (1 - alpha) grows `gain` times as fast
    return {fall, l.sigma > 0 ? -fall * l.alpha / l.sigma : std::sqrt(gain_) * base.sigma};
  }
  /// alpha of the base = alpha' / gain + alpha_T.
  double time(double lambda) const {
    const double B = detail::integrated_rate(lambda, "schedule::ZeroTerminalSnr::time");
    const double alpha = std::exp(-0.5 * B);
    if (alpha >= first_.alpha) return base_.time(lambda);
    // 1 - alpha of the base keeps the digits of small sigma: (1 - alpha') / gain + alpha_T (1 -
    // alpha_0) / alpha_0.
    const double first_loss = first_.sigma * first_.sigma / (1 + first_.alpha);
    const double loss = -std::expm1(-0.5 * B) / gain_ + last_ * first_loss / first_.alpha;
    const double base = 1 - loss;
    return base_.time(std::log(base) - 0.5 * std::log(loss * (2 - loss)));
  }

  /// Of a chain: its steps, and the level after step i in [0, T).
  Index steps() const
    requires requires(const S& s) { s.steps(); }
  {
    return base_.steps();
  }
  Level step(Index i) const
    requires requires(const S& s) { s.step(Index{}); }
  {
    return i == 0 ? base_.step(i) : stretched(base_.step(i));
  }

  std::string description() const
    requires Described<S>
  {
    return described("zero_terminal_snr of", base_.description());
  }

 private:
  /// A chain's levels up to its first step are as they were; so are clean data, not how they fade.
  bool kept(double t) const { return from_ > 0 && t <= from_; }
  /// 1 - alpha' = gain (alpha_0 - alpha) + (1 - alpha_0), in terms of sigma^2 where alpha is
  /// near 1.
  Level stretched(const Level& l) const {
    const auto below_one = [](const Level& v) { return v.sigma * v.sigma / (1 + v.alpha); };
    const double alpha = gain_ * (l.alpha - last_);
    const double loss = gain_ * (below_one(l) - below_one(first_)) + below_one(first_);
    return {l.t, alpha, std::sqrt(loss * (2 - loss))};
  }

  S base_;
  double from_ = 0, last_ = 0, gain_ = 1;
  Level first_;
};

}  // namespace foglift::inline v0::schedule
