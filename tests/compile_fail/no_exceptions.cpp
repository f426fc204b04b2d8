// expect: compile without -fno-exceptions
// flags: -fno-exceptions
#include "foglift/core/error.hpp"
