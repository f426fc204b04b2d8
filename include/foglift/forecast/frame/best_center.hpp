#pragma once

#include "foglift/forecast/frame/framer.hpp"

namespace foglift::inline v0::forecast {

/// The center that leaves least to be learned: of all, that with the smallest mean distance of
/// targets from it, in scales of their contexts, over windows that end before the last `held_out`
/// cells of each series; at most a thousand of them, evenly. The one of `frame` unless another is
/// better by a tenth. Trends and walks call for `last` or `shifted`, cycles for `naive`. Throws
/// what Framer does.
inline Center best_center(const Panel& panel, const FrameOptions& frame, Index held_out) {
  std::vector<Origin> origins;
  for (Index s = 0; s < panel.size(); ++s)
    for (Index at = std::max(frame.season(), Index{1});
         at + frame.horizon <= panel[s].size() - held_out; ++at)
      origins.push_back({s, at});
  constexpr Index most = 1000;
  std::vector<Origin> some;
  const Index stride = (std::ssize(origins) + most - 1) / most;
  for (std::size_t i = 0; i < origins.size(); i += static_cast<std::size_t>(stride))
    some.push_back(origins[i]);
  const Scaler scaler = Scaler::fit(panel, frame, held_out);
  const auto distance = [&](Center center) {
    FrameOptions o = frame;
    o.center = center;
    const Frame f = Framer(o).targets(panel, some, scaler);
    double sum = 0;
    for (const float z : f.scaled_target()) sum += static_cast<double>(std::abs(z));
    return sum;
  };
  Center best = frame.center;
  double least = 0.9 * distance(best);
  for (const Center c : {Center::naive, Center::location, Center::last, Center::shifted})
    if (const double d = distance(c); d < least) best = c, least = d;
  return best;
}

}  // namespace foglift::inline v0::forecast
