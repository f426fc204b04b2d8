// expect: what acts inside the range must be a guidance
#include "foglift/diffusion/guidance/interval.hpp"
#include "foglift/diffusion/guidance/threshold.hpp"

using namespace foglift;

inline auto guide_it() {
#ifdef FINE
  return guide::Interval{{.lo = 0.3, .hi = 5}, guide::Clip{}};
#else
  return guide::Interval{{.lo = 0.3, .hi = 5}, 7.5};
#endif
}
