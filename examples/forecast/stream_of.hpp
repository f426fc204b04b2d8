#pragma once

#include "foglift/forecast/forecaster.hpp"
#include "foglift/train/interrupt.hpp"
#include "streaming.hpp"
#include "support/progress.hpp"
#include "support/text.hpp"

#include <optional>

namespace tool {

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

}  // namespace tool
