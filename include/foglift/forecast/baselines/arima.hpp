#pragma once

#include "foglift/forecast/baselines/arima_model.hpp"
#include "foglift/forecast/baselines/logarithms.hpp"
#include "foglift/forecast/baselines/minimize.hpp"
#include "foglift/forecast/baselines/seasonal_adjustment.hpp"
#include "foglift/forecast/baselines/standard_units.hpp"
#include "foglift/forecast/baselines/stl.hpp"

#include <numeric>
#include <optional>

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
  /// Values in standard units without gaps; NaN in `holes` where one was missing.
  ArimaSearch(std::span<const double> z, std::span<const double> holes, ArimaOrder differencing)
      : z_(z), w_(z.begin(), z.end()), holes_(holes.begin(), holes.end()), base_(differencing) {
    for (Index i = 0; i < base_.D; ++i) difference(base_.period);
    for (Index i = 0; i < base_.d; ++i) difference(1);
    std::vector<bool> known;
    for (const double v : holes_) known.push_back(!std::isnan(v)), known_ += !std::isnan(v);
    squares_.emplace(w_, std::move(known));
  }

  double known() const { return known_; }

  /// The weights of the least squares, roots at 1.01 or beyond.
  ArimaFit fit(const ArimaOrder& order) {
    const auto p = size(order.p), q = size(order.q), P = size(order.P), Q = size(order.Q);
    std::vector<double> x(p + P + q + Q + order.constant);
    const auto part = [&](auto& v, std::size_t from, std::size_t n) {
      return std::span(v).subspan(from, n);
    };
    const double unit = std::sqrt(squares_->operator()({}, {}, 0) / std::max(1.0, known_)) + 1e-12;
    if (order.constant)
      x.back() = std::accumulate(w_.begin(), w_.end(), 0.0) / unit / static_cast<double>(w_.size());
    LagWeights ar, ma;
    const auto set = [&](const std::vector<double>& v) {
      ar = product(part(v, 0, p), part(v, p, P), order.period, -1);
      ma = product(part(v, p + P, q), part(v, p + P + q, Q), order.period, 1);
      return order.constant ? v.back() * unit : 0.0;
    };
    const auto objective = [&](const std::vector<double>& v, std::vector<double>& g) {
      auto minus = v;
      for (double& m : minus) m = -m;
      if (!roots_beyond(part(v, 0, p), 1.01) || !roots_beyond(part(v, p, P), 1.01) ||
          !roots_beyond(part(minus, p + P, q), 1.01) ||
          !roots_beyond(part(minus, p + P + q, Q), 1.01))
        return std::numeric_limits<double>::infinity();
      const double mean = set(v), squares = squares_->operator()(ar, ma, mean);
      std::vector<double> d_ar(ar.lags.size()), d_ma(ma.lags.size());
      const double d_mean = squares_->gradient(ar, ma, d_ar, d_ma) * unit;
      pull_product(d_ar, part(v, 0, p), part(v, p, P), -1, part(g, 0, p), part(g, p, P));
      pull_product(d_ma, part(v, p + P, q), part(v, p + P + q, Q), 1, part(g, p + P, q),
                   part(g, p + P + q, Q));
      if (order.constant) g.back() = d_mean;
      const double floor = std::max(squares, 1e-18 * squares_->used());
      for (double& d : g) d *= 0.5 * known_ / floor;
      return 0.5 * known_ * std::log(floor / squares_->used());
    };
    const double value = minimize(objective, x);
    const double mean = set(x), squares = squares_->operator()(ar, ma, mean);
    const auto k = static_cast<double>(order.parameters());
    ArimaFit out;
    out.model = {
        order, ar, ma, integration(order), mean, squares / std::max(1.0, squares_->used() - k + 1),
        {},    {}, {}};
    out.aicc = squares_->used() > k && known_ > k + 1
                   ? 2 * value + 2 * k * known_ / (known_ - k - 1)
                   : std::numeric_limits<double>::infinity();
    remember(out.model);
    return out;
  }

  /// The model of the least AICc that Hyndman & Khandakar's 2008 steps lead to (section 3.2), with
  /// a constant and without.
  ArimaFit best() {
    const bool may = base_.d + base_.D < 2, season = base_.period > 1;
    std::vector<std::pair<ArimaOrder, double>> seen;
    std::optional<ArimaFit> found;
    const auto consider = [&](Index p, Index q, Index P, Index Q, bool constant) {
      const double never = std::numeric_limits<double>::infinity();
      ArimaOrder o = base_;
      o.p = p, o.q = q, o.P = season ? P : 0, o.Q = season ? Q : 0, o.constant = constant && may;
      if (p < 0 || q < 0 || P < 0 || Q < 0 || p > 5 || q > 5 || P > 2 || Q > 2 ||
          p + q + o.P + o.Q > 5 || 3 * (p + P * o.period) > std::ssize(w_))
        return never;
      for (const auto& [other, value] : seen)
        if (other == o) return never;
      ArimaFit next = fit(o);
      const double aicc = next.aicc;
      seen.emplace_back(o, aicc);
      if (!found || aicc < found->aicc) found = std::move(next);
      return aicc;
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
    return *found;
  }

 private:
  static std::size_t size(Index n) { return static_cast<std::size_t>(n); }
  void difference(Index lag) { w_ = differences(w_, lag), holes_ = differences(holes_, lag); }

  void remember(ArimaModel& m) const {
    const auto last = [](std::span<const double> x, Index n) {
      const auto tail = x.last(static_cast<std::size_t>(std::min(n, std::ssize(x))));
      std::vector<double> out(static_cast<std::size_t>(n) - tail.size());
      out.insert(out.end(), tail.begin(), tail.end());
      return out;
    };
    m.values = last(z_, m.sum.longest());
    m.past = last(w_, m.ar.longest());
    for (double& v : m.past) v -= m.mean;
    m.errors = last(squares_->errors(), m.ma.longest());
  }

  std::span<const double> z_;
  std::vector<double> w_, holes_;
  ArimaOrder base_;
  double known_ = 0;
  std::optional<ArimaSquares> squares_;
};
}  // namespace detail

