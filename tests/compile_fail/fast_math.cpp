// expect: removes foglift's checks against NaN.*or define FOGLIFT_ALLOW_FAST_MATH
// flags: -ffast-math
// fine: -ffast-math -DFOGLIFT_ALLOW_FAST_MATH
#include "foglift/diffusion/solver/parts/phi.hpp"
