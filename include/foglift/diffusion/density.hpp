#pragma once

#include "foglift/diffusion/density/density.hpp"
#include "foglift/diffusion/density/gamma_rate.hpp"
#include "foglift/diffusion/density/log_ratio.hpp"
#include "foglift/diffusion/density/loss_history.hpp"
#include "foglift/diffusion/density/noise.hpp"
#include "foglift/diffusion/density/normal.hpp"
#include "foglift/diffusion/density/piecewise.hpp"
#include "foglift/diffusion/density/steps.hpp"
#include "foglift/diffusion/density/time.hpp"
