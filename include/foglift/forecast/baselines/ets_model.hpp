#pragma once

#include "foglift/core/error.hpp"
#include "foglift/core/shape.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace foglift::inline v0::forecast {

/// A form of exponential smoothing (Hyndman, Koehler, Ord & Snyder 2008, table 2.2), without
/// multiplicative trends.
struct EtsForm {
  enum class Trend { none, additive, damped };
  enum class Season { none, additive, multiplicative };
  bool multiplicative_error = false;
  Trend trend = Trend::none;
  Season season = Season::none;
  Index period = 1;  ///< cells of a season

  /// As "MAdM": error, trend, season.
  std::string name() const {
    return std::string(multiplicative_error ? "M" : "A") +
           (trend == Trend::none       ? "N"
            : trend == Trend::additive ? "A"
                                       : "Ad") +
           (season == Season::none       ? "N"
            : season == Season::additive ? "A"
                                         : "M");
  }
  bool trended() const { return trend != Trend::none; }
  bool seasonal() const { return season != Season::none; }
  /// Smoothing weights, damping, level and slope at the start, and a season less one that the level
  /// tells; one more for the variance.
  Index parameters() const {
    return 3 + 2 * trended() + (trend == Trend::damped) + (seasonal() ? period : 0);
  }
};

/// What exponential smoothing knows of a series: level, slope and a season, the next cell's first.
struct EtsState {
  double level = 0, slope = 0;
  std::vector<double> season;
};

/// An ETS model: weights, and the state before the first value. With q = level + phi slope, a value
/// y is forecast by q, q + s or q s; p - q is its error, divided by s if the season is
/// multiplicative; then level = q + alpha (p - q), slope = phi slope + beta (p - q), and the season
/// of its phase follows y - q or y / q by gamma. The error, absolute or relative to the forecast,
/// is N(0, variance).
struct EtsModel {
  EtsForm form;
  double alpha = 0.1, beta = 0.01, gamma = 0.01, phi = 1;
  EtsState start;
  double variance = 0;

  /// What q, at a phase whose season is s, forecasts.
  double forecast(double q, double s) const {
    return form.season == EtsForm::Season::none       ? q
           : form.season == EtsForm::Season::additive ? q + s
                                                      : q * s;
  }
  /// Moves a state, whose next season is `phase`, over a cell whose error y - forecast is e.
  void step(EtsState& state, std::size_t phase, double e) const {
    const double q = state.level + phi * state.slope;
    double error = e;
    if (form.seasonal()) {
      double& s = state.season[phase];
      const bool factors = form.season == EtsForm::Season::multiplicative;
      if (factors) error = e / s;
      s += gamma * (factors ? e / q : e);
    }
    state.level = q + alpha * error;
    state.slope = phi * state.slope + beta * error;
  }
  /// Turns standard normals into the values that follow a state.
  void simulate(EtsState state, std::span<double> path) const {
    const double deviation = std::sqrt(variance);
    for (std::size_t h = 0; h < path.size(); ++h) {
      const std::size_t phase = form.seasonal() ? h % state.season.size() : 0;
      const double mean =
          forecast(state.level + phi * state.slope, form.seasonal() ? state.season[phase] : 0);
      const double e = path[h] * deviation * (form.multiplicative_error ? mean : 1);
      step(state, phase, e);
      path[h] = mean + e;
    }
  }
};

/// The likelihood of ETS models of one series and its gradient, by the recursion and its adjoint.
class EtsLikelihood {
 public:
  /// Values, NaN where missing; there the state goes on without an error.
  explicit EtsLikelihood(std::span<const double> x) : x_(x) {
    for (const double v : x) known_ += !std::isnan(v);
    level_.resize(x.size() + 1), slope_.resize(x.size() + 1);
    season_.resize(x.size()), error_.resize(x.size());
  }

  double known() const { return known_; }
  /// Of the last evaluation.
  double squares() const { return squares_; }
  /// Behind the last value, of the last evaluation.
  const EtsState& last() const { return last_; }

