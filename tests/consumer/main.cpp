// What a user writes first: sample from an exact denoiser.
#include <foglift/foglift.hpp>

#include <cmath>
#include <cstdio>

int main() {
  using namespace foglift;
  auto denoise = analytic::gaussian({.mean = 2.0, .variance = 0.25});
  auto x = sample<float>(solver::Ddim{.eta = 0}, denoise, {2000, 1},
                         grid::uniform(schedule::Cosine{}, 50), Rng(7));
  double mean = 0;
  for (float v : x) mean += v / 2000.0;
  std::printf("mean %.3f\n", mean);
  return std::abs(mean - 2.0) < 5 * 0.5 / std::sqrt(2000.0) ? 0 : 1;
}
