#pragma once

#include "foglift/forecast/series/outliers.hpp"
#include "foglift/forecast/series/panel.hpp"

#include <algorithm>

namespace foglift {
inline namespace v0 {
namespace forecast {

/// The cells [first, last) of a series with what stands beside them, and what is known ahead.
inline Series cells_of(const Series& s, Index first, Index last) {
  if (first < 0 || last < first || last > s.size())
    raise<ArgumentError>("cells_of: cells ", first, " to ", last, " of ", s.size());
  Series out = s;
  out.time.start = s.time.at(first);
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

/// The windows by which a forecast is made honest: those of the validation choose weights and
/// calibration, those of the backtest judge. They do not overlap, and end with the last value.
struct Windows {
  std::vector<Origin> validation, backtest;  ///< oldest first in every series
  std::vector<Index> cut;                    ///< of each series: where its backtest begins
  Index each = 0;                            ///< windows of the longest series' backtest

  /// A fifth of the series, 1 to 14 windows, for each of both; `backtest` instead if it is
  /// positive. A series gets as many as leave it half of its values before the first.
  static Windows of(const TrimmedPanel& panel, Index horizon, Index backtest) {
    Windows out;
    std::vector<Index> ends;
    Index longest = 0;
    for (const Series& s : panel.series()) {
      ends.push_back(KnownCells::of(s).last);
      longest = std::max(longest, ends.back());
    }
    out.each = backtest > 0 ? backtest : std::clamp<Index>(longest / (5 * horizon), 1, 14);
    for (Index s = 0; s < panel.size(); ++s) {
      const Index end = ends[static_cast<std::size_t>(s)];
      const Index judged = std::min(out.each, std::max<Index>(0, (end - 4) / (2 * horizon)));
      const Index chosen =
          std::min(out.each, std::max<Index>(0, (end - judged * horizon) / (2 * horizon)));
      out.cut.push_back(end - judged * horizon);
      for (Index w = chosen; w > 0; --w)
        out.validation.push_back({s, out.cut.back() - w * horizon});
      for (Index w = judged; w > 0; --w) out.backtest.push_back({s, end - w * horizon});
    }
    return out;
  }

  /// All origins, those of the validation first.
  std::vector<Origin> all() const {
    std::vector<Origin> out = validation;
    out.insert(out.end(), backtest.begin(), backtest.end());
    return out;
  }
};

}  // namespace forecast
}  // namespace v0
}  // namespace foglift
