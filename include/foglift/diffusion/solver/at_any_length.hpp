#pragma once

#include "foglift/diffusion/solver/multistep.hpp"

namespace foglift {
inline namespace v0 {
namespace solver {

/// The solver with one rule for steps of any length, as its source prints it: without the fewer
/// outputs, the start and the bounds that the defaults of multistep rules, Heun and Dpm2 take on
/// long steps. For comparisons with published runs; on short steps nothing changes.
///
///   sample(solver::at_any_length(solver::UniPc<3>{}), denoise, {64, 24}, grid, Rng(7));
template <class S>
S at_any_length(const S& solver) {
  S out = solver;
  if constexpr (requires { out.outputs; }) out.outputs = Outputs::all;
  if constexpr (requires { out.begin == Start::by_length; })
    if (out.begin == Start::by_length) out.begin = Start::single_step;
  if constexpr (requires { out.least_ratio; }) out.least_ratio = 0;
  if constexpr (requires { out.inner; }) out.inner = at_any_length(out.inner);
  return out;
}

}  // namespace solver
}  // namespace v0
}  // namespace foglift
