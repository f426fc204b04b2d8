#include "streaming.hpp"

#include "foglift/forecast/methods/horizon_diffusion.hpp"
#include "foglift/forecast/methods/time_grad.hpp"
#include "foglift/forecast/stream/recurrent_stream.hpp"
#include "foglift/forecast/stream/warm_stream.hpp"
#include "foglift/train/interrupt.hpp"
#include "support/progress.hpp"
#include "support/text.hpp"

#include <algorithm>
#include <optional>

namespace tool {

namespace {

/// A trained model, and the stream S that goes on from it.
template <class M, class S>
class StreamOf final : public Stream {
 public:
  StreamOf(const typename M::Options& method, const forecast::ForecasterOptions& training)
      : model_(method, training) {}

  /// Returns the signal that ended it, 0 at the end.
  int train(const forecast::Series& past, bool quiet) {
    const foglift::train::Interrupt interrupt;
    Progress bar("training", quiet);
    const auto show = [&](const foglift::train::FitProgress& p) {
      bar.update(p.step, p.steps, text("loss %.4f", p.smoothed_loss));
    };
    const bool stopped =
        model_.fit(std::vector{past}, show, interrupt) == foglift::train::FitEnd::stopped;
    return stopped ? interrupt.signal() : 0;
  }
  template <class... More>
  void begin(const forecast::Series& past, const More&... more) {
    stream_.emplace(model_, past, more...);
  }

  void observe(double value) override { stream_->observe(value); }
  Tensor<double> paths(Index count) override { return stream_->paths(count); }

 private:
  forecast::Forecaster<M> model_;
  std::optional<S> stream_;
};

template <class M, class S, class... More>
StartedStream started(const StreamRequest& r, const typename M::Options& method,
                      const More&... more) {
  auto stream = std::make_unique<StreamOf<M, S>>(
      method, forecast::ForecasterOptions{.steps = r.o.steps, .seed = r.o.seed});
  if (const int signal = stream->train(r.past, r.o.quiet)) return {.signal = signal};
  stream->begin(r.past, more...);
  return {.stream = std::move(stream)};
}

}  // namespace

StartedStream start_stream(const StreamRequest& r) {
  const Index season = r.seasons.empty() ? 1 : r.seasons.front();
  forecast::FrameOptions frame{
      .horizon = r.o.horizon,
      .context = std::min(std::max(2 * season, 2 * r.o.horizon), r.past.size() / 3),
      .seasons = r.seasons,
      .calendar = forecast::Calendar::of(r.past.time.frequency, r.past.size()),
      .columns = forecast::Columns::of(r.past)};
  if (r.o.method == "recurrent") {
    using forecast::TimeGrad;
    frame.scaling = forecast::Scaling::panel;
    return started<TimeGrad, forecast::RecurrentStream<TimeGrad>>(
        r, forecast::TimeGradOptions::small(frame));
  }
  using Whole = forecast::HorizonDiffusion<>;
  return started<Whole, forecast::WarmStream<Whole>>(
      r,
      {.frame = frame,
       .net = {.width = 16, .multipliers = {1, 2}, .blocks = 1, .middle_attention = false}},
      forecast::WarmStart{.steps = r.redraw, .from = r.noise_time});
}

}  // namespace tool
