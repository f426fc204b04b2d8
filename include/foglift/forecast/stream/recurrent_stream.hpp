#pragma once

#include "foglift/forecast/forecaster.hpp"
#include "foglift/forecast/stream/growing_series.hpp"

namespace foglift::inline v0::forecast {

/// Forecasts of a series that grows, by a method that runs along it (TimeGrad, MgTsd): what its
/// network keeps is brought on by one cell with each observation, whatever the context, where
/// Forecaster::paths runs along the context again. The network must see the same numbers for the
/// same values at every origin, so it is trained with Scaling::panel. The state begins at the
/// context of the past and never forgets by force, so that paths differ from Forecaster::paths by
/// what the network makes of older cells; with nothing observed they are the same to the bit.
///
///   forecast::RecurrentStream stream(time_grad, series[0]);
///   stream.observe(21.5);
///   auto paths = stream.paths(100);  // [100, horizon]
template <class M>
class RecurrentStream {
 public:
  /// Refers to the model. Throws what Forecaster::scaler and Framer do, and ArgumentError for
  /// another scaling or past covariates.
  RecurrentStream(const Forecaster<M>& model, Series past)
      : model_(model), series_(std::move(past), "RecurrentStream"), step_(of_step(model)) {
    if (model.framer().options().scaling != Scaling::panel)
      raise<ArgumentError>(
          "RecurrentStream: the model's scale changes with its origin; needed Scaling::panel");
    const Origin at = series_.origin();
    state_ = method().encode(model.framer()(series_.panel(), std::span(&at, 1), model.scaler()));
  }

  const Series& series() const { return series_.series(); }

  /// Takes in the values of the next cell, [channels], NaN where one is missing. Throws what
  /// GrowingSeries::append does, and is then as it was.
  void observe(std::span<const double> values) {
    const Origin at = series_.origin();
    const PackedWeights packed(method());
    auto next =
        method().advance(state_, step_(series_.panel(), std::span(&at, 1), model_.scaler()));
    series_.append(values, "RecurrentStream::observe");
    state_ = std::move(next);
  }

  void observe(double value) { observe(std::span(&value, 1)); }

  /// Sample paths [paths, horizon] of what follows, with an axis of channels behind where there are
  /// several. Path p depends on the seed, the cell and p alone.
  Tensor<double> paths(Index paths) const {
    const Origin at = series_.origin();
    const Tensor<double> out =
        model_.paths(series_.panel(), std::span(&at, 1), paths,
                     [&](const M& method, const Frame& frame, const PathKeys& keys) {
                       return method.draw(frame, keys, state_);
                     });
    return out.reshaped(out.shape().slice(1, out.rank()));
  }

 private:
  const M& method() const { return model_.state().result(); }

  /// Frames that show what one cell's input looks back on.
  static Framer of_step(const Forecaster<M>& model) {
    FrameOptions o = model.framer().options();
    o.reach = o.lead = model.state().model.longest_lag();
    return Framer(o);
  }

  const Forecaster<M>& model_;
  GrowingSeries series_;
  Framer step_;
  typename M::State state_;
};

}  // namespace foglift::inline v0::forecast
