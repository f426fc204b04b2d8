#pragma once

#include "foglift/diffusion/solver/parts/multistep.hpp"

namespace foglift::inline v0::solver {

/// The solver with one rule for steps of any length, as its source prints it: without the fewer
/// outputs, the start and the bounds that the defaults of multistep rules, Heun and Dpm2 take on
/// long steps. For comparisons with published runs; on short steps nothing changes.
///
///   sample(solver::at_any_length(solver::UniPc<3>{}), denoise, {64, 24}, grid, Rng(7));
template <class S>
S at_any_length(const S& solver) {
  // Not by value: of a class that a function takes by value and returns, g++ 12 (-fipa-modref, from
  // -O1 on, where it is not inlined) believes that nothing is ever written through its pointers, so
  // a caller would never see an adaptive solver's report. At -O1 this ends with 0 instead of 1:
  //   struct S { int* out; };
  //   S same(S s) { return s; }
  //   void write(const S& s) { *s.out = 1; }
  //   void run(const S& s) { write(same(s)); }
  //   int main() { int out = 0; run({&out}); return out; }
  S out = solver;
  if constexpr (requires { out.outputs; }) out.outputs = Outputs::all;
  if constexpr (requires { out.begin == Start::by_length; })
    if (out.begin == Start::by_length) out.begin = Start::single_step;
  if constexpr (requires { out.least_ratio; }) out.least_ratio = 0;
  if constexpr (requires { out.inner; }) out.inner = at_any_length(out.inner);
  return out;
}

}  // namespace foglift::inline v0::solver
