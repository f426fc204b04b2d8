// expect: removes foglift's checks against NaN.*or define FOGLIFT_ALLOW_FAST_MATH
// flags: -D__ASSOCIATIVE_MATH__=1
// fine: -D__ASSOCIATIVE_MATH__=1 -DFOGLIFT_ALLOW_FAST_MATH
// As -funsafe-math-optimizations and -fassociative-math do under g++; clang does not tell.
#include "foglift/version.hpp"
