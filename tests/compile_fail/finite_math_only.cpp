// expect: removes foglift's checks against NaN.*or define FOGLIFT_ALLOW_FAST_MATH
// flags: -ffinite-math-only
// fine: -ffinite-math-only -DFOGLIFT_ALLOW_FAST_MATH
#include "foglift/diffusion/schedule/dual.hpp"
