#pragma once

#include "foglift/forecast/baselines/akaike.hpp"
#include "foglift/forecast/baselines/ets_model.hpp"
#include "foglift/forecast/baselines/minimize.hpp"
#include "foglift/forecast/baselines/seasonal_adjustment.hpp"
#include "foglift/forecast/baselines/standard_units.hpp"

#include <numeric>

namespace foglift::inline v0::forecast {

/// An ETS model that was fitted: of the values less `location`, divided by `scale`.
struct EtsFit {
  EtsModel model;
  EtsState last;  ///< behind the last value
  double location = 0, scale = 1;
  double aicc = 0;  ///< n log(squares) + 2 sum of log |forecast| + 2 k n / (n - k - 1), unscaled
};

namespace detail {

/// Where the search begins: level and slope of the line of least squares through the first values
/// less their season (Hyndman et al. 2008, section 2.6.1), and the classical season.
inline EtsState first_ets_state(std::span<const double> x, const EtsForm& form) {
  EtsState state;
  SeasonalIndices indices{{0.0}, false};
  if (form.seasonal()) {
    indices = classical_indices(x, form.period, form.season == EtsForm::Season::multiplicative);
    for (double& v : indices.index)
      if (indices.multiplicative) v = std::max(v, 0.01);
    state.season = indices.index;
  }
  const Index n = std::min(std::ssize(x), std::max<Index>(10, 2 * form.period));
  const auto count = static_cast<double>(n);
  double mean = 0, slope = 0;
  const auto adjusted = [&](Index t) { return indices.remove(x[static_cast<std::size_t>(t)], t); };
  for (Index t = 0; t < n; ++t) mean += adjusted(t) / count;
  for (Index t = 0; t < n && n > 1; ++t)
    slope += (static_cast<double>(t) - (count - 1) / 2) * (adjusted(t) - mean) * 12 /
             (count * (count * count - 1));
  state.level = mean;
  if (form.trended()) state.slope = slope, state.level -= slope * (count + 1) / 2;
  return state;
}

inline double logistic(double u) { return 1 / (1 + std::exp(-u)); }

/// The unbounded numbers that the search moves, and what they mean: weights with 1e-4 < beta <
/// alpha < 0.9999, 1e-4 < gamma < 0.9999 and 0.8 < phi < 0.98, and the first state in deviations of
/// the errors.
class EtsCoordinates {
 public:
  EtsCoordinates(const EtsModel& from, double deviation) : from_(from), unit_(deviation) {}

  std::vector<double> begin(double alpha, double share) const {
    const auto inverse = [](double p) { return std::log(p / (1 - p)); };
    std::vector<double> u = {inverse(alpha)};
    if (from_.form.trended()) u.push_back(inverse(share));
    if (from_.form.seasonal()) u.push_back(inverse(share));
    if (from_.form.trend == EtsForm::Trend::damped) u.push_back(inverse(0.9));
    u.resize(u.size() + 1 + from_.form.trended() + from_.start.season.size());
    return u;
  }

  EtsModel model(const std::vector<double>& u) const {
    EtsModel m = from_;
    std::size_t k = 0;
    m.alpha = least + (1 - 2 * least) * logistic(u[k++]);
    m.beta = m.form.trended() ? least + (m.alpha - least) * logistic(u[k++]) : 0;
    m.gamma = m.form.seasonal() ? least + (1 - 2 * least) * logistic(u[k++]) : 0;
    m.phi = m.form.trend == EtsForm::Trend::damped ? 0.8 + 0.18 * logistic(u[k++]) : 1;
    m.start.level += unit_ * u[k++];
    if (m.form.trended()) m.start.slope += unit_ * u[k++];
    for (double& s : m.start.season) s += unit_ * u[k++];
    return m;
  }

