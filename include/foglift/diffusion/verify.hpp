#pragma once

/// Tools to check a solver: its measured order, its weak order, identities that any right solver
/// satisfies, and tests of whether samples follow a distribution.
#include "foglift/diffusion/verify/identities.hpp"
#include "foglift/diffusion/verify/order.hpp"
#include "foglift/diffusion/verify/problem.hpp"
#include "foglift/diffusion/verify/two_sample.hpp"
#include "foglift/diffusion/verify/weak_order.hpp"
