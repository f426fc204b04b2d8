#pragma once

#include "foglift/core/rng.hpp"
#include "foglift/core/tensor.hpp"
#include "support/catch.hpp"

#include <fstream>
#include <functional>
#include <sstream>
