// expect: constraint
#include "foglift/core/tensor.hpp"

#include <cstdint>

// Elements are Scalars, ids of 32 or 64 bits, and bytes.
#ifdef FINE
foglift::Tensor<std::uint8_t> t;
#else
foglift::Tensor<short> t;
#endif
