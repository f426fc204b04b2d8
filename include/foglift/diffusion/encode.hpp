#pragma once

#include "foglift/diffusion/encode/edit.hpp"
#include "foglift/diffusion/encode/encode.hpp"
#include "foglift/diffusion/encode/invert_ddim.hpp"
