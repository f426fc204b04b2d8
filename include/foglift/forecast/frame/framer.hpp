#pragma once

#include "foglift/forecast/baselines.hpp"
#include "foglift/forecast/frame/scaler.hpp"

namespace foglift::inline v0::forecast {

/// Makes the frames of a panel at origins. A frame's row depends on its origin alone, and all of it
/// but targets and their masks on nothing from the origin on, known covariates aside.
class Framer {
 public:
  /// Throws ArgumentError for options that FrameOptions::check refuses.
  explicit Framer(FrameOptions options) : options_(std::move(options)) { options_.check("Framer"); }

  const FrameOptions& options() const { return options_; }

  /// Frames at the origins. Cells outside a series are missing. Throws ArgumentError for an origin
  /// without any cell before it, or past the end of its series, a panel of other columns, or a
  /// series without a frequency whose calendar is to be shown, and NumericError for a value in
  /// reach that is not usable(), or that lies a million million scales from the location.
  Frame operator()(const Panel& panel, std::span<const Origin> origins,
                   const Scaler& scaler = {}) const {
    return frame(panel, origins, scaler, options_.shown(), options_.lead + options_.horizon);
  }

  /// The same of targets, centers and scales alone, with nothing of what is known before.
  Frame targets(const Panel& panel, std::span<const Origin> origins,
                const Scaler& scaler = {}) const {
    return frame(panel, origins, scaler, 0, 0);
  }

 private:
  static constexpr double most_scales = 5e11;  // squares of differences stay within float

  /// One channel of the cells before an origin; NaN outside.
  struct Past {
    const Series& series;
    Index end, channel;
    double operator()(Index t) const {
      return t >= 0 && t < end ? value_of(series, t, channel)
                               : std::numeric_limits<double>::quiet_NaN();
    }
    /// The value of cell t, or of the nearest earlier one in steps of `step` that is there.
    double last_known(Index t, Index step) const {
      for (; t >= 0; t -= step)
        if (const double v = (*this)(t); !std::isnan(v)) return v;
      return std::numeric_limits<double>::quiet_NaN();
    }
  };
  struct Moments {
    double count = 0, mean = 0, mean_abs = 0, deviation = 0;
  };
  struct Scale {
    double location, scale;
  };

  [[noreturn]] static void refuse(const Series& s, Index t, double v) {
    raise<NumericError>("Framer: series \"", s.name, "\" is ", v, " in cell ", t,
                        "; needed at most ", largest_value, " in size, or NaN where it is missing");
  }
  static double value_of(const Series& s, Index t, Index channel) {
    const double v = s.value(t, channel);
    if (!usable(v)) refuse(s, t, v);
    return v;
  }

  Frame frame(const Panel& panel, std::span<const Origin> origins, const Scaler& scaler,
              Index cells, Index times) const {
    if (panel.size() > 0 && panel.columns() != options_.columns)
      raise<ArgumentError>("Framer: made for ", options_.columns, "; the panel has ",
                           panel.columns());
    const Columns& n = options_.columns;
    const Index B = std::ssize(origins), H = options_.horizon, K = n.channels;
    Frame out{.keys = {origins.begin(), origins.end()},
              .context = Tensor<double>({B, cells, K}),
              .context_mask = Tensor<float>({B, cells, K}),
              .target = Tensor<double>({B, H, K}),
              .target_mask = Tensor<float>({B, H, K}),
              .center = Tensor<double>({B, H, K}),
              .last = Tensor<double>({B, K}),
              .location = Tensor<double>({B, K}),
              .scale = Tensor<double>({B, K}),
              .spread = scaler.spread,
              .time = Tensor<float>({B, times, options_.calendar.channels()}),
              .known = Tensor<float>({B, times, n.known}),
              .known_mask = Tensor<float>({B, times, n.known}),
              .past = Tensor<float>({B, cells, n.past}),
              .past_mask = Tensor<float>({B, cells, n.past}),
              .statics = Tensor<float>({B, n.statics})};
    for (Index b = 0; b < B; ++b) {
      const Origin& o = origins[static_cast<std::size_t>(b)];
      const Series& s = panel.at(o, "Framer", 1);
      for (Index k = 0; k < K; ++k) fill_channel({s, o.at, k}, scaler, b, out);
      if (cells > 0) fill_covariates(s, o.at, scaler, b, out);
    }
    return out;
  }

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
  /// four contexts before the origin, so that no row is blown up by a division by almost 0; where
  /// these stand still too, the scale is that of all that is known before.
  Scale scale_of(const Past& past, const Standard& fitted) const {
    if (options_.scaling == Scaling::panel) {
      if (fitted.location.empty())
        raise<ArgumentError>("Framer: Scaling::panel needs a Scaler that was fitted");
      return {fitted.location[past.channel], fitted.scale[past.channel]};
    }
    const Moments near = moments(past, past.end - options_.context, past.end);
    const Moments far = moments(past, past.end - 4 * options_.context, past.end);
    const Moments& m = near.count > 0 ? near : far;
    const bool centred = options_.scaling == Scaling::standard;
    const double own = centred ? m.deviation : m.mean_abs;
    const double floor = 0.1 * (centred ? far.deviation : far.mean_abs);
    double scale = std::max(own, floor);
    const double least = 1e-9 * m.mean_abs;
    if (!(scale > least)) {
      const Moments all = moments(past, 0, past.end);
      scale = centred ? all.deviation : all.mean_abs;
    }
    if (!(scale > least)) scale = m.mean_abs > 0 ? m.mean_abs : 1;
    return {centred ? m.mean : 0, scale};
  }

