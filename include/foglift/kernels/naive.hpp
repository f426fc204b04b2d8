#pragma once

/// Slow and obvious versions of all kernels: the oracle of the tests, nothing else.
#include "foglift/kernels/naive_pointwise.hpp"
#include "foglift/kernels/naive_products.hpp"
