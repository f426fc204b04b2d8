#pragma once

#include "foglift/forecast/series/calendar.hpp"
#include "foglift/forecast/series/panel.hpp"

#include <cmath>
#include <map>
#include <string>
#include <vector>

namespace foglift::inline v0::forecast {

/// How values are made comparable with those of other origins and series.
enum class Scaling {
  standard,  ///< minus the mean of the context, over its standard deviation
  mean_abs,  ///< over the mean absolute value of the context (Salinas et al. 2020)
  panel      ///< minus a channel's mean in all training cells, over its standard deviation there
};

/// What targets are measured from.
enum class Center {
  naive,     ///< the seasonal naive forecast; without seasons the last value
  location,  ///< the location of the context, so that context and target are of one unit
  last,      ///< the last value
  shifted    ///< the seasonal naive forecast, moved by the error that it made at the last value
};

/// What a method needs of a panel at a forecast origin.
struct FrameOptions {
  Index horizon = 24;
  Index context = 48;               ///< cells before the origin that are scaled by
  std::vector<Index> seasons = {};  ///< strongest first; the first one is the naive forecast's
  Calendar calendar = {};
  Scaling scaling = Scaling::standard;
  Center center = Center::naive;
  Columns columns = {};  ///< of the panel: Panel(series).columns()
  Index reach = 0;       ///< cells before the origin that are shown; 0: the context
  Index lead = 0;  ///< cells before the origin whose calendar and known covariates are shown too

  /// Throws ArgumentError for a horizon, context or season that is not positive, or a number of
  /// anything else that is negative.
  void check(const char* where) const {
    if (horizon < 1 || context < 1)
      raise<ArgumentError>(where, ": horizon ", horizon, ", context ", context,
                           "; both must be positive");
    if (calendar.day < 0 || calendar.week < 0 || calendar.year < 0)
      raise<ArgumentError>(where, ": calendar harmonics ", calendar.day, ", ", calendar.week, ", ",
                           calendar.year, "; none may be negative");
    for (const Index s : seasons)
      if (s < 1) raise<ArgumentError>(where, ": season ", s, ", must be positive");
    if (columns.channels < 1 || columns.known < 0 || columns.past < 0 || columns.statics < 0)
      raise<ArgumentError>(where, ": ", columns, "; needed at least one channel");
    if (reach < 0 || lead < 0)
      raise<ArgumentError>(where, ": reach ", reach, ", lead ", lead, "; none may be negative");
  }

  Index season() const { return seasons.empty() ? 1 : seasons.front(); }
  Index shown() const { return reach > 0 ? reach : context; }

