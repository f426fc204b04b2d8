#pragma once

#include "foglift/diffusion/process/affine.hpp"
#include "foglift/diffusion/schedule/exploding.hpp"
#include "foglift/diffusion/schedule/flow.hpp"
#include "foglift/diffusion/schedule/sub_vp.hpp"

namespace foglift::inline v0::process {

/// dx = -beta/2 x dt + sqrt(beta (1 - alpha^4)) dw (Song et al. 2021, eq. 13).
template <VariancePreservingSchedule S = schedule::Linear>
using SubVariancePreserving = Affine<schedule::SubVariancePreserving<S>>;

/// dx = sigma sqrt(2 ln(max / min)) dw (Song et al. 2021, eq. 9), its prior N(0, max^2).
using VarianceExploding = Affine<schedule::Geometric>;

/// dx = sqrt(2 sigma sigma') dw, along the noise levels of Karras et al. 2022.
using Edm = Affine<schedule::Edm>;

/// x = (1 - t) x0 + t eps (Liu et al. 2023): dx = -x / (1 - t) dt + sqrt(2 t / (1 - t)) dw.
using RectifiedFlow = Affine<schedule::Flow>;

/// x = cos(pi t / 2) x0 + sin(pi t / 2) eps (Albergo & Vanden-Eijnden 2023).
using Trigonometric = Affine<schedule::Trigonometric>;

}  // namespace foglift::inline v0::process
