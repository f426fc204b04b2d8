// expect: a step needs its number
#include "foglift/nn/call.hpp"

using namespace foglift;

// Dropout that would drop the same units at every step.
inline nn::Call<> training(const Rng& rng) {
#ifdef FINE
  return nn::Call(nn::DropoutNoise{.rng = rng, .step = 3});
#else
  return nn::Call(nn::DropoutNoise{.rng = rng});
#endif
}
