// expect: a step needs its number
#include "foglift/nn/condition.hpp"

using namespace foglift;

// Dropout that would drop the same units at every step.
inline nn::Condition<float> training(const Rng& rng) {
  nn::Condition<float> condition;
#ifdef FINE
  condition.dropout = nn::DropoutNoise{.rng = rng, .step = 3};
#else
  condition.dropout = nn::DropoutNoise{.rng = rng};
#endif
  return condition;
}
