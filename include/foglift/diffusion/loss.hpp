#pragma once

#include "foglift/diffusion/loss/assignment.hpp"
#include "foglift/diffusion/loss/diffusion_loss.hpp"
#include "foglift/diffusion/loss/likelihood_weight.hpp"
#include "foglift/diffusion/loss/options.hpp"
#include "foglift/diffusion/loss/penalty.hpp"
#include "foglift/diffusion/loss/self_conditioning.hpp"
#include "foglift/diffusion/loss/two_heads.hpp"
#include "foglift/diffusion/loss/weight.hpp"
