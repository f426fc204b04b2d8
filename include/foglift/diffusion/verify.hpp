#pragma once

/// Tools to check a solver: its measured order, its weak order, identities, and statistical tests.
#include "foglift/diffusion/verify/order.hpp"
#include "foglift/diffusion/verify/problem.hpp"
#include "foglift/diffusion/verify/weak_order.hpp"
