#pragma once

#include "foglift/core/float_mode.hpp"

namespace foglift::inline v0::train {

/// The guard that `fit` trains under, for training loops of your own:
///
///   const train::FlushDenormals flush;
///   for (Index step = 0; step < steps; ++step) opt.step(net, tape.backward(loss));
using foglift::FlushDenormals;

}  // namespace foglift::inline v0::train
