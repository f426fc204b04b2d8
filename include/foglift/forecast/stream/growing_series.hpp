#pragma once

#include "foglift/forecast/series/panel.hpp"

#include <span>
#include <utility>

namespace foglift::inline v0::forecast {

/// A series that grows by a cell at a time, as a stream forecasts it. All cells are kept, 8 bytes a
/// value.
class GrowingSeries {
 public:
  /// Throws ArgumentError for past covariates, which a stream does not take, and ShapeError for
  /// what Panel refuses.
  GrowingSeries(Series past, const char* where) : series_(std::move(past)) {
    if (panel().columns().past > 0) raise<ArgumentError>(where, ": past covariates are not taken");
  }

  const Series& series() const { return series_; }
  Panel panel() const { return Panel(std::span(&series_, 1)); }
  /// The first cell that is not known.
  Origin origin() const { return {0, series_.size()}; }

  /// Appends the values of a cell's channels; NaN where one is missing. Throws ArgumentError for
  /// another number of them, or where the known covariates do not reach that far, and NumericError
  /// for one that is not usable(); the series is then as it was.
  void append(std::span<const double> values, const char* where) {
    if (std::ssize(values) != series_.channels)
      raise<ArgumentError>(where, ": ", values.size(), " values, needed ", series_.channels);
    if (!series_.known.empty() && series_.known.dim(0) <= series_.size())
      raise<ArgumentError>(where, ": known covariates of ", series_.known.dim(0),
                           " cells do not reach cell ", series_.size());
    for (const double v : values)
      if (!usable(v))
        raise<NumericError>(where, ": a value is ", v, "; needed at most ", largest_value,
                            " in size, or NaN where it is missing");
    series_.values.insert(series_.values.end(), values.begin(), values.end());
  }

 private:
  Series series_;
};

}  // namespace foglift::inline v0::forecast
