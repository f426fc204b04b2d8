#pragma once

// Data whose denoiser is known exactly. Full covariances, which need more of Eigen than its core,
// have a header of their own: diffusion/analytic/full_gaussian.hpp.

#include "foglift/diffusion/analytic/empirical.hpp"
#include "foglift/diffusion/analytic/gaussian.hpp"
#include "foglift/diffusion/analytic/marginal.hpp"
#include "foglift/diffusion/analytic/mixture.hpp"