  /// What the target of step h is measured from; NaN if no value tells.
  double center_of(const Past& past, Index h, double location, double last) const {
    const Index at = past.end, season = options_.season();
    if (options_.center == Center::location) return location;
    if (options_.center == Center::last) return last;
    const double naive = past.last_known(seasonal_lag(at, h, season), season);
    if (options_.center == Center::naive) return naive;
    const double error = last - past.last_known(at - 1 - season, season);
    return std::isnan(error) ? naive : naive + error;
  }

  void fill_channel(const Past& past, const Scaler& scaler, Index b, Frame& out) const {
    const Index at = past.end, k = past.channel, C = out.context.dim(1);
    const Scale scale = scale_of(past, scaler.values);
    const auto or_location = [&](double v) { return std::isnan(v) ? scale.location : v; };
    out.location(b, k) = scale.location;
    out.scale(b, k) = scale.scale;
    const double last = or_location(past.last_known(at - 1, 1));
    for (Index h = 0; h < options_.horizon; ++h) {
      out.center(b, h, k) = or_location(center_of(past, h, scale.location, last));
      if (at + h >= past.series.size()) continue;
      const double v = value_of(past.series, at + h, k);
      if (std::isnan(v)) continue;
      out.target(b, h, k) = v;
      out.target_mask(b, h, k) = 1;
    }
    if (C == 0) return;
    const auto shown = [&](double v) {
      if (const double z = std::abs(v - scale.location) / scale.scale; !(z <= most_scales))
        raise<NumericError>("Framer: what is known of series \"", past.series.name,
                            "\" before cell ", at, " lies ", z, " scales apart, at most ",
                            most_scales, " can be shown");
      return v;
    };
    out.last(b, k) = shown(last);
    for (Index c = std::max<Index>(0, C - at); c < C; ++c) {
      const double v = past(at - C + c);
      if (std::isnan(v)) continue;
      out.context(b, c, k) = shown(v);
      out.context_mask(b, c, k) = 1;
    }
  }

  void fill_covariates(const Series& s, Index at, const Scaler& scaler, Index b, Frame& out) const {
    const auto put = [&](double v, const Standard& standard, Index column, float& to) {
      if (!usable(v)) refuse(s, at, v);
      if (std::isnan(v)) return 0.0F;
      to = static_cast<float>(standard(v, column));
      return 1.0F;
    };
    const Index C = out.context.dim(1), times = out.time.dim(1), waves = out.time.dim(2);
    if (waves > 0) s.time.frequency.check("Framer: the calendar of a series");
    for (Index i = 0; i < times; ++i) {
      const Index t = at - options_.lead + i;
      if (waves > 0)
        options_.calendar.write(s.time.at(t),
                                {&out.time(b, i, 0), static_cast<std::size_t>(waves)});
      if (t < 0 || s.known.empty() || t >= s.known.dim(0)) continue;
      for (Index k = 0; k < s.known.dim(1); ++k)
        out.known_mask(b, i, k) = put(s.known(t, k), scaler.known, k, out.known(b, i, k));
    }
    for (Index c = std::max<Index>(0, C - at); c < C; ++c)
      for (Index k = 0; k < out.past.dim(2); ++k)
        out.past_mask(b, c, k) = put(s.past(at - C + c, k), scaler.past, k, out.past(b, c, k));
    for (Index k = 0; k < out.statics.dim(1); ++k)
      put(s.statics[static_cast<std::size_t>(k)], scaler.statics, k, out.statics(b, k));
  }

  FrameOptions options_;
};

}  // namespace foglift::inline v0::forecast
