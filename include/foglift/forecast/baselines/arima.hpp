#pragma once

#include "foglift/forecast/baselines/akaike.hpp"
#include "foglift/forecast/baselines/arima_likelihood.hpp"
#include "foglift/forecast/baselines/logarithms.hpp"
#include "foglift/forecast/baselines/minimize.hpp"
#include "foglift/forecast/baselines/seasonal_adjustment.hpp"
#include "foglift/forecast/baselines/standard_units.hpp"
#include "foglift/forecast/baselines/stl.hpp"

#include <array>
#include <numeric>
#include <optional>
#include <utility>

namespace foglift::inline v0::forecast {

/// The statistic of Kwiatkowski, Phillips, Schmidt & Shin 1992 that a series has a level, with
/// Bartlett weights up to lag 3 sqrt(n) / 13; above 0.463 a level is rejected at 5 %.
inline double kpss(std::span<const double> x) {
  const auto n = static_cast<double>(x.size());
  const double mean = std::accumulate(x.begin(), x.end(), 0.0) / n;
  double sum = 0, squares = 0;
  for (const double v : x) sum += v - mean, squares += sum * sum;
  const auto lags = static_cast<Index>(3 * std::sqrt(n) / 13);
  double variance = 0;
  for (Index lag = 0; lag <= lags; ++lag) {
    double product = 0;
    for (Index t = lag; t < std::ssize(x); ++t)
      product +=
          (x[static_cast<std::size_t>(t)] - mean) * (x[static_cast<std::size_t>(t - lag)] - mean);
    variance += (lag ? 2 * (1 - static_cast<double>(lag) / static_cast<double>(lags + 1)) : 1) *
                product / n;
  }
  return squares > 0 ? squares / (n * n * variance) : 0;
}

/// The strength of a season, 1 - variance of what STL leaves over that of it and the season
/// together, at least 0 (Wang, Smith & Hyndman 2006).
inline double seasonal_strength(std::span<const double> x, Index period) {
  const Decomposition parts = stl(x, {.period = period, .seasonal = 11, .sparse = true});
  const auto n = static_cast<double>(x.size());
  double m_rest = 0, m_both = 0, rest = 0, both = 0;
  for (std::size_t t = 0; t < x.size(); ++t) {
    const double b = x[t] - parts.trend[t], r = b - parts.season[t];
    m_rest += r / n, m_both += b / n, rest += r * r / n, both += b * b / n;
  }
  rest -= m_rest * m_rest, both -= m_both * m_both;
  return both > 0 ? std::max(0.0, 1 - rest / both) : 0;
}

/// An ARIMA model that was fitted: of the values less `location`, divided by `scale`.
struct ArimaFit {
  ArimaModel model;
  double location = 0, scale = 1;
  double aicc = 0;  ///< n log(squares / number) + 2 k n / (n - k - 1), scaled
};

/// By which likelihood an ARIMA model is fitted: that of all values, or of those after the first
/// ones, given them.
enum class ArimaFitting { exact, conditional };

namespace detail {

inline std::vector<double> differences(std::span<const double> x, Index lag) {
  std::vector<double> out;
  for (Index t = lag; t < std::ssize(x); ++t)
    out.push_back(x[static_cast<std::size_t>(t)] - x[static_cast<std::size_t>(t - lag)]);
  return out;
}

/// Fits ARIMA models to one series, differenced.
class ArimaSearch {
 public:
  /// The exact likelihood costs as much a cell as the longest lag: beyond this period it is left.
  static constexpr Index longest_exact = 60;

  /// Values in standard units without gaps; NaN in `holes` where one was missing, which makes the
  /// fitting conditional, as a long period does.
  ArimaSearch(std::span<const double> z, std::span<const double> holes, ArimaOrder differencing,
              ArimaFitting fitting = ArimaFitting::exact)
      : z_(z), w_(z.begin(), z.end()), holes_(holes.begin(), holes.end()), base_(differencing) {
    for (Index i = 0; i < base_.D; ++i) difference(base_.period);
    for (Index i = 0; i < base_.d; ++i) difference(1);
    std::vector<bool> known;
    for (const double v : holes_) known.push_back(!std::isnan(v)), known_ += !std::isnan(v);
    exact_ = fitting == ArimaFitting::exact && base_.period <= longest_exact &&
             known_ == static_cast<double>(w_.size());
    squares_.emplace(w_, std::move(known));
    likelihood_.emplace(w_);
  }

