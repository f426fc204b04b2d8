// expect: Windows is not supported
// flags: -D_WIN32
#include "foglift/version.hpp"