/// The seasonal ARIMA model of the least AICc, after Hyndman & Khandakar 2008: a seasonal
/// difference where the seasonal_strength() is 0.64 or more, a difference where kpss() rejects a
/// level, orders by steps from four small models, weights by conditional least squares. Gaps are
/// interpolated; their errors enter nothing. Throws ArgumentError for fewer than 5 known values,
/// NumericError for one that is not usable().
inline ArimaFit fit_arima(std::span<const double> history, Index period) {
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
  ArimaFit fit = detail::ArimaSearch(z, holes, base).best();
  fit.location = units.location, fit.scale = units.scale;
  return fit;
}

namespace detail {
/// Paths of fit_arima(), without a look at logarithms.
inline Tensor<double> plain_arima_paths(std::span<const double> history, const BaselineOptions& o,
                                        const Rng& rng) {
  const Index after = filled(history, 5, "arima_paths").after;
  const ArimaFit fit = fit_arima(history, o.season());
  return simulated_paths(
      o, rng, after, [&](std::span<double> path) { fit.model.simulate(path); },
      [&](double v, Index) { return fit.location + fit.scale * v; });
}
}  // namespace detail

/// Paths [paths, horizon] of fit_arima() with the first season, simulated with normal errors; cells
/// missing at the end are simulated and left out. Reads the last 20 seasons or 500 values,
/// whichever is more, and the logarithms of values that spread_follows_level(). Throws as
/// fit_arima.
inline Tensor<double> arima_paths(std::span<const double> history, const BaselineOptions& o,
                                  const Rng& rng) {
  detail::require_baseline(o, history, "arima_paths");
  return detail::in_logarithms(
      detail::recent_seasons(history, o.season()), o.season(),
      [&](std::span<const double> x) { return detail::plain_arima_paths(x, o, rng); });
}

}  // namespace foglift::inline v0::forecast
