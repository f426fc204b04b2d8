#include "foglift/foglift.hpp"

foglift::Tensor<float> from_unit_b() { return foglift::Rng(1).normal<float>({2, 3}); }
