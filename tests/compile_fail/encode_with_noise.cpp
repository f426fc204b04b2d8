// expect: this solver may draw noise
#include "foglift/diffusion/analytic.hpp"
#include "foglift/diffusion/encode.hpp"
#include "foglift/diffusion/solver/ddpm.hpp"
#include "foglift/diffusion/solver/heun.hpp"

using namespace foglift;

inline Tensor<float> code(const Tensor<float>& x, const TimeGrid& grid) {
  const auto denoise = analytic::gaussian({.mean = 0, .variance = 1});
#ifdef FINE
  return encode(solver::Heun{}, denoise, x, grid);
#else
  return encode(solver::Ddpm{}, denoise, x, grid);
#endif
}
