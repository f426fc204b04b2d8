// expect: constraint
#include "foglift/core/tensor.hpp"

#ifdef FINE
foglift::Tensor<double> t;
#else
foglift::Tensor<int> t;
#endif