  double known() const { return known_; }

  /// The weights of the greatest likelihood, roots at 1.01 or beyond.
  ArimaFit fit(const ArimaOrder& order) { return fit(order, exact_); }

  /// The models that Hyndman & Khandakar's 2008 steps (section 3.2) to the least AICc come by, with
  /// a constant and without, but those that are unlikely; the best one first. Of more than 150
  /// values, or periods beyond 12, the steps go by the conditional likelihood, which takes a
  /// fraction of the time, and the exact one is left to choose among the four that seem best.
  std::vector<ArimaFit> likely() {
    const bool may = base_.d + base_.D < 2, season = base_.period > 1;
    const bool exactly = exact_ && std::ssize(w_) <= 150 && base_.period <= 12;
    std::vector<ArimaOrder> seen;
    std::vector<ArimaFit> found;
    const auto consider = [&](Index p, Index q, Index P, Index Q, bool constant) {
      const double never = std::numeric_limits<double>::infinity();
      ArimaOrder o = base_;
      o.p = p, o.q = q, o.P = season ? P : 0, o.Q = season ? Q : 0, o.constant = constant && may;
      if (p < 0 || q < 0 || P < 0 || Q < 0 || p > 5 || q > 5 || P > 2 || Q > 2 ||
          p + q + o.P + o.Q > 5 || 3 * (p + P * o.period) > std::ssize(w_))
        return never;
      if (std::find(seen.begin(), seen.end(), o) != seen.end()) return never;
      found.push_back(fit(o, exactly));
      seen.push_back(o);
      return found.back().aicc;
    };
    for (const bool constant : {true, false}) {
      ArimaOrder at = base_;
      double least = std::numeric_limits<double>::infinity();
      const auto better = [&](Index p, Index q, Index P, Index Q) {
        const double value = consider(p, q, P, Q, constant);
        if (!(value < least)) return false;
        least = value, at.p = p, at.q = q, at.P = P, at.Q = Q;
        return true;
      };
      better(0, 0, 0, 0), better(2, 2, 1, 1), better(1, 0, 1, 0), better(0, 1, 0, 1);
      static constexpr Index steps[] = {1, -1};
      for (bool moved = true; moved;) {
        moved = false;
        for (const Index s : steps)
          moved = moved || better(at.p, at.q, at.P + s, at.Q) ||
                  better(at.p, at.q, at.P, at.Q + s) || better(at.p, at.q, at.P + s, at.Q + s) ||
                  better(at.p, at.q, at.P + s, at.Q - s);
        for (const Index s : steps)
          moved = moved || better(at.p + s, at.q, at.P, at.Q) ||
                  better(at.p, at.q + s, at.P, at.Q) || better(at.p + s, at.q + s, at.P, at.Q) ||
                  better(at.p + s, at.q - s, at.P, at.Q);
      }
      if (!may) break;
    }
    keep_likely(found);
    if (exact_ && !exactly) {
      found.resize(std::min<std::size_t>(found.size(), 4));
      for (ArimaFit& f : found) f = fit(f.model.order);
      keep_likely(found);
    }
    return found;
  }

 private:
  /// Where the weights of an order stand among the numbers that a search moves.
  struct Weights {
    ArimaOrder order;

    explicit Weights(const ArimaOrder& o) : order(o) {}
    std::size_t size() const {
      return static_cast<std::size_t>(order.p + order.P + order.q + order.Q);
    }
    /// Those of p, P, q and Q in v.
    template <class V>
    auto parts(V& v) const {
      std::size_t from = 0;
      const auto next = [&](Index n) {
        const auto part = std::span(v).subspan(from, static_cast<std::size_t>(n));
        from += part.size();
        return part;
      };
      const auto p = next(order.p), P = next(order.P), q = next(order.q), Q = next(order.Q);
      return std::array{p, P, q, Q};
    }
    std::pair<LagWeights, LagWeights> of(const std::vector<double>& v) const {
      const auto [p, P, q, Q] = parts(v);
      return {product(p, P, order.period, -1), product(q, Q, order.period, 1)};
    }
    bool allowed(const std::vector<double>& v) const {
      auto minus = v;
      for (double& m : minus) m = -m;
      const auto [p, P, q, Q] = parts(v);
      const auto moving = parts(minus);
      return roots_beyond(p, 1.01) && roots_beyond(P, 1.01) && roots_beyond(moving[2], 1.01) &&
             roots_beyond(moving[3], 1.01);
    }
  };
  struct Found {
    double value = 0, mean = 0;
  };

