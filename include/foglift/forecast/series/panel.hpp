#pragma once

#include "foglift/core/tensor.hpp"
#include "foglift/forecast/series/time_axis.hpp"
#include "foglift/forecast/series/value.hpp"

#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace foglift::inline v0::forecast {

/// Values on a regular grid of times, with what is known beside them. NaN is a missing one, in
/// values, covariates and statics alike.
struct Series {
  std::string name = {};
  TimeAxis time = {};
  std::vector<double> values = {};  ///< [cells, channels]: what is forecast
  Index channels = 1;
  /// [cells + ahead, columns] of covariates that are known beyond the last cell: holidays, plans.
  Tensor<double> known = {};
  Tensor<double> past = {};          ///< [cells, columns] of covariates that are not
  std::vector<double> statics = {};  ///< numbers of the whole series: a place, a size

  /// Number of cells.
  Index size() const {
    const auto n = static_cast<Index>(values.size());
    return channels > 1 ? n / channels : n;
  }
  double value(Index cell, Index channel = 0) const {
    return values[static_cast<std::size_t>(cell * channels + channel)];
  }
};

/// One channel of a series as a series of its own, with all that stands beside it.
inline Series channel_of(const Series& s, Index channel) {
  if (channel < 0 || channel >= s.channels)
    raise<ArgumentError>("channel_of: channel ", channel, " of ", s.channels);
  Series one = s;
  one.channels = 1;
  one.values.clear();
  for (Index t = 0; t < s.size(); ++t) one.values.push_back(s.value(t, channel));
  return one;
}

/// How many columns of each kind the series of a panel have.
struct Columns {
  Index channels = 1, known = 0, past = 0, statics = 0;

  static Columns of(const Series& s) {
    const auto width = [](const Tensor<double>& t) { return t.rank() == 2 ? t.dim(1) : 0; };
    return {s.channels, width(s.known), width(s.past), std::ssize(s.statics)};
  }

  friend bool operator==(const Columns&, const Columns&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Columns& c) {
    return out << c.channels << " channels, " << c.known << " known and " << c.past
               << " past covariates, " << c.statics << " statics";
  }
};

/// A forecast's place: the first cell that is not known, of one of several series.
struct Origin {
  Index series = 0;
  Index at = 0;

  friend bool operator==(const Origin&, const Origin&) = default;
};

/// Several series of the same columns; they may begin, end and step at times of their own. Refers
/// to them, so they must outlive it.
class Panel {
 public:
  /// Throws ShapeError, naming the series, unless all have the same columns, and as many rows of
  /// them as cells (of `known` at least as many).
  explicit Panel(std::span<const Series> series) : series_(series) {
    if (!series.empty()) columns_ = Columns::of(series.front());
    for (const Series& s : series) check(s);
  }
  Panel(const std::vector<Series>& series) : Panel(std::span<const Series>(series)) {}

  /// Number of series.
  Index size() const { return std::ssize(series_); }
  const Series& operator[](Index i) const { return series_[static_cast<std::size_t>(i)]; }
  auto begin() const { return series_.begin(); }
  auto end() const { return series_.end(); }
  /// Of an empty panel: one channel.
  const Columns& columns() const { return columns_; }

  /// The series of an origin that stands in [first, its end]. Throws ArgumentError, beginning with
  /// `where`, if there is none.
  const Series& at(const Origin& o, const char* where, Index first = 0) const {
    if (o.series < 0 || o.series >= size())
      raise<ArgumentError>(where, ": series ", o.series, " of ", size());
    const Series& s = (*this)[o.series];
    if (o.at < first || o.at > s.size())
      raise<ArgumentError>(where, ": origin ", o.at, " in a series of ", s.size());
    return s;
  }

 private:
  void check(const Series& s) const {
    const auto refuse = [&](const auto&... why) {
      raise<ShapeError>("Panel: series \"", s.name, "\" ", why...);
    };
    if (s.channels < 1 || std::ssize(s.values) % s.channels != 0)
      refuse("has ", s.values.size(), " values of ", s.channels, " channels");
    if (const Columns own = Columns::of(s); own != columns_)
      refuse("has ", own, "; the first one has ", columns_);
    if (!s.past.empty() && s.past.dim(0) != s.size())
      refuse("has ", s.size(), " cells and past covariates ", s.past.shape());
    if (!s.known.empty() && s.known.dim(0) < s.size())
      refuse("has ", s.size(), " cells and known covariates ", s.known.shape());
  }

  std::span<const Series> series_;
  Columns columns_;
};

}  // namespace foglift::inline v0::forecast
