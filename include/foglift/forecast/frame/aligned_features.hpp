#pragma once

#include "foglift/forecast/baselines.hpp"
#include "foglift/forecast/frame/frame.hpp"

namespace foglift::inline v0::forecast {

/// A frame for networks that run along the horizon alone: the past reaches step h as channels that
/// are aligned with it, so that a forecast costs `horizon` cells and not context + horizon.
/// For each channel of the panel, in order, with x = (value - location) / scale and each value
/// followed by a mask channel (1 = there, else both are 0):
///   for each season, the last two values known of step h's phase;
///   the context folded backwards: at step h of fold k, the value 1 + h + k * horizon before the
///   origin; and the error that the naive forecast from one season earlier made at fold 0;
///   without masks: the lead (h + 1) / horizon (once), the last value, the naive forecast's error
///   at the origin and its mean over the last `horizon` cells,
/// then of all: the calendar at step h; the covariates known there, each with its mask; the past
/// ones folded like the context; the statics.
class AlignedFeatures {
 public:
  /// Throws what FrameOptions::check does. `reach` and `lead` are chosen here.
  explicit AlignedFeatures(FrameOptions options) : options_(std::move(options)) {
    options_.check("AlignedFeatures");
    options_.lead = 0;
    options_.reach = std::max(options_.context, options_.horizon + options_.season());
    for (const Index s : options_.seasons) options_.reach = std::max(options_.reach, 2 * s);
  }

  /// What the frames are to be made with.
  const FrameOptions& frame() const { return options_; }

  /// Number F of feature channels.
  Index channels() const {
    const Columns& n = options_.columns;
    return n.channels * (4 * std::ssize(options_.seasons) + 2 * folds() + 2 + 3) + 1 +
           options_.calendar.channels() + 2 * n.known + 2 * folds() * n.past + n.statics;
  }

  /// [B, horizon, F] of a frame, all from before its origins, the calendar and known covariates.
  /// Throws ShapeError for a frame that was made with other options.
  Tensor<float> operator()(const Frame& frame) const {
    if (frame.horizon() != options_.horizon || frame.channels() != options_.columns.channels ||
        frame.context.dim(1) != options_.reach || frame.time.dim(1) != options_.horizon)
      raise<ShapeError>("AlignedFeatures: a frame of context ", frame.context.shape(), ", target ",
                        frame.target.shape(), " and times ", frame.time.shape(), ", needed ",
                        options_.reach, " cells, a horizon of ", options_.horizon, " and ",
                        options_.columns.channels, " channels");
    Tensor<float> out({frame.size(), options_.horizon, channels()});
    for (Index b = 0; b < frame.size(); ++b) {
      Index at = 0;  // the first of the channels to write
      for (Index k = 0; k < options_.columns.channels; ++k)
        at = write_channel(frame, b, k, at, out);
      write_covariates(frame, b, at, out);
    }
    return out;
  }

 private:
  Index folds() const { return (options_.context + options_.horizon - 1) / options_.horizon; }

  /// Writes the features of channel k from `first` on; returns where they end.
  Index write_channel(const Frame& frame, Index b, Index k, Index first, Tensor<float>& out) const {
    const Index H = options_.horizon;
    const double location = frame.location(b, k), scale = frame.scale(b, k);
    // What the naive forecast of the cell t before the origin, made one season before it, missed.
    const auto naive_error = [&](Index t) {
      return frame.before(b, t, k) - frame.before(b, t + options_.season(), k);
    };
    double error_sum = 0, errors = 0, last_error = 0;
    for (Index t = H; t > 0; --t)
      if (const double e = naive_error(t); !std::isnan(e)) error_sum += e, ++errors, last_error = e;

    float* to = nullptr;
    for (Index h = 0; h < H; ++h) {
      to = out.data() + (b * H + h) * channels() + first;
      const auto put = [&](double v) { *to++ = std::isnan(v) ? 0.0F : static_cast<float>(v); };
      const auto put_masked = [&](double v) {
        put(v);
        *to++ = std::isnan(v) ? 0.0F : 1.0F;
      };
      const auto scaled = [&](double v) { return (v - location) / scale; };
      for (const Index season : options_.seasons)
        for (Index back = 0; back < 2; ++back)
          put_masked(scaled(frame.before(b, back * season - seasonal_lag(0, h, season), k)));
      for (Index fold = 0; fold < folds(); ++fold)
        put_masked(scaled(in_context(fold, h) ? frame.before(b, 1 + h + fold * H, k) : nowhere));
      put_masked(naive_error(1 + h) / scale);
      if (k == 0) put(static_cast<double>(h + 1) / static_cast<double>(H));
      put(scaled(frame.last(b, k)));
      put(last_error / scale);
      put(errors > 0 ? error_sum / errors / scale : 0);
    }
    return to - (out.data() + (b * H + H - 1) * channels());
  }

  void write_covariates(const Frame& frame, Index b, Index first, Tensor<float>& out) const {
    const Index H = options_.horizon, C = frame.past.dim(1);
    for (Index h = 0; h < H; ++h) {
      float* to = out.data() + (b * H + h) * channels() + first;
      for (Index i = 0; i < frame.time.dim(2); ++i) *to++ = frame.time(b, h, i);
      for (Index i = 0; i < frame.known.dim(2); ++i) {
        const float mask = frame.known_mask(b, h, i);
        *to++ = mask != 0 ? frame.known(b, h, i) : 0;
        *to++ = mask;
      }
      for (Index i = 0; i < frame.past.dim(2); ++i)
        for (Index fold = 0; fold < folds(); ++fold) {
          const Index c = C - 1 - h - fold * H;
          const float mask = in_context(fold, h) ? frame.past_mask(b, c, i) : 0;
          *to++ = mask != 0 ? frame.past(b, c, i) : 0;
          *to++ = mask;
        }
      for (Index i = 0; i < frame.statics.dim(1); ++i) *to++ = frame.statics(b, i);
    }
  }

  bool in_context(Index fold, Index h) const {
    return 1 + h + fold * options_.horizon <= options_.context;
  }

  static constexpr double nowhere = std::numeric_limits<double>::quiet_NaN();

  FrameOptions options_;
};

}  // namespace foglift::inline v0::forecast