  /// The choices in words, for a file of what was trained on such frames; what files of before did
  /// not know is named only where it is not as it was then. `reach` and `lead` follow from a method
  /// and its other choices, or else the method describes them.
  std::map<std::string, std::string> description() const {
    std::string all;
    for (const Index s : seasons) all += (all.empty() ? "" : " ") + std::to_string(s);
    const auto text = [](auto... numbers) {
      std::string out;
      ((out += (out.empty() ? "" : " ") + std::to_string(numbers)), ...);
      return out;
    };
    std::map<std::string, std::string> out{
        {"window.horizon", text(horizon)},
        {"window.context", text(context)},
        {"window.seasons", all},
        {"window.calendar", text(calendar.day, calendar.week, calendar.year)},
        {"window.scaling", scaling == Scaling::standard   ? "standard"
                           : scaling == Scaling::mean_abs ? "mean_abs"
                                                          : "panel"}};
    if (center != Center::naive)
      out["window.center"] = center == Center::location ? "location"
                             : center == Center::last   ? "last"
                                                        : "shifted";
    if (columns != Columns{})
      out["window.columns"] = text(columns.channels, columns.known, columns.past, columns.statics);
    return out;
  }
};

/// What is known, and what came, at B origins: channels last, in the units of the series. Of C
/// cells before an origin (FrameOptions::shown), H after it, and `lead` + H around it. What stands
/// where a mask is 0 says nothing; it is 0.
struct Frame {
  std::vector<Origin> keys;    ///< [B]: of which series, from which cell on
  Tensor<double> context;      ///< [B, C, K] values before the origin
  Tensor<float> context_mask;  ///< [B, C, K], 1 where a value is there, else 0
  Tensor<double> target;       ///< [B, H, K] values after it
  Tensor<float> target_mask;   ///< [B, H, K]
  Tensor<double> center;       ///< [B, H, K] what targets are measured from
  Tensor<double> last;         ///< [B, K] the last value there; the location if there is none
  Tensor<double> location;     ///< [B, K] of values before the origin
  Tensor<double> scale;        ///< [B, K] > 0
  double spread = 1;           ///< of (target - center) / scale among training frames
  Tensor<float> time;          ///< [B, lead + H, Calendar::channels()] waves of the calendar
  Tensor<float> known;         ///< [B, lead + H, known] covariates, standardized
  Tensor<float> known_mask;    ///< [B, lead + H, known]
  Tensor<float> past;          ///< [B, C, past] covariates, standardized
  Tensor<float> past_mask;     ///< [B, C, past]
  Tensor<float> statics;       ///< [B, statics], standardized, 0 where missing

  Index size() const { return std::ssize(keys); }
  Index horizon() const { return target.dim(1); }
  Index channels() const { return target.dim(2); }

  /// The value of channel k in the cell t before the origin (1: the last one); NaN where it is
  /// missing, or not shown.
  double before(Index b, Index t, Index k) const {
    const Index c = context.dim(1) - t;
    return t > 0 && c >= 0 && context_mask(b, c, k) != 0 ? context(b, c, k)
                                                         : std::numeric_limits<double>::quiet_NaN();
  }

  /// (context - location) / scale: [B, C, K], 0 where it is missing.
  Tensor<float> scaled_context() const {
    return scaled(context, context_mask, 1,
                  [&](Index b, Index, Index k) { return location(b, k); });
  }

  /// (target - center) / scale / spread: [B, H, K], 0 where it is missing. What a network learns,
  /// and what a method draws.
  Tensor<float> scaled_target() const {
    return scaled(target, target_mask, spread,
                  [&](Index b, Index h, Index k) { return center(b, h, k); });
  }

  /// The value that a scaled target z of row b stands for.
  double unscaled(double z, Index b, Index h, Index k) const {
    return center(b, h, k) + scale(b, k) * spread * z;
  }

  /// `count` origins from `first` on.
  Frame rows(Index first, Index count) const {
    Frame out;
    out.spread = spread;
    out.keys.assign(keys.begin() + first, keys.begin() + first + count);
    for (Tensor<double> Frame::*t : {&Frame::context, &Frame::target, &Frame::center, &Frame::last,
                                     &Frame::location, &Frame::scale})
      out.*t = (this->*t).rows(first, count);
    for (Tensor<float> Frame::*t :
         {&Frame::context_mask, &Frame::target_mask, &Frame::time, &Frame::known,
          &Frame::known_mask, &Frame::past, &Frame::past_mask, &Frame::statics})
      out.*t = (this->*t).rows(first, count);
    return out;
  }

 private:
  template <class From>
  Tensor<float> scaled(const Tensor<double>& values, const Tensor<float>& mask, double unit,
                       const From& from) const {
    Tensor<float> out(values.shape());
    for (Index b = 0, i = 0; b < values.dim(0); ++b)
      for (Index t = 0; t < values.dim(1); ++t)
        for (Index k = 0; k < values.dim(2); ++k, ++i)
          if (mask[i] != 0)
            out[i] = static_cast<float>((values[i] - from(b, t, k)) / scale(b, k)) /
                     static_cast<float>(unit);
    return out;
  }
};

}  // namespace foglift::inline v0::forecast
