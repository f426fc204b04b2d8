#pragma once

/// Every distiller; distill/lesson.hpp says what one makes.
#include "foglift/diffusion/distill/consistency.hpp"
#include "foglift/diffusion/distill/continuous_consistency.hpp"
#include "foglift/diffusion/distill/denoising_student.hpp"
#include "foglift/diffusion/distill/distribution_matching.hpp"
#include "foglift/diffusion/distill/features.hpp"
#include "foglift/diffusion/distill/lesson.hpp"
#include "foglift/diffusion/distill/mean_flow.hpp"
#include "foglift/diffusion/distill/moment_matching.hpp"
#include "foglift/diffusion/distill/policy_gradient.hpp"
#include "foglift/diffusion/distill/progressive.hpp"
#include "foglift/diffusion/distill/reflow.hpp"
#include "foglift/diffusion/distill/tract.hpp"
#include "foglift/diffusion/distill/trajectory_consistency.hpp"
