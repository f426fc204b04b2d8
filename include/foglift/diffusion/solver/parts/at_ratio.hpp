#pragma once

#include "foglift/diffusion/curve.hpp"

namespace foglift::inline v0::solver {

/// The level of noise-to-signal ratio s >= 0 on the Curve that `like` lies on. t is that of `like`.
inline Level at_ratio(const Level& like, double s) { return Curve(like).at(s, like.t); }

}  // namespace foglift::inline v0::solver
