#pragma once

#include "foglift/foglift.hpp"

#include <functional>
#include <string>
#include <utility>
#include <vector>

/// What makes samples [n, 2] of noise of unit variance in so many evaluations of a network.
struct Sampler {
  std::string name;
  std::function<foglift::Tensor<float>(const foglift::Tensor<float>& noise, foglift::Index)> draw;
  std::vector<foglift::Index> evaluations = {1, 2, 4};
};

/// How long everything trains.
struct Budget {
  foglift::Index teacher = 6000, student = 3000, batch = 256;
  std::uint64_t seed = 1;
};

using Net = foglift::nn::Mlp<float>;

/// A network of flow matching on the points x0 [n, 2].
Net teacher_of_points(const foglift::Tensor<float>& x0, const Budget& budget);

/// The teacher's own samplers, and every student of it, trained on x0.
std::vector<Sampler> teacher_samplers(const Net& teacher);
std::vector<Sampler> students(const Net& teacher, const foglift::Tensor<float>& x0,
                              const Budget& budget);
