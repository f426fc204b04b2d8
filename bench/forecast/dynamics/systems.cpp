#include "dynamics.hpp"
#include "foglift/forecast/simulate/advection_diffusion.hpp"
#include "foglift/forecast/simulate/navier_stokes.hpp"
#include "foglift/forecast/simulate/spring_mesh.hpp"
#include "foglift/forecast/simulate/wave.hpp"

#include <cmath>

using namespace foglift;
using namespace foglift::forecast;

namespace {

constexpr Index training_courses = 100, test_courses = 8, snapshots = 24;

/// Courses of a system in units of the deviations of its channels in training.
template <Simulator S>
System of(const char* name, const S& system, Index width, Padding padding) {
  const auto training = simulate(system, training_courses, snapshots, Rng(1));
  const auto test = simulate(system, test_courses, snapshots, Rng(1), training_courses);
  const Index channels = training.dim(-1);
  std::vector<double> mean(static_cast<std::size_t>(channels)), square = mean;
  const double count = static_cast<double>(training.size() / channels);
  for (Index i = 0; i < training.size(); ++i) {
    const auto c = static_cast<std::size_t>(i % channels);
    mean[c] += training[i] / count;
    square[c] += training[i] * training[i] / count;
  }
  const auto scaled = [&](const Tensor<double>& courses) {
    Tensor<float> out(courses.shape());
    for (Index i = 0; i < out.size(); ++i) {
      const auto c = static_cast<std::size_t>(i % channels);
      out[i] =
          static_cast<float>((courses[i] - mean[c]) / std::sqrt(square[c] - mean[c] * mean[c]));
    }
    return out;
  };
  return {.name = name,
          .training = scaled(training),
          .test = scaled(test),
          .net = {.width = width,
                  .multipliers = {1, 2},
                  .blocks = 1,
                  .middle_attention = false,
                  .groups = 4,
                  .padding = padding}};
}

}  // namespace

std::vector<System> systems() {
  return {
      of("wave", Wave({.points = 32}), 16, Padding::circular),
      of("advection", AdvectionDiffusion({.swirl = 1, .diffusivity = 2e-3}), 8, Padding::circular),
      of("springs", SpringMesh({.interval = 0.125, .substeps = 64}), 8, Padding::zero),
      of("navier-stokes",
         NavierStokes({.points = 16, .viscosity = 0.01, .interval = 0.4, .substeps = 10}), 8,
         Padding::circular)};
}
