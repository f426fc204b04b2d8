#pragma once

#include "foglift/diffusion/process/affine.hpp"

namespace foglift::inline v0::process {

/// The variance-preserving SDE of a schedule with rate beta: dx = -beta/2 x dt + sqrt(beta) dw
/// (Song et al. 2021, eq. 11). Its prior is N(0, I).
template <VariancePreservingSchedule S>
class VariancePreserving : public Affine<S> {
 public:
  explicit VariancePreserving(S schedule = S()) : Affine<S>(std::move(schedule)) {}
};

}  // namespace foglift::inline v0::process
