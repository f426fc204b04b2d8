// expect: foglift needs C\+\+20: -std=c\+\+20
// flags: -std=c++17
#include "foglift/foglift.hpp"
