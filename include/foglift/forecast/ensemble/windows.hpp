#pragma once

#include "foglift/forecast/series/outliers.hpp"
#include "foglift/forecast/series/panel.hpp"

#include <algorithm>

namespace foglift::inline v0::forecast {

/// The cells [first, last) of a series with what stands beside them, and what is known ahead.
inline Series cells_of(const Series& s, Index first, Index last) {
  if (first < 0 || last < first || last > s.size())
    raise<ArgumentError>("cells_of: cells ", first, " to ", last, " of ", s.size());
  Series out = s;
  if (first > 0) {
    const data::Stamp start = s.time.stamp(first);
    out.time.start = s.time.clock.steps_in_utc ? start.utc() : start.seconds;
    out.time.nanoseconds = start.nanoseconds;
  }
  out.values.assign(s.values.begin() + first * s.channels, s.values.begin() + last * s.channels);
  if (!s.known.empty()) out.known = s.known.rows(first, s.known.dim(0) - first);
  if (!s.past.empty()) out.past = s.past.rows(first, last - first);
  return out;
}

/// Where the known values of a series of one channel begin and end.
struct KnownCells {
  Index first = 0, last = 0;  ///< [first, last); both 0 if nothing is known

  static KnownCells of(const Series& s) {
    KnownCells out;
    for (Index t = 0; t < s.size(); ++t)
      if (!std::isnan(s.value(t))) {
        if (out.last == 0) out.first = t;
        out.last = t + 1;
      }
    return out;
  }
};

/// A panel without the empty cells before each series' first value: they say nothing, and change
/// nothing.
class TrimmedPanel {
 public:
  /// Throws ArgumentError for several channels, and for a series without a value.
  explicit TrimmedPanel(const Panel& panel) {
    for (const Series& s : panel) {
      if (s.channels != 1)
        raise<ArgumentError>("Ensemble: series \"", s.name, "\" has ", s.channels,
                             " channels, needed one; see channel_of");
      const KnownCells known = KnownCells::of(s);
      if (known.last == 0) raise<ArgumentError>("Ensemble: series \"", s.name, "\" has no value");
      series_.push_back(cells_of(s, known.first, s.size()));
      skipped_.push_back(known.first);
    }
    if (series_.empty()) raise<ArgumentError>("Ensemble: no series");
  }

  const std::vector<Series>& series() const { return series_; }
  const Series& operator[](Index s) const { return series_[static_cast<std::size_t>(s)]; }
  Index size() const { return std::ssize(series_); }

  /// An origin of the panel among the cells that are left. Throws ArgumentError if there is none
  /// before it.
  Origin here(const Origin& o) const {
    if (o.series < 0 || o.series >= size())
      raise<ArgumentError>("Ensemble: series ", o.series, " of ", size());
    const Index at = o.at - skipped_[static_cast<std::size_t>(o.series)];
    if (at < 1 || at > (*this)[o.series].size())
      raise<ArgumentError>("Ensemble: origin ", o.at, " of series \"", (*this)[o.series].name,
                           "\", whose values begin at cell ",
                           skipped_[static_cast<std::size_t>(o.series)]);
    return {o.series, at};
  }
  Origin there(const Origin& o) const {
    return {o.series, o.at + skipped_[static_cast<std::size_t>(o.series)]};
  }

  /// The values before an origin, gross outliers among them missing; only what stands before it
  /// decides which are.
  std::vector<double> history(const Origin& o, bool mask) const {
    const std::vector<double>& x = (*this)[o.series].values;
    std::vector<double> out(x.begin(), x.begin() + o.at);
    if (mask)
      for (const Outlier& bad : find_outliers(out))
        out[static_cast<std::size_t>(bad.cell)] = std::numeric_limits<double>::quiet_NaN();
    return out;
  }

 private:
  std::vector<Series> series_;
  std::vector<Index> skipped_;
};

/// The windows by which a forecast is made honest. Those of the backtest judge: they do not
/// overlap, and end with the last value. Those before it choose weights and calibration.
struct Windows {
  /// Before the validation, whose cells train a model: what needs no training is judged there too.
  std::vector<Origin> early;
  std::vector<Origin> validation, backtest;  ///< oldest first in every series
  std::vector<Index> cut;                    ///< of each series: where its backtest begins
  Index each = 0;          ///< windows of the longest series' backtest, and of a validation
  double independent = 1;  ///< what early and validation windows are worth each, as they overlap

  static constexpr Index most = 14;

  /// The backtest is a fifth of the series, 1 to 14 windows, or `backtest` of them if it is
  /// positive. Before it stand up to 14 windows, evenly over 14 horizons. A series gets as many of
  /// both as leave it half of its values before the first.
  static Windows of(const TrimmedPanel& panel, Index horizon, Index backtest) {
    Windows out;
    std::vector<Index> ends;
    for (const Series& s : panel.series()) ends.push_back(KnownCells::of(s).last);
    const Index longest = *std::max_element(ends.begin(), ends.end());
    out.each = backtest > 0 ? backtest : std::clamp<Index>(longest / (5 * horizon), 1, most);
    double stretches = 0, chosen = 0;
    for (Index s = 0; s < panel.size(); ++s) {
      const Index end = ends[static_cast<std::size_t>(s)];
      const Index judged = std::min(out.each, std::max<Index>(0, (end - 4) / (2 * horizon)));
      const Index cut = end - judged * horizon, reach = std::min(most * horizon, cut / 2);
      const Index room = reach - horizon, count = room < 0 ? 0 : std::min(most, room + 1);
      for (Index i = 0; i < count; ++i) {
        const Index at = cut - horizon - room * (count - 1 - i) / std::max<Index>(1, count - 1);
        (at < cut - out.each * horizon ? out.early : out.validation).push_back({s, at});
      }
      for (Index w = judged; w > 0; --w) out.backtest.push_back({s, end - w * horizon});
      out.cut.push_back(cut);
      if (count > 0) stretches += static_cast<double>(reach) / static_cast<double>(horizon);
      chosen += static_cast<double>(count);
    }
    if (chosen > 0) out.independent = std::min(1.0, stretches / chosen);
    return out;
  }

  /// All origins: early ones, validation, backtest.
  std::vector<Origin> all() const {
    std::vector<Origin> out = early;
    out.insert(out.end(), validation.begin(), validation.end());
    out.insert(out.end(), backtest.begin(), backtest.end());
    return out;
  }
};

}  // namespace foglift::inline v0::forecast
