#pragma once

#include "foglift/core/float_mode.hpp"

namespace foglift {
inline namespace v0 {
namespace train {

/// The guard that `fit` trains under, for training loops of your own:
///
///   const train::FlushDenormals flush;
///   for (Index step = 0; step < steps; ++step) opt.step(net, tape.backward(loss));
using foglift::FlushDenormals;

}  // namespace train
}  // namespace v0
}  // namespace foglift