  ArimaFit fit(const ArimaOrder& order, bool exact) {
    const Weights weights(order);
    std::vector<double> x = conditional(weights);
    double value = conditional_.value, mean = conditional_.mean;
    if (exact) {
      x.resize(weights.size());
      value = maximize(weights, x);
    }
    const auto [ar, ma] = weights.of(x);
    const auto k = static_cast<double>(order.parameters());
    double squares = 0, used = known_;
    if (exact) {
      (*likelihood_)(ar, ma, order.constant);
      mean = likelihood_->mean(), squares = likelihood_->squares();
    } else {
      squares = (*squares_)(ar, ma, mean), used = squares_->used();
    }
    ArimaFit out;
    out.model = {order, ar, ma, integration(order), mean, squares / std::max(1.0, used - k + 1),
                 {},    {}, {}};
    out.aicc = used > k && known_ > k + 1 ? value + 2 * k * known_ / (known_ - k - 1)
                                          : std::numeric_limits<double>::infinity();
    remember(out.model, exact);
    return out;
  }

  void difference(Index lag) { w_ = differences(w_, lag), holes_ = differences(holes_, lag); }

  /// The weights of the least conditional squares, and the mean where it is wanted.
  std::vector<double> conditional(const Weights& weights) {
    const bool constant = weights.order.constant;
    std::vector<double> x(weights.size() + constant);
    const double unit = std::sqrt((*squares_)({}, {}, 0) / std::max(1.0, known_)) + 1e-12;
    if (constant)
      x.back() = std::accumulate(w_.begin(), w_.end(), 0.0) / unit / static_cast<double>(w_.size());
    const auto objective = [&](const std::vector<double>& v, std::vector<double>& g) {
      if (!weights.allowed(v)) return std::numeric_limits<double>::infinity();
      const auto [ar, ma] = weights.of(v);
      const double squares = (*squares_)(ar, ma, constant ? v.back() * unit : 0);
      std::vector<double> d_ar(ar.lags.size()), d_ma(ma.lags.size());
      const double d_mean = squares_->gradient(ar, ma, d_ar, d_ma) * unit;
      const auto [p, P, q, Q] = weights.parts(v);
      const auto [gp, gP, gq, gQ] = weights.parts(g);
      pull_product(d_ar, p, P, -1, gp, gP);
      pull_product(d_ma, q, Q, 1, gq, gQ);
      if (constant) g.back() = d_mean;
      const double floor = std::max(squares, 1e-18 * squares_->used());
      for (double& d : g) d *= 0.5 * known_ / floor;
      return 0.5 * known_ * std::log(floor / squares_->used());
    };
    conditional_.value = 2 * minimize(objective, x);
    conditional_.mean = constant ? x.back() * unit : 0;
    return x;
  }

  /// Moves weights to the greatest exact likelihood; returns minus twice its logarithm. The
  /// gradient is that of central differences, or of one side where the domain ends.
  double maximize(const Weights& weights, std::vector<double>& x) {
    const auto at = [&](const std::vector<double>& v) {
      if (!weights.allowed(v)) return std::numeric_limits<double>::infinity();
      const auto [ar, ma] = weights.of(v);
      return 0.5 * (*likelihood_)(ar, ma, weights.order.constant);
    };
    const auto objective = [&](const std::vector<double>& v, std::vector<double>& g) {
      constexpr double step = 1e-4;
      const double here = at(v);
      if (!std::isfinite(here)) return here;
      std::vector<double> moved = v;
      for (std::size_t i = 0; i < v.size(); ++i) {
        moved[i] = v[i] + step;
        const double above = at(moved);
        moved[i] = v[i] - step;
        const double below = at(moved);
        moved[i] = v[i];
        g[i] = !std::isfinite(above)   ? (here - below) / step
               : !std::isfinite(below) ? (above - here) / step
                                       : (above - below) / (2 * step);
      }
      return here;
    };
    return 2 * minimize(objective, x);
  }

