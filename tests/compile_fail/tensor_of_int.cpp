// expect: tensors of a Scalar
#include "foglift/autograd/ops/arithmetic.hpp"

#include <cstdint>

using namespace foglift;

// Tensors of integers hold ids, codes and masks; operations compute on those of a Scalar.
#ifdef FINE
using T = float;
#else
using T = std::int32_t;
#endif

inline auto f(const Tensor<T>& a, const Tensor<T>& b) { return a + b; }
