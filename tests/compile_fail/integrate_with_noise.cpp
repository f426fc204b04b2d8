// expect: may draw noise, and here is no source of noise
#include "foglift/diffusion/analytic.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/solver/churn.hpp"

using namespace foglift;

inline Tensor<float> follow(Tensor<float> x, const TimeGrid& grid) {
  const auto denoise = analytic::gaussian({.mean = 0, .variance = 1});
#ifdef FINE
  return integrate(solver::Heun{}, denoise, std::move(x), grid);
#else
  return integrate(solver::Churn<solver::Heun>{.churn = 40}, denoise, std::move(x), grid);
#endif
}