  void remember(ArimaModel& m, bool exact) const {
    const auto last = [](std::span<const double> x, Index n) {
      const auto tail = x.last(static_cast<std::size_t>(std::min(n, std::ssize(x))));
      std::vector<double> out(static_cast<std::size_t>(n) - tail.size());
      out.insert(out.end(), tail.begin(), tail.end());
      return out;
    };
    m.values = last(z_, m.sum.longest());
    m.past = last(w_, m.ar.longest());
    for (double& v : m.past) v -= m.mean;
    const Index reach = m.ma.longest();
    auto e = last(squares_->errors(), reach), w = m.past;
    for (Index h = 0; h < reach; ++h) {
      double& carried = m.carried.emplace_back();
      if (exact) {
        carried = likelihood_->ahead()[static_cast<std::size_t>(h)];
        w.push_back(carried);
        for (std::size_t i = 0; i < m.ar.lags.size(); ++i)
          carried -= m.ar.weights[i] * w[w.size() - 1 - static_cast<std::size_t>(m.ar.lags[i])];
      } else {
        for (std::size_t i = 0; i < m.ma.lags.size(); ++i)
          if (m.ma.lags[i] > h)
            carried += m.ma.weights[i] * e[static_cast<std::size_t>(reach + h - m.ma.lags[i])];
      }
    }
  }

  std::span<const double> z_;
  std::vector<double> w_, holes_;
  ArimaOrder base_;
  double known_ = 0;
  bool exact_ = false;
  Found conditional_;  // by the last conditional()
  std::optional<ArimaSquares> squares_;
  std::optional<ArimaLikelihood> likelihood_;
};
}  // namespace detail

/// Seasonal ARIMA models after Hyndman & Khandakar 2008, the one of the least AICc first, but those
/// that are unlikely beside it: a seasonal difference where the seasonal_strength() is 0.64 or
/// more, a difference where kpss() rejects a level, orders by steps from four small models, weights
/// by the exact likelihood. Where values are missing, or the period is beyond 60, it is
/// conditional: gaps are interpolated, and their errors enter nothing. Throws ArgumentError for
/// fewer than 5 known values, NumericError for one that is not usable().
inline std::vector<ArimaFit> fit_arimas(std::span<const double> history, Index period) {
  const Filled whole = filled(history, period, 5, "fit_arima");
  const StandardUnits units(whole.values);
  const auto z = units.to(whole.values);
  const auto holes =
      history.subspan(history.size() - whole.values.size() - static_cast<std::size_t>(whole.after),
                      whole.values.size());
  ArimaOrder base;
  if (period > 1 && std::ssize(z) >= 2 * period + 5) base.period = period;
  if (base.period > 1 && seasonal_strength(z, period) >= 0.64) base.D = 1;
  const auto seasoned = base.D ? detail::differences(z, period) : z;
  for (auto level = seasoned; base.d + base.D < 2 && kpss(level) > 0.463; ++base.d) {
    auto next = detail::differences(level, 1);
    // A second difference of what is rough already leaves more than it takes.
    if (base.d > 0 && detail::dot(next, next) > detail::dot(level, level)) break;
    level = std::move(next);
  }
  auto fits = detail::ArimaSearch(z, holes, base).likely();
  for (ArimaFit& fit : fits) fit.location = units.location, fit.scale = units.scale;
  return fits;
}

/// The first of fit_arimas().
inline ArimaFit fit_arima(std::span<const double> history, Index period) {
  return fit_arimas(history, period).front();
}

namespace detail {
/// Paths of fit_arimas(), without a look at logarithms.
inline Tensor<double> plain_arima_paths(std::span<const double> history, const BaselineOptions& o,
                                        const Rng& rng) {
  const Index after = filled(history, 5, "arima_paths").after;
  return likely_paths(fit_arimas(history, o.season()), o, rng, after,
                      [](const ArimaFit& fit, std::span<double> path) {
                        fit.model.simulate(path);
                        for (double& v : path) v = fit.location + fit.scale * v;
                      });
}
}  // namespace detail

/// Paths [paths, horizon] of fit_arimas() with the first season, each of as many as its
/// akaike_weights() say, simulated with normal errors; cells missing at the end are simulated and
/// left out. Reads the last 20 seasons or 500 values, whichever is more, and the logarithms of
/// values that spread_follows_level(). Throws as fit_arimas.
inline Tensor<double> arima_paths(std::span<const double> history, const BaselineOptions& o,
                                  const Rng& rng) {
  detail::require_baseline(o, history, "arima_paths");
  return detail::in_logarithms(
      detail::recent_seasons(history, o.season()), o.season(),
      [&](std::span<const double> x) { return detail::plain_arima_paths(x, o, rng); });
}

}  // namespace foglift::inline v0::forecast