  /// From the gradient by the model's numbers to that by u.
  void pull(const std::vector<double>& u, const EtsModel& d, std::vector<double>& g) const {
    const auto slope = [&](std::size_t i) { return logistic(u[i]) * (1 - logistic(u[i])); };
    const EtsModel m = model(u);
    std::size_t k = 1;
    double alpha = d.alpha;
    if (m.form.trended()) {
      g[k] = d.beta * (m.alpha - least) * slope(k);
      alpha += d.beta * logistic(u[k++]);
    }
    if (m.form.seasonal()) g[k] = d.gamma * (1 - 2 * least) * slope(k), ++k;
    if (m.form.trend == EtsForm::Trend::damped) g[k] = d.phi * 0.18 * slope(k), ++k;
    g[0] = alpha * (1 - 2 * least) * slope(0);
    g[k++] = d.start.level * unit_;
    if (m.form.trended()) g[k++] = d.start.slope * unit_;
    for (const double s : d.start.season) g[k++] = s * unit_;
  }

 private:
  static constexpr double least = 1e-4;
  EtsModel from_;
  double unit_;
};

/// A form fitted to values in standard units, NaN where missing; `whole` has no gaps.
inline EtsFit fit_ets_form(std::span<const double> x, std::span<const double> whole,
                           const EtsForm& form) {
  EtsLikelihood likelihood(x);
  const double n = likelihood.known();
  EtsModel from{form, 0, 0, 0, 1, first_ets_state(whole, form), 0};
  double least = std::numeric_limits<double>::infinity(), deviation = 1;
  std::vector<double> u;
  const auto begin = [&] {
    const EtsCoordinates coordinates(from, 1);
    for (const double alpha : {0.05, 0.2, 0.5, 0.8}) {
      auto at = coordinates.begin(alpha, 0.1);
      const double value = likelihood(coordinates.model(at));
      if (!(value < least) && !u.empty()) continue;
      least = value, u = std::move(at);
      deviation = std::sqrt(std::max(likelihood.squares() / n, 1e-18));
    }
  };
  begin();
  if (!std::isfinite(least)) {  // a line that leads below 0 leaves the domain of factors
    from.start.level =
        std::accumulate(whole.begin(), whole.end(), 0.0) / static_cast<double>(whole.size());
    from.start.slope = 0;
    begin();
  }
  const EtsCoordinates coordinates(from, deviation);
  const auto objective = [&](const std::vector<double>& at, std::vector<double>& g) {
    const EtsModel m = coordinates.model(at);
    const double value = 0.5 * likelihood(m);
    if (std::isfinite(value)) coordinates.pull(at, likelihood.half_gradient(m), g);
    return value;
  };
  minimize(objective, u);
  EtsFit fit{coordinates.model(u), {}, 0, 1, 0};
  const auto k = static_cast<double>(form.parameters());
  fit.aicc = likelihood(fit.model) + 2 * k * n / (n - k - 1);
  fit.last = likelihood.last();
  fit.model.variance = likelihood.squares() / std::max(1.0, n - k + 1);
  return fit;
}
}  // namespace detail

/// The model of a form by maximum likelihood (Hyndman et al. 2008, chapter 5), weights in the usual
/// region. Missing values (NaN) enter nothing; those at the end are stepped over. Throws
/// ArgumentError for fewer known values than parameters() + 2, for fewer than two seasons, and for
/// a multiplicative form of values that are not all positive; NumericError for one that is not
/// usable().
inline EtsFit fit_ets(std::span<const double> history, const EtsForm& form) {
  const Filled whole = filled(history, form.parameters() + 2, "fit_ets");
  const auto x = history.last(whole.values.size() + static_cast<std::size_t>(whole.after));
  const bool multiplicative =
      form.multiplicative_error || form.season == EtsForm::Season::multiplicative;
  if (multiplicative && !(*std::min_element(whole.values.begin(), whole.values.end()) > 0))
    raise<ArgumentError>("fit_ets: form ", form.name(), " of values that are not all positive");
  if (form.seasonal() && std::ssize(whole.values) < 2 * form.period)
    raise<ArgumentError>("fit_ets: ", whole.values.size(), " values with season ", form.period,
                         "; needed are two seasons");
  StandardUnits units(whole.values);
  if (multiplicative) units = {0, units.location, 0};
  EtsFit fit = detail::fit_ets_form(units.to(x), units.to(whole.values), form);
  fit.location = units.location, fit.scale = units.scale;
  double known = 0;
  for (const double v : x) known += !std::isnan(v);
  fit.aicc += 2 * known * std::log(units.scale);
  return fit;
}

/// The forms that values allow: A and M errors, no, additive or damped trends, and seasons of the
/// lengths given; multiplicative ones if all values are positive. Forms that the likelihood of
/// short or rough series makes unstable (additive errors of a multiplicative season) are left out.
inline std::vector<EtsForm> ets_forms(std::span<const double> values,
                                      std::span<const Index> periods) {
  using Season = EtsForm::Season;
  Index known = 0;
  bool positive = true;
  for (const double v : values)
    if (!std::isnan(v)) ++known, positive = positive && v > 0;
  std::vector<EtsForm> forms;
  for (const bool error : {false, true})
    for (const auto trend :
         {EtsForm::Trend::none, EtsForm::Trend::additive, EtsForm::Trend::damped})
      for (std::size_t i = 0; i <= periods.size(); ++i)
        for (const Season season : {Season::none, Season::additive, Season::multiplicative}) {
          const EtsForm form{error, trend, season, i ? periods[i - 1] : 1};
          if ((i > 0) != form.seasonal() || (i > 0 && form.period < 2)) continue;
          if (error && !positive) continue;
          if (!error && season == Season::multiplicative) continue;
          if (known < form.parameters() + 2 || known < 2 * form.period) continue;
          forms.push_back(form);
        }
  return forms;
}

/// The models of ets_forms(), the one of the least AICc first, but those that are unlikely beside
/// it. Throws as fit_ets, for fewer than five values.
inline std::vector<EtsFit> fit_ets_forms(std::span<const double> history,
                                         std::span<const Index> periods) {
  const auto forms = ets_forms(history, periods);
  if (forms.empty()) fit_ets(history, EtsForm{});  // says what is missing
  std::vector<EtsFit> fits;
  for (const EtsForm& form : forms) fits.push_back(fit_ets(history, form));
  detail::keep_likely(fits);
  return fits;
}

/// The first of fit_ets_forms().
inline EtsFit fit_ets(std::span<const double> history, std::span<const Index> periods) {
  return fit_ets_forms(history, periods).front();
}

namespace detail {
inline Tensor<double> ets_paths_of(const std::vector<EtsFit>& fits, const BaselineOptions& o,
                                   const Rng& rng) {
  return likely_paths(fits, o, rng, 0, [](const EtsFit& fit, std::span<double> path) {
    fit.model.simulate(fit.last, path);
    for (double& v : path) v = fit.location + fit.scale * v;
  });
}
}  // namespace detail

/// Paths [paths, horizon] of fit_ets_forms(), each of as many as its akaike_weights() say,
/// simulated with normal errors. Seasons of more than 400 cells are left out: that many states are
/// not learned. Reads the last 720 values or 10 seasons, whichever is more: what is older moves the
/// states no more. Throws as fit_ets, for fewer than five known values. Forms with a factor move
/// with the zero point of the values; all others give a y + b the paths a paths + b.
inline Tensor<double> ets_paths(std::span<const double> history, const BaselineOptions& o,
                                const Rng& rng) {
  detail::require_baseline(o, history, "ets_paths");
  std::vector<Index> periods;
  Index longest = 1;
  for (const Index season : o.seasons)
    if (season > 1 && season <= 400) periods.push_back(season), longest = std::max(longest, season);
  const auto recent = detail::recent_values(history, std::max<Index>(720, 10 * longest));
  return detail::ets_paths_of(fit_ets_forms(recent, periods), o, rng);
}

}  // namespace foglift::inline v0::forecast
