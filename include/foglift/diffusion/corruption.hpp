#pragma once

/// Every corruption; corruption/corruption.hpp says what one is.
#include "foglift/diffusion/corruption/batch.hpp"
#include "foglift/diffusion/corruption/cold.hpp"
#include "foglift/diffusion/corruption/corruption.hpp"
#include "foglift/diffusion/corruption/dyffusion.hpp"
#include "foglift/diffusion/corruption/gaussian.hpp"
#include "foglift/diffusion/corruption/mask.hpp"
#include "foglift/diffusion/corruption/pinned.hpp"
#include "foglift/diffusion/corruption/spectral.hpp"
