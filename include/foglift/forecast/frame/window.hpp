#pragma once

#include "foglift/autograd/ops/shape_ops.hpp"
#include "foglift/core/gather.hpp"
#include "foglift/forecast/frame/frame.hpp"
#include "foglift/nn/layers/embedding.hpp"

#include <algorithm>

namespace foglift::inline v0::forecast {

/// The cells before a frame's origins and those of the horizon in one row, L of them, for networks
/// that run along both. Values are in the unit of scaled targets, so that what is known and what is
/// forecast are one series: frames are made with `Window::frame`.
struct Window {
  Tensor<float> values;  ///< [B, L, K] (value - location) / scale / spread, 0 where the mask is
  Tensor<float> mask;    ///< [B, L, K], 1 where a value is there and known, else 0
  /// [B, L, F] what is told of every cell: the waves of the calendar, the known covariates, each
  /// followed by its mask, the past ones likewise, with a mask of 0 in the horizon, and the
  /// statics.
  Tensor<float> features;

  /// The options of frames that windows of `reach` cells before the origin are made of. Throws what
  /// FrameOptions::check does.
  static FrameOptions frame(FrameOptions o, Index reach, const char* where) {
    o.check(where);
    o.reach = o.lead = reach;
    o.center = Center::location;
    return o;
  }
  /// Number F of features.
  static Index channels(const FrameOptions& o) {
    const Columns& n = o.columns;
    return o.calendar.channels() + 2 * n.known + 2 * n.past + n.statics;
  }

  /// Number of what `ask` tells of every cell.
  static Index told(const FrameOptions& o) { return 2 * o.columns.channels + channels(o); }

  /// What is known at the origins: the mask is 0 in the horizon.
  static Window known(const Frame& frame) { return make(frame, false); }
  /// With the targets that are there.
  static Window whole(const Frame& frame) { return make(frame, true); }
  /// The same for a loss of all values: rows without a target have a mask of 0 everywhere.
  static Window counted(const Frame& frame) {
    Window out = whole(frame);
    for (Index b = 0; b < frame.size(); ++b) {
      const Tensor<float> there = frame.target_mask.rows(b, 1);
      if (std::any_of(there.begin(), there.end(), [](float m) { return m != 0; })) continue;
      std::fill_n(out.mask.data() + b * out.mask.row_size(), out.mask.row_size(), 0.0F);
    }
    return out;
  }

  /// With cells hidden where `hide` [B, L, K] is not 0: what stood there is not read.
  Window without(const Tensor<float>& hide) const {
    Window out = *this;
    for (Index i = 0; i < hide.size(); ++i)
      if (hide[i] != 0) out.values[i] = out.mask[i] = 0;
    return out;
  }
  /// [B, L, K], 1 where no value is known.
  Tensor<float> unknown() const {
    Tensor<float> out(mask.shape());
    for (Index i = 0; i < mask.size(); ++i) out[i] = mask[i] == 0 ? 1.0F : 0.0F;
    return out;
  }

  /// The first row alone, `count` times.
  Window repeated(Index count) const {
    const std::vector<Index> first(static_cast<std::size_t>(count), 0);
    return {gather(values, first), gather(mask, first), gather(features, first)};
  }

  /// What is told of every place, [B, L, K, n + 1 + F]: sinusoids of its time in the window, its
  /// mask and the features. Throws ArgumentError for an odd n.
  Tensor<float> places(Index n) const {
    const Index B = values.dim(0), L = values.dim(1), K = values.dim(2), F = features.dim(2);
    Tensor<float> at({L});
    for (Index t = 0; t < L; ++t) at[t] = static_cast<float>(t);
    const Tensor<float> time = nn::sinusoidal_features(at, n);
    Tensor<float> out({B, L, K, n + 1 + F});
    float* to = out.data();
    for (Index row = 0; row < B * L; ++row)
      for (Index k = 0; k < K; ++k) {
        to = std::copy_n(time.data() + row % L * n, n, to);
        *to++ = mask[row * K + k];
        to = std::copy_n(features.data() + row * F, F, to);
      }
    return out;
  }
  /// Straight lines between the values that are known, [B, L, K]; the first and the last of them
  /// before and behind, 0 where there is none.
  Tensor<float> lines() const {
    const Index B = values.dim(0), L = values.dim(1), K = values.dim(2);
    Tensor<float> out(values.shape());
    for (Index b = 0; b < B; ++b)
      for (Index k = 0; k < K; ++k)
        for (Index t = 0, last = -1; t < L; ++t) {
          if (mask(b, t, k) == 0) {
            if (last >= 0) out(b, t, k) = values(b, last, k);
            continue;
          }
          for (Index gap = last + 1; gap < t; ++gap) {
            const float share =
                last < 0 ? 1 : static_cast<float>(gap - last) / static_cast<float>(t - last);
            const float from = last < 0 ? 0 : values(b, last, k);
            out(b, gap, k) = from + share * (values(b, t, k) - from);
          }
          out(b, t, k) = values(b, t, k);
          last = t;
        }
    return out;
  }

  /// What net(shown, time, &told) says of the horizon, of its noisy targets x [B, H, K]: shown [B,
  /// L, K] are the known values with x behind them, told [B, L, 2 K + F] values, mask and features.
  template <class Net, Value X>
  X ask(const Net& net, const X& x, const Tensor<float>& time) const {
    const Index H = x.dim(1), C = values.dim(1) - H;
    const X shown = concat({constant(slice(values, 1, 0, C), x), x}, 1);
    const X told = constant(concat({values, mask, features}, 2), x);
    return slice(net(shown, time, &told), 1, C, H);
  }

 private:
  static Window make(const Frame& frame, bool targets) {
    const Index B = frame.size(), C = frame.context.dim(1), H = frame.horizon(),
                K = frame.channels(), L = C + H;
    if (frame.time.dim(1) != L)
      raise<ShapeError>("Window: a frame with calendar and covariates of ", frame.time.dim(1),
                        " cells, needed ", C, " + ", H, "; see Window::frame");
    const Tensor<float> context = frame.scaled_context(), target = frame.scaled_target();
    const Index features =
        frame.time.dim(2) + 2 * frame.known.dim(2) + 2 * frame.past.dim(2) + frame.statics.dim(1);
    Window out{Tensor<float>({B, L, K}), Tensor<float>({B, L, K}), Tensor<float>({B, L, features})};
    float* to = out.features.data();
    for (Index b = 0; b < B; ++b)
      for (Index t = 0; t < L; ++t) {
        for (Index k = 0; k < K; ++k) {
          const float there = t < C ? frame.context_mask(b, t, k)
                                    : static_cast<float>(targets) * frame.target_mask(b, t - C, k);
          if (there == 0) continue;
          out.mask(b, t, k) = 1;
          out.values(b, t, k) =
              t < C ? context(b, t, k) / static_cast<float>(frame.spread) : target(b, t - C, k);
        }
        const auto put = [&](const Tensor<float>& from, const Tensor<float>& there) {
          for (Index i = 0; i < from.dim(2); ++i) {
            const bool told = t < from.dim(1) && there(b, t, i) != 0;
            *to++ = told ? from(b, t, i) : 0;
            *to++ = told ? 1 : 0;
          }
        };
        for (Index i = 0; i < frame.time.dim(2); ++i) *to++ = frame.time(b, t, i);
        put(frame.known, frame.known_mask);
        put(frame.past, frame.past_mask);
        for (Index i = 0; i < frame.statics.dim(1); ++i) *to++ = frame.statics(b, i);
      }
    return out;
  }
};

}  // namespace foglift::inline v0::forecast
