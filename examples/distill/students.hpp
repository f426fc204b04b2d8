#pragma once

#include "foglift/diffusion/verify/two_sample.hpp"
#include "foglift/foglift.hpp"

#include <cmath>
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

/// How long everything trains, and what becomes of it on the way.
struct Budget {
  foglift::Index teacher = 6000, student = 3000, batch = 256;
  std::uint64_t seed = 1;
  /// Where each stage's run is kept, so that one that was stopped goes on; empty: nowhere. `config`
  /// is compared with the files'.
  std::string folder = {}, config = {};
  bool quiet = false;
  const foglift::train::Interrupt* interrupt = nullptr;
};

/// Thrown where a signal ended a stage, which has been saved.
struct Interrupted {
  int signal;
};

using Net = foglift::nn::Mlp<float>;

/// A network of flow matching on the points x0 [n, 2].
Net teacher_of_points(const foglift::Tensor<float>& x0, const Budget& budget);

/// The teacher's own samplers, and every student of it, trained on x0.
std::vector<Sampler> teacher_samplers(const Net& teacher);
std::vector<Sampler> students(const Net& teacher, const foglift::Tensor<float>& x0,
                              const Budget& budget);

/// Sliced Wasserstein distance of two sets of points [n, 2], over 100 directions.
inline double distance_of(const foglift::Tensor<float>& a, const foglift::Tensor<float>& b) {
  return std::sqrt(foglift::verify::sliced_wasserstein2(a, b, 100, foglift::Rng(123)));
}
