// expect: a step needs its number
#include "foglift/diffusion/loss.hpp"

using namespace foglift;

// The keys of a step without its number.
inline void train(const Rng& rng) {
  const auto net = [](const auto& x, const auto&) { return x; };
  Tape<float> tape;
#ifdef FINE
  NetworkDenoiser(net, predict::Velocity{}, schedule::Cosine{})
      .loss(tape, Tensor<float>({2, 2}), rng, {.first_sample = 2, .step = 3});
#else
  NetworkDenoiser(net, predict::Velocity{}, schedule::Cosine{})
      .loss(tape, Tensor<float>({2, 2}), rng, {.first_sample = 2});
#endif
}
