// expect: Denoiser
#include "foglift/diffusion/analytic.hpp"
#include "foglift/diffusion/grid.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "foglift/diffusion/solver/ddim.hpp"

using namespace foglift;

inline Tensor<float> draw(const TimeGrid& grid) {
#ifdef FINE
  const auto denoise = analytic::gaussian({.mean = 0, .variance = 1});
#else
  const auto denoise = [](int) { return 0; };
#endif
  return sample<float>(solver::Ddim{}, denoise, {4, 1}, grid, Rng(1));
}
