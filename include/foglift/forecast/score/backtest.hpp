#pragma once

#include "foglift/forecast/baselines.hpp"
#include "foglift/forecast/score/metrics.hpp"
#include "foglift/forecast/series/panel.hpp"

#include <algorithm>
#include <limits>
#include <string>

namespace foglift::inline v0::forecast {

/// Origins of the last `windows` forecasts of a series that do not overlap and end with it, oldest
/// first. Throws ArgumentError if they would begin before its second cell.
inline std::vector<Origin> rolling_origins(const Series& series, Index horizon, Index windows,
                                           Index index = 0) {
  if (horizon < 1 || windows < 1 || series.size() < horizon * windows + 1)
    raise<ArgumentError>("rolling_origins: ", windows, " windows of ", horizon, " cells in ",
                         series.size());
  std::vector<Origin> origins;
  for (Index w = windows; w > 0; --w) origins.push_back({index, series.size() - w * horizon});
  return origins;
}

/// The same of every series of a panel, in their order.
inline std::vector<Origin> rolling_origins(const Panel& panel, Index horizon, Index windows) {
  std::vector<Origin> origins;
  for (Index s = 0; s < panel.size(); ++s)
    for (const Origin& o : rolling_origins(panel[s], horizon, windows, s)) origins.push_back(o);
  return origins;
}

/// What happened after each origin: [origins, horizon], with an axis of channels behind where there
/// are several; NaN where it is missing or not yet known.
inline Tensor<double> actual_values(const Panel& panel, std::span<const Origin> origins,
                                    Index horizon) {
  const Index W = std::ssize(origins), K = panel.columns().channels;
  Tensor<double> out(K > 1 ? Shape{W, horizon, K} : Shape{W, horizon},
                     std::numeric_limits<double>::quiet_NaN());
  for (Index w = 0; w < W; ++w) {
    const Origin& o = origins[static_cast<std::size_t>(w)];
    const Series& s = panel.at(o, "actual_values");
    const auto known = std::span(s.values).subspan(static_cast<std::size_t>(o.at * K));
    const auto cells = static_cast<std::size_t>(std::min(horizon, s.size() - o.at) * K);
    std::copy_n(known.begin(), cells, out.data() + w * horizon * K);
  }
  return out;
}

namespace detail {
/// The values before an origin. Throws ArgumentError unless the series has one channel.
inline std::span<const double> history(const Panel& panel, const Origin& o, const char* where) {
  const Series& s = panel.at(o, where);
  if (s.channels != 1)
    raise<ArgumentError>(where, ": series \"", s.name, "\" has ", s.channels,
                         " channels, needed one; see channel_of");
  return std::span(s.values).first(static_cast<std::size_t>(o.at));
}
}  // namespace detail

/// baseline(history, rng) -> [paths, horizon] for the values before every origin, each with a
/// stream of its own: [origins, paths, horizon].
template <class F>
Tensor<double> baseline_paths(const Panel& panel, std::span<const Origin> origins,
                              const BaselineOptions& options, const Rng& rng, const F& baseline) {
  Tensor<double> out({static_cast<Index>(origins.size()), options.paths, options.horizon});
  for (std::size_t w = 0; w < origins.size(); ++w) {
    const Origin& o = origins[w];
    const Tensor<double> paths = baseline(
        detail::history(panel, o, "baseline_paths"),
        rng.stream(static_cast<std::uint64_t>(o.series)).stream(static_cast<std::uint64_t>(o.at)));
    if (paths.shape() != Shape{options.paths, options.horizon})
      raise<ShapeError>("baseline_paths: the baseline returned ", paths.shape(), ", expected ",
                        Shape{options.paths, options.horizon});
    std::copy(paths.begin(), paths.end(), out.data() + static_cast<Index>(w) * out.row_size());
  }
  return out;
}

/// The numbers a forecast is judged by; see metrics.hpp for their conventions. NaN where one is not
/// defined, which `undefined` gives the reason of.
struct Score {
  std::string name;
  double crps = std::numeric_limits<double>::quiet_NaN();
  double quantile_loss = crps;  ///< mean_weighted_quantile_loss with nine levels
  double coverage = crps;       ///< of the central 80 % interval
  double mase = crps;           ///< of the windows before which a season shows a change
  std::string undefined = {};   ///< empty if all are
};

/// Scores of sample paths [origins, paths, horizon]; MASE is relative to the naive forecast of
/// `season` on the values before each origin. Windows of which nothing is known, zeros alone, or a
/// past without change make numbers undefined and are no error. Throws ShapeError for paths of
/// other windows, NumericError for a path or a value that can not be scored.
inline Score score(std::string name, const Tensor<double>& paths, const Panel& panel,
                   std::span<const Origin> origins, Index season) {
  detail::require_paths(paths.shape(), "score");
  const Tensor<double> actual = actual_values(panel, origins, paths.dim(2));
  Tensor<double> scaled = actual;
  std::vector<double> scales;
  for (const Origin& o : origins) {
    const double scale = seasonal_error(detail::history(panel, o, "score"), season);
    scales.push_back(scale > 0 ? scale : 1);
    if (scale > 0) continue;
    const auto row = scaled.data() + (std::ssize(scales) - 1) * scaled.dim(1);
    std::fill_n(row, scaled.dim(1), std::numeric_limits<double>::quiet_NaN());
  }
  const auto any = [](const Tensor<double>& values, auto&& is) {
    return std::any_of(values.begin(), values.end(), is);
  };
  const auto known = [](double v) { return !std::isnan(v); };
  Score out{.name = std::move(name)};
  if (!any(actual, known)) {
    out.undefined = "no value is known after any origin";
    return out;
  }
  out.crps = crps(paths, actual);
  out.coverage = coverage(paths, actual, 0.8);
  if (any(actual, [&](double v) { return known(v) && v != 0; }))
    out.quantile_loss = mean_weighted_quantile_loss(paths, actual);
  else
    out.undefined = "quantile loss: all values after the origins are 0";
  if (any(scaled, known))
    out.mase = mase(paths, scaled, scales);
  else
    out.undefined += std::string(out.undefined.empty() ? "" : "; ") +
                     "MASE: no season before an origin shows a change";
  return out;
}

}  // namespace foglift::inline v0::forecast
