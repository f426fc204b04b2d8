// expect: a step needs its number
#include "foglift/diffusion/loss.hpp"

using namespace foglift;

// A training loop that does not say which step it is at.
inline void train(const Rng& rng) {
  const auto net = [](const auto& x, const auto&) { return x; };
  Tape<float> tape;
#ifdef FINE
  NetworkDenoiser(net, predict::Velocity{}, schedule::Cosine{})
      .loss(tape, Tensor<float>({2, 2}), rng, {.step = 3});
#else
  NetworkDenoiser(net, predict::Velocity{}, schedule::Cosine{})
      .loss(tape, Tensor<float>({2, 2}), rng);
#endif
}
