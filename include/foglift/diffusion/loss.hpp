#pragma once

#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/loss/assignment.hpp"
#include "foglift/diffusion/loss/batch.hpp"
#include "foglift/diffusion/loss/likelihood_weight.hpp"
#include "foglift/diffusion/loss/look_ahead.hpp"
#include "foglift/diffusion/loss/options.hpp"
#include "foglift/diffusion/loss/penalty.hpp"
#include "foglift/diffusion/loss/self_conditioning.hpp"
#include "foglift/diffusion/loss/two_heads.hpp"
#include "foglift/diffusion/loss/weight.hpp"
