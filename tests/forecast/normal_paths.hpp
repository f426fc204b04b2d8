#pragma once

#include "foglift/core/rng.hpp"
#include "foglift/core/tensor.hpp"

struct Normal {
  double mean = 0, deviation = 1;
};

/// Independent normal numbers: paths [W, S, H], or actual values [W, H].
inline foglift::Tensor<double> normal_of(const foglift::Shape& shape, const Normal& law,
                                         std::uint64_t seed) {
  foglift::Tensor<double> out = foglift::Rng(seed).normal<double>(shape);
  for (double& v : out) v = law.mean + law.deviation * v;
  return out;
}
