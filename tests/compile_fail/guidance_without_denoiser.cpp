// expect: must be a denoiser
#include "foglift/diffusion/analytic.hpp"
#include "foglift/diffusion/guidance/classifier_free.hpp"

using namespace foglift;

inline auto guide_it() {
  const auto unconditional = analytic::gaussian({.mean = 0, .variance = 1});
#ifdef FINE
  return analytic::gaussian({.mean = 1, .variance = 1}) |
         guide::ClassifierFree{analytic::Gaussian(unconditional), 1.5};
#else
  return 3 | guide::ClassifierFree{analytic::Gaussian(unconditional), 1.5};
#endif
}
