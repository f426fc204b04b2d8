#pragma once

// Everything a program needs to train and sample diffusion models. Headers that need a package beyond Eigen (files, xtensor)
// and the applications (forecast, probe) are included by name.

#include "foglift/core/rng.hpp"
