// expect: no match|invalid operands
#include "foglift/autograd/ops/arithmetic.hpp"

using namespace foglift;

// A tensor and a recorded value do not add up: constant(x, like) says how the tensor takes part.
inline Var<float> f(const Var<float>& a, const Tensor<float>& b) {
#ifdef FINE
  return add(a, constant(b, a));
#else
  return a + b;
#endif
}
