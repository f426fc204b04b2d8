// expect: needed a denoiser callable as .*Levels
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/solver/adaptive_rk45.hpp"

using namespace foglift;

inline Tensor<float> draw(const TimeGrid& grid) {
#ifdef FINE
  const auto denoise = [](const Tensor<float>& x, const Levels&) { return x; };
#else
  const auto denoise = [](const Tensor<float>& x, const Level&) { return x; };
#endif
  return sample<float>(solver::AdaptiveRk45{}, denoise, {4, 1}, grid, Rng(1));
}
