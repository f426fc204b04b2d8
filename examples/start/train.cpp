// Trains a small network on points of a circle and samples from it.
//
//   samples lie at a radius of 0.98, give or take 0.1
#include <foglift/foglift.hpp>

#include <cmath>
#include <cstdio>
#include <numbers>

using namespace foglift;

int main() {
  Rng rng(1);
  Tensor<float> data({2000, 2});  // your points; data should be of about unit size
  for (Index i = 0; i < 2000; ++i) {
    const double angle = 2 * std::numbers::pi * rng.uniform(static_cast<std::uint64_t>(i), 0);
    data(i, 0) = static_cast<float>(std::cos(angle));
    data(i, 1) = static_cast<float>(std::sin(angle));
  }

  // The denoiser refers to the network, which learns, and knows what it predicts on which noise
  // schedule.
  nn::Mlp<float> net({.in = 2, .width = 64}, rng);
  const NetworkDenoiser denoise(net, predict::Velocity{}, schedule::Cosine{});
  train::Adam<float> adam({.lr = 2e-3});
  for (Index step = 0; step < 2000; ++step) {
    Tape<float> tape;
    const auto loss = denoise.loss(tape, data.rows(step % 20 * 100, 100), rng, {.step = step});
    adam.step(net, tape.backward(loss), adam.learning_rate());
  }

  const auto x = sample(solver::Heun{}, denoise, {1000, 2}, grid::uniform(denoise, 20), rng);
  double radius = 0, spread = 0;
  for (Index i = 0; i < 1000; ++i) radius += std::hypot(x(i, 0), x(i, 1)) / 1000;
  for (Index i = 0; i < 1000; ++i)
    spread += std::pow(std::hypot(x(i, 0), x(i, 1)) - radius, 2) / 1000;
  std::printf("samples lie at a radius of %.2f, give or take %.1f\n", radius, std::sqrt(spread));
}
