#pragma once

#include "foglift/core/rng.hpp"
#include "foglift/core/tensor.hpp"

#include <string>
#include <vector>

/// Points of the plane [n, 2], standardized in each coordinate.
struct PlaneData {
  std::string name;
  foglift::Tensor<float> train, held_out;  ///< as many of both
};

/// Bicycle hires of two consecutive hours, two moons, and a checkerboard of 8 of 16 fields, n
/// points to train with and n held out (hires: even and odd days).
std::vector<PlaneData> plane_data(foglift::Index n, const foglift::Rng& rng);
