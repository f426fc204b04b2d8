#include "foglift/forecast/stream/warm_stream.hpp"

#include "foglift/forecast/methods/horizon_diffusion.hpp"
#include "stream_of.hpp"

namespace tool {

StartedStream warm_stream(const StreamRequest& r, const forecast::FrameOptions& frame) {
  using Whole = forecast::HorizonDiffusion<>;
  return started<Whole, forecast::WarmStream<Whole>>(
      r,
      {.frame = frame,
       .net = {.width = 16, .multipliers = {1, 2}, .blocks = 1, .middle_attention = false}},
      forecast::WarmStart{.steps = r.redraw, .from = r.noise_time});
}

}  // namespace tool
