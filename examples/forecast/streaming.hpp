#pragma once

#include "foglift/forecast/frame/frame.hpp"
#include "input.hpp"

#include <memory>

namespace tool {

/// A series that is forecast anew after every value.
class Stream {
 public:
  virtual ~Stream() = default;
  virtual void observe(double value) = 0;
  /// [paths, horizon].
  virtual Tensor<double> paths(Index count) = 0;
};

struct StreamRequest {
  forecast::Series past;
  std::vector<Index> seasons;
  const Options& o;        ///< method: warm, or recurrent
  Index redraw = 4;        ///< steps of a draw from the last paths
  double noise_time = .7;  ///< what is laid over them
};

struct StartedStream {
  int signal = 0;  ///< that ended the training; then there is no stream
  std::unique_ptr<Stream> stream = nullptr;
};

/// Trains a model on the past, and goes on from there. Each is compiled in a file of its own.
StartedStream warm_stream(const StreamRequest& r, const forecast::FrameOptions& frame);
StartedStream recurrent_stream(const StreamRequest& r, forecast::FrameOptions frame);

}  // namespace tool
