// expect: numbers that carry their derivative
#include "foglift/diffusion/schedule/custom.hpp"

using namespace foglift;

#ifdef FINE
inline schedule::Custom mine([](auto t) { return 1 - t; }, [](auto t) { return t; });
#else
inline schedule::Custom mine([](double t) { return 1 - t; }, [](double t) { return t; });
#endif
