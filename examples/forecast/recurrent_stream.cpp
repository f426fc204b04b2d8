#include "foglift/forecast/stream/recurrent_stream.hpp"

#include "foglift/forecast/methods/time_grad.hpp"
#include "stream_of.hpp"

namespace tool {

StartedStream recurrent_stream(const StreamRequest& r, forecast::FrameOptions frame) {
  using forecast::TimeGrad;
  frame.scaling = forecast::Scaling::panel;
  return started<TimeGrad, forecast::RecurrentStream<TimeGrad>>(
      r, forecast::TimeGradOptions::small(frame));
}

}  // namespace tool
