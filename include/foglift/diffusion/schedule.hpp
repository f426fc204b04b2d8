#pragma once

/// Every noise schedule, one family a file; schedule/schedule.hpp says what one is.
#include "foglift/diffusion/schedule/cosine.hpp"
#include "foglift/diffusion/schedule/custom.hpp"
#include "foglift/diffusion/schedule/dual.hpp"
#include "foglift/diffusion/schedule/exploding.hpp"
#include "foglift/diffusion/schedule/flow.hpp"
#include "foglift/diffusion/schedule/linear.hpp"
#include "foglift/diffusion/schedule/log_snr.hpp"
#include "foglift/diffusion/schedule/schedule.hpp"
#include "foglift/diffusion/schedule/shifted.hpp"
#include "foglift/diffusion/schedule/sigmoid.hpp"
#include "foglift/diffusion/schedule/sub_vp.hpp"
