#pragma once

/// Every time grid; grid/grid.hpp says what one is.
#include "foglift/diffusion/grid/align_your_steps.hpp"
#include "foglift/diffusion/grid/beta_quantile.hpp"
#include "foglift/diffusion/grid/chain.hpp"
#include "foglift/diffusion/grid/dynamics.hpp"
#include "foglift/diffusion/grid/fast_dpm.hpp"
#include "foglift/diffusion/grid/grid.hpp"
#include "foglift/diffusion/grid/groups.hpp"
#include "foglift/diffusion/grid/ratios.hpp"
#include "foglift/diffusion/grid/terminal_stretch.hpp"
#include "foglift/diffusion/grid/times.hpp"
