#pragma once

#include "foglift/core/tensor.hpp"
#include "foglift/forecast/baselines.hpp"
#include "foglift/forecast/calendar.hpp"

#include <cmath>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace foglift {
inline namespace v0 {
namespace forecast {

/// How a window's values are made comparable with those of other windows and series.
enum class Scaling {
  standard,  ///< minus the mean of the context, over its standard deviation
  mean_abs   ///< over the mean absolute value of the context (Salinas et al. 2020)
};

/// What a network sees of a series at a forecast origin.
struct WindowOptions {
  Index horizon = 24;
  Index context = 48;               ///< cells before the origin that are scaled by and shown
  std::vector<Index> seasons = {};  ///< strongest first; the first one is the naive forecast's
  Calendar calendar = {};
  Scaling scaling = Scaling::standard;

  friend bool operator==(const WindowOptions&, const WindowOptions&) = default;
};

/// A forecast's place: the first cell that is not known, of one of several series.
struct Origin {
  Index series = 0;
  Index at = 0;

  friend bool operator==(const Origin&, const Origin&) = default;
};

/// Windows of B origins, channels last. A value is baseline + scale * target.
struct Windows {
  Tensor<float> features;   ///< [B, horizon, F], all from before the origin or from the calendar
  Tensor<float> target;     ///< [B, horizon, 1], 0 where the value is missing
  Tensor<float> weight;     ///< [B, horizon, 1], 1 where the value is there, else 0
  Tensor<double> baseline;  ///< [B, horizon], the naive forecast
  std::vector<double> scale;
};

/// Cuts windows for networks that run along the horizon alone: the past reaches step h as channels
/// that are aligned with it, so that a forecast costs `horizon` cells and not context + horizon.
/// In order, with x = (value - location) / scale and each value followed by a mask channel (1 =
/// there, else both are 0):
///   for each season, the last two values known of step h's phase;
///   the context folded backwards: at step h of fold k, the value 1 + h + k * horizon before the
///   origin; and the error that the naive forecast from one season earlier made at fold 0;
///   without masks: the lead (h + 1) / horizon, the last value, the naive forecast's error at the
///   origin and its mean over the last `horizon` cells;
///   the calendar at step h.
/// The target is measured from the seasonal naive forecast (the last value, without seasons).
class Windower {
 public:
  /// Throws ArgumentError for a horizon, context or season that is not positive, or a negative
  /// number of harmonics.
  explicit Windower(WindowOptions options) : options_(std::move(options)) {
    if (options_.horizon < 1 || options_.context < 1)
      raise<ArgumentError>("Windower: horizon ", options_.horizon, ", context ", options_.context,
                           "; both must be positive");
    const Calendar& c = options_.calendar;
    if (c.day < 0 || c.week < 0 || c.year < 0)
      raise<ArgumentError>("Windower: calendar harmonics ", c.day, ", ", c.week, ", ", c.year,
                           "; none may be negative");
    for (const Index s : options_.seasons)
      if (s < 1) raise<ArgumentError>("Windower: season ", s, ", must be positive");
  }

  const WindowOptions& options() const { return options_; }
  Index season() const { return options_.seasons.empty() ? 1 : options_.seasons.front(); }
  Index folds() const { return (options_.context + options_.horizon - 1) / options_.horizon; }
  /// Number F of feature channels.
  Index features() const {
    return 4 * static_cast<Index>(options_.seasons.size()) + 2 * folds() + 2 + 4 +
           options_.calendar.channels();
  }

  /// The options in words, for a file of what was trained on such windows.
  std::map<std::string, std::string> description() const {
    const WindowOptions& o = options_;
    const Calendar& c = o.calendar;
    std::string seasons;
    for (const Index s : o.seasons) seasons += (seasons.empty() ? "" : " ") + std::to_string(s);
    return {{"window.horizon", std::to_string(o.horizon)},
            {"window.context", std::to_string(o.context)},
            {"window.seasons", seasons},
            {"window.calendar",
             std::to_string(c.day) + " " + std::to_string(c.week) + " " + std::to_string(c.year)},
            {"window.scaling", o.scaling == Scaling::standard ? "standard" : "mean_abs"}};
  }

  /// Windows at the origins. Cells outside a series are missing. Throws ArgumentError for an origin
  /// without any cell before it, or past the end of its series, or a series without a frequency
  /// whose calendar is to be shown, and NumericError for a value in
  /// reach that is infinite or beyond largest_value.
  Windows operator()(std::span<const Series> series, std::span<const Origin> origins) const {
    return windows(series, origins, true);
  }

  /// The same without features: targets, weights, baseline and scale.
  Windows targets(std::span<const Series> series, std::span<const Origin> origins) const {
    return windows(series, origins, false);
  }

 private:
  /// The cells before the origin; NaN outside.
  struct Past {
    const Series& series;
    Index end;
    double operator()(Index t) const {
      return t >= 0 && t < end ? value_of(series, t) : std::numeric_limits<double>::quiet_NaN();
    }
    /// The value of cell t, or of the nearest earlier one in steps of `step` that is there.
    double last_known(Index t, Index step) const {
      const double v = detail::last_known(
          std::span(series.values).first(static_cast<std::size_t>(end)), t, step);
      if (!usable(v)) refuse(series, t, v);
      return v;
    }
  };

  [[noreturn]] static void refuse(const Series& s, Index t, double v) {
    raise<NumericError>("Windower: series \"", s.name, "\" is ", v, " at or before cell ", t,
                        "; needed at most ", largest_value, " in size, or NaN where it is missing");
  }
  static double value_of(const Series& s, Index t) {
    const double v = s.values[static_cast<std::size_t>(t)];
    if (!usable(v)) refuse(s, t, v);
    return v;
  }

  Windows windows(std::span<const Series> series, std::span<const Origin> origins,
                  bool with_features) const {
    const auto B = static_cast<Index>(origins.size());
    const Index H = options_.horizon;
    Windows out{with_features ? Tensor<float>({B, H, features()}) : Tensor<float>(),
                Tensor<float>({B, H, 1}),
                Tensor<float>({B, H, 1}),
                Tensor<double>({B, H}),
                {}};
    for (Index b = 0; b < B; ++b) {
      const Origin& origin = origins[static_cast<std::size_t>(b)];
      if (origin.series < 0 || origin.series >= static_cast<Index>(series.size()))
        raise<ArgumentError>("Windower: series ", origin.series, " of ", series.size());
      const Series& s = series[static_cast<std::size_t>(origin.series)];
      if (origin.at < 1 || origin.at > s.size())
        raise<ArgumentError>("Windower: origin ", origin.at, " in a series of ", s.size());
      const Past past{s, origin.at};
      const Scale scale = scale_of(past, origin.at);
      fill_target(past, scale, b, out);
      if (with_features) fill_features(past, scale, b, out);
    }
    return out;
  }

  struct Moments {
    double count = 0, mean = 0, mean_abs = 0, deviation = 0;
  };
  struct Scale {
    double location, scale;
  };

  static Moments moments(const Past& past, Index first, Index last) {
    Moments m;
    for (Index t = first; t < last; ++t)
      if (const double v = past(t); !std::isnan(v)) {
        ++m.count;
        m.mean += v;
        m.mean_abs += std::abs(v);
      }
    if (m.count == 0) return m;
    m.mean /= m.count;
    m.mean_abs /= m.count;
    for (Index t = first; t < last; ++t)
      if (const double v = past(t); !std::isnan(v)) m.deviation += (v - m.mean) * (v - m.mean);
    m.deviation = std::sqrt(m.deviation / m.count);
    return m;
  }

  /// Location and scale of the context. A context that is empty or hardly moves takes them from the
  /// four contexts before the origin, so that no window is blown up by a division by almost 0.
  Scale scale_of(const Past& past, Index at) const {
    const Moments near = moments(past, at - options_.context, at);
    const Moments far = moments(past, at - 4 * options_.context, at);
    const Moments& m = near.count > 0 ? near : far;
    const bool centred = options_.scaling == Scaling::standard;
    const double own = centred ? m.deviation : m.mean_abs;
    const double floor = 0.1 * (centred ? far.deviation : far.mean_abs);
    double scale = std::max(own, floor);
    if (!(scale > 1e-9 * m.mean_abs)) scale = m.mean_abs > 0 ? m.mean_abs : 1;
    return {centred ? m.mean : 0, scale};
  }

  void fill_target(const Past& past, const Scale& scale, Index b, Windows& out) const {
    const Series& s = past.series;
    const Index at = past.end;
    out.scale.push_back(scale.scale);
    for (Index h = 0; h < options_.horizon; ++h) {
      const double naive = past.last_known(seasonal_lag(at, h, season()), season());
      out.baseline(b, h) = std::isnan(naive) ? scale.location : naive;
      if (at + h >= s.size() || std::isnan(value_of(s, at + h))) continue;
      out.weight(b, h, 0) = 1;
      out.target(b, h, 0) =
          static_cast<float>((value_of(s, at + h) - out.baseline(b, h)) / scale.scale);
    }
  }

  void fill_features(const Past& past, const Scale& scale, Index b, Windows& out) const {
    const Index H = options_.horizon, at = past.end;
    if (options_.calendar.channels() > 0)
      past.series.time.frequency.check("Windower: the calendar of a series");
    double error_sum = 0, errors = 0, last_error = 0;
    for (Index h = H; h-- > 0;)
      if (const double e = naive_error(past, at - 1 - h); !std::isnan(e))
        error_sum += e, ++errors, last_error = e;
    const double last = past.last_known(at - 1, 1);

    for (Index h = 0; h < H; ++h) {
      float* to = &out.features(b, h, 0);
      const auto put = [&](double v) {
        if (std::abs(v) > most_scales)
          raise<NumericError>("Windower: what is known of series \"", past.series.name,
                              "\" before cell ", at, " lies ", std::abs(v),
                              " scales apart, at most ", most_scales, " can be shown");
        *to++ = std::isnan(v) ? 0.0F : static_cast<float>(v);
      };
      const auto put_masked = [&](double v) {
        put(v);
        *to++ = std::isnan(v) ? 0.0F : 1.0F;
      };
      const auto scaled = [&](double v) { return (v - scale.location) / scale.scale; };
      for (const Index season : options_.seasons)
        for (Index back = 0; back < 2; ++back)
          put_masked(scaled(past(seasonal_lag(at, h, season) - back * season)));
      for (Index k = 0; k < folds(); ++k) {
        const Index distance = 1 + h + k * H;
        put_masked(scaled(past(distance <= options_.context ? at - distance : -1)));
      }
      put_masked(naive_error(past, at - 1 - h) / scale.scale);
      put(static_cast<double>(h + 1) / static_cast<double>(H));
      put(scaled(last));
      put(last_error / scale.scale);
      put(errors > 0 ? error_sum / errors / scale.scale : 0);
      options_.calendar.write(past.series.time.at(at + h),
                              {to, &out.features(b, h, 0) + features()});
    }
  }

  /// What the naive forecast of cell t, made one season before it, was wrong by.
  double naive_error(const Past& past, Index t) const { return past(t) - past(t - season()); }

  static constexpr double most_scales = 1e12;  // of a feature; squares of it stay within float

  WindowOptions options_;
};

}  // namespace forecast
}  // namespace v0
}  // namespace foglift
