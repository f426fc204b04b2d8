#pragma once

#include "foglift/forecast/baselines.hpp"
#include "foglift/forecast/metrics.hpp"
#include "foglift/forecast/window.hpp"

#include <string>

namespace foglift {
inline namespace v0 {
namespace forecast {

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

namespace detail {
/// The series of an origin. Throws ArgumentError if there is none, or the origin lies outside it.
inline const Series& series_of(std::span<const Series> series, const Origin& o, const char* where) {
  if (o.series < 0 || o.series >= static_cast<Index>(series.size()))
    raise<ArgumentError>(where, ": series ", o.series, " of ", series.size());
  const Series& s = series[static_cast<std::size_t>(o.series)];
  if (o.at < 0 || o.at > s.size())
    raise<ArgumentError>(where, ": origin ", o.at, " in a series of ", s.size());
  return s;
}
}  // namespace detail

/// What happened after each origin: [origins, horizon], NaN where it is missing or not yet known.
inline Tensor<double> actual_values(std::span<const Series> series, std::span<const Origin> origins,
                                    Index horizon) {
  Tensor<double> out({static_cast<Index>(origins.size()), horizon},
                     std::numeric_limits<double>::quiet_NaN());
  for (Index w = 0; w < out.dim(0); ++w) {
    const Origin& o = origins[static_cast<std::size_t>(w)];
    const Series& s = detail::series_of(series, o, "actual_values");
    for (Index h = 0; h < horizon && o.at + h < s.size(); ++h)
      out(w, h) = s.values[static_cast<std::size_t>(o.at + h)];
  }
  return out;
}

/// baseline(history, rng) -> [paths, horizon] for the values before every origin, each with a
/// stream of its own: [origins, paths, horizon].
template <class F>
Tensor<double> baseline_paths(std::span<const Series> series, std::span<const Origin> origins,
                              const BaselineOptions& options, const Rng& rng, const F& baseline) {
  Tensor<double> out({static_cast<Index>(origins.size()), options.paths, options.horizon});
  for (std::size_t w = 0; w < origins.size(); ++w) {
    const Origin& o = origins[w];
    const auto& values = detail::series_of(series, o, "baseline_paths").values;
    const Tensor<double> paths = baseline(
        std::span(values).first(static_cast<std::size_t>(o.at)),
        rng.stream(static_cast<std::uint64_t>(o.series)).stream(static_cast<std::uint64_t>(o.at)));
    if (paths.shape() != Shape{options.paths, options.horizon})
      raise<ShapeError>("baseline_paths: the baseline returned ", paths.shape(), ", expected ",
                        Shape{options.paths, options.horizon});
    std::copy(paths.begin(), paths.end(), out.data() + static_cast<Index>(w) * out.row_size());
  }
  return out;
}

/// The numbers a forecast is judged by; see metrics.hpp for their conventions.
struct Score {
  std::string name;
  double crps = 0;
  double quantile_loss = 0;  ///< mean_weighted_quantile_loss with nine levels
  double coverage = 0;       ///< of the central 80 % interval
  double mase = 0;
};

/// Scores of sample paths [origins, paths, horizon]; MASE is relative to the naive forecast of
/// `season` on the values before each origin.
inline Score score(std::string name, const Tensor<double>& paths, std::span<const Series> series,
                   std::span<const Origin> origins, Index season) {
  const Tensor<double> actual = actual_values(series, origins, paths.dim(2));
  std::vector<double> scales;
  for (const Origin& o : origins)
    scales.push_back(seasonal_error(std::span(series[static_cast<std::size_t>(o.series)].values)
                                        .first(static_cast<std::size_t>(o.at)),
                                    season));
  return {std::move(name), crps(paths, actual), mean_weighted_quantile_loss(paths, actual),
          coverage(paths, actual, 0.8), mase(paths, actual, scales)};
}

}  // namespace forecast
}  // namespace v0
}  // namespace foglift
