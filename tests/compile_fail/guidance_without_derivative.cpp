// expect: the denoiser must be differentiable
#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/diffusion/guidance/gradient.hpp"

using namespace foglift;

// A gradient through the denoiser needs one that is callable on a Var.
inline auto guide_it() {
#ifdef FINE
  const auto denoise = [](const auto& x, const Levels&) { return x * 0.5; };
#else
  const auto denoise = [](const Tensor<float>& x, const Levels&) { return x * 0.5; };
#endif
  const auto loss = [](const auto& x0) { return square(x0); };
  return decltype(denoise)(denoise) | guide::LossGradient{guide::GradientOf(loss)};
}
