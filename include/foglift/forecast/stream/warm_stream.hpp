#pragma once

#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/forecast/forecaster.hpp"
#include "foglift/forecast/stream/growing_series.hpp"

namespace foglift::inline v0::forecast {

/// How a WarmStream draws after its first time.
struct WarmStart {
  Index steps = 4;    ///< of DDIM
  double from = 0.5;  ///< time in (0, 1] whose noise is laid over the last paths
};

/// Forecasts of a series that grows, by a method that diffuses the whole horizon
/// (HorizonDiffusion). The paths of the last time, moved on by the cells that came since, are
/// noised and drawn again from there, in a few steps instead of all. What the noise does not hide
/// stays, so a small `from` keeps yesterday's errors: RollingScore tells whether bands still hold.
/// Cells beyond the last horizon go on as far from their centers as the last path did.
///
///   forecast::WarmStream stream(horizon_diffusion, series[0], {.steps = 4, .from = 0.5});
///   auto paths = stream.paths(100);  // [100, horizon], all steps
///   stream.observe(21.5);
///   paths = stream.paths(100);       // four
template <class M>
class WarmStream {
 public:
  /// Refers to the model. Throws ArgumentError for past covariates, fewer than one step, or a time
  /// outside (0, 1].
  WarmStream(const Forecaster<M>& model, Series past, const WarmStart& start = {})
      : model_(model), series_(std::move(past), "WarmStream"), start_(start) {
    if (start.steps < 1 || !(start.from > 0 && start.from <= 1))
      raise<ArgumentError>("WarmStream: steps ", start.steps, ", from ", start.from,
                           "; needed a positive number and a time in (0, 1]");
  }

  const Series& series() const { return series_.series(); }

  /// Takes in the values of the next cell, [channels], NaN where one is missing. Throws what
  /// GrowingSeries::append does.
  void observe(std::span<const double> values) {
    series_.append(values, "WarmStream::observe");
    ++moved_;
  }

  void observe(double value) { observe(std::span(&value, 1)); }

  /// Sample paths [paths, horizon] of what follows, with an axis of channels behind where there are
  /// several. From the last ones if there were as many, and a part of their horizon is still ahead.
  /// Path p depends on the seed, on p and on the cells at which paths were asked for.
  Tensor<double> paths(Index paths) {
    const Origin at = series_.origin();
    const bool warm = !last_.empty() && last_.dim(0) == paths && moved_ < last_.dim(1);
    const auto draw = [&](const M& method, const Frame& frame, const PathKeys& keys) {
      return warm ? method.redraw(guess(frame, keys), frame, keys, solver::Ddim{}, start_.steps,
                                  start_.from)
                  : method.draw(frame, keys);
    };
    const Tensor<double> drawn = model_.paths(series_.panel(), std::span(&at, 1), paths, draw);
    last_ = drawn.reshaped(drawn.shape().slice(1, drawn.rank()));
    moved_ = 0;
    return last_;
  }

 private:
  /// The last paths of keys, moved on, in scaled units [count, H, K].
  Tensor<float> guess(const Frame& frame, const PathKeys& keys) const {
    const Index H = frame.horizon(), K = frame.channels();
    Tensor<float> z({keys.count, H, K});
    for (Index p = 0; p < keys.count; ++p)
      for (Index h = 0; h < H; ++h)
        for (Index k = 0; k < K; ++k) {
          const Index there = std::min(h, H - 1 - moved_);  // the last one that is known of
          const double v = last_[((keys.first + p) * H + there + moved_) * K + k];
          z(p, h, k) = static_cast<float>((v - frame.center(0, there, k)) / frame.scale(0, k) /
                                          frame.spread);
        }
    return z;
  }

  const Forecaster<M>& model_;
  GrowingSeries series_;
  WarmStart start_;
  Tensor<double> last_;  // [paths, H] or [paths, H, K]
  Index moved_ = 0;      // cells since
};

}  // namespace foglift::inline v0::forecast