  /// n log(squares) + 2 sum of log |forecast| (the second for multiplicative errors): minus twice
  /// the logarithm of the likelihood, up to what depends on n alone. Infinite where a factor or
  /// what it multiplies is not positive. Squares below 1e-18 of n count as that.
  double operator()(const EtsModel& m) {
    const EtsForm& form = m.form;
    const bool factors = form.season == EtsForm::Season::multiplicative;
    last_ = m.start;
    squares_ = 0;
    double logs = 1, log_sum = 0;
    std::size_t phase = 0;
    for (std::size_t t = 0; t < x_.size(); ++t) {
      level_[t] = last_.level, slope_[t] = last_.slope;
      const double s = form.seasonal() ? last_.season[phase] : 0;
      const double q = last_.level + m.phi * last_.slope, mean = m.forecast(q, s);
      season_[t] = s;
      if ((form.multiplicative_error && !(mean > 0)) || (factors && !(s > 0 && q > 0)))
        return std::numeric_limits<double>::infinity();
      error_[t] = 0;
      const double e = std::isnan(x_[t]) ? 0 : x_[t] - mean;
      if (!std::isnan(x_[t])) {
        error_[t] = form.multiplicative_error ? e / mean : e;
        squares_ += error_[t] * error_[t];
        if (form.multiplicative_error) {
          logs *= mean;
          if (!(logs > 1e-100 && logs < 1e100)) log_sum += std::log(logs), logs = 1;
        }
      }
      m.step(last_, phase, e);
      if (form.seasonal() && ++phase == last_.season.size()) phase = 0;
    }
    std::rotate(last_.season.begin(), last_.season.begin() + static_cast<std::ptrdiff_t>(phase),
                last_.season.end());
    return known_ * std::log(floored()) + 2 * (log_sum + std::log(logs));
  }

  /// Half the gradient of the last evaluation, of a model m: alpha to phi, and the start.
  EtsModel half_gradient(const EtsModel& m) const {
    const EtsForm& form = m.form;
    const bool additive = form.season == EtsForm::Season::additive;
    EtsModel d{form, 0, 0, 0, 0, {0, 0, std::vector<double>(m.start.season.size())}, 0};
    double dl = 0, db = 0;  // of the state behind the cell
    const std::size_t period = m.start.season.size();
    std::size_t phase = period ? x_.size() % period : 0;
    for (std::size_t t = x_.size(); t-- > 0;) {
      if (period) phase = (phase ? phase : period) - 1;
      const double b = slope_[t], s = season_[t], q = level_[t] + m.phi * b;
      double dq = dl, db_before = m.phi * db;
      d.phi += b * db;
      if (!std::isnan(x_[t])) {
        const double mean = m.forecast(q, s), y = x_[t];
        const double p = !form.seasonal() ? y : additive ? y - s : y / s;
        const double dp = m.alpha * dl + m.beta * db;
        dq -= dp;
        d.alpha += (p - q) * dl;
        d.beta += (p - q) * db;
        const double de = known_ * error_[t] / floored();
        const double dmean = form.multiplicative_error ? (1 - de * (error_[t] + 1)) / mean : -de;
        if (form.seasonal()) {
          double& ds = d.start.season[phase];
          const double dt = m.gamma * ds;
          d.gamma += ((additive ? y - q : y / q) - s) * ds;
          ds -= dt;
          dq -= additive ? dt : dt * y / (q * q);
          ds -= additive ? dp : dp * y / (s * s);
          ds += additive ? dmean : dmean * q;
          dq += additive ? dmean : dmean * s;
        } else {
          dq += dmean;
        }
      }
      d.phi += b * dq;
      dl = dq;
      db = db_before + m.phi * dq;
    }
    d.start.level = dl, d.start.slope = db;
    return d;
  }

 private:
  double floored() const { return std::max(squares_, 1e-18 * known_); }

  std::span<const double> x_;
  double known_ = 0, squares_ = 0;
  std::vector<double> level_, slope_, season_, error_;  // before each cell; of its phase
  EtsState last_;
};

}  // namespace foglift::inline v0::forecast
