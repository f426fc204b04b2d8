#pragma once

/// Flows and walks between two laws; bridges from paired data are corruption/pinned.hpp.
#include "foglift/diffusion/bridge/coupling.hpp"
#include "foglift/diffusion/bridge/interpolant.hpp"
#include "foglift/diffusion/bridge/schroedinger.hpp"
