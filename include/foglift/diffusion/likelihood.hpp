#pragma once

#include "foglift/diffusion/likelihood/decoder.hpp"
#include "foglift/diffusion/likelihood/dequantise.hpp"
#include "foglift/diffusion/likelihood/flow_likelihood.hpp"
#include "foglift/diffusion/likelihood/gaussian_kl.hpp"
#include "foglift/diffusion/likelihood/trace.hpp"
#include "foglift/diffusion/likelihood/vdm.hpp"
#include "foglift/diffusion/likelihood/vlb.hpp"
