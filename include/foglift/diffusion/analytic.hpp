#pragma once

#include "foglift/diffusion/analytic/empirical.hpp"
#include "foglift/diffusion/analytic/gaussian.hpp"
#include "foglift/diffusion/analytic/mixture.hpp"
