// Completes half-known samples: a smooth curve of which some values are given, the others drawn.
//
//   value   drawn mean   exact mean
//       0          1.0          1.0
//       1          0.9          0.9
//       3          0.4          0.6
//       6         -0.1         -0.1
//       9         -0.7         -0.8
//      11         -1.0         -1.0
#include <foglift/diffusion/analytic/full_gaussian.hpp>
#include <foglift/foglift.hpp>

#include <cmath>
#include <cstdio>
#include <limits>

using namespace foglift;

int main() {
  // Curves of 12 values whose neighbours are alike: covariance exp(-(i-j)^2 / 18). Yours would be a
  // trained network.
  constexpr Index n = 12;
  Tensor<double> covariance({n, n});
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < n; ++j)
      covariance(i, j) = std::exp(-static_cast<double>((i - j) * (i - j)) / 18);
  const analytic::FullGaussian denoise(std::vector<double>(n, 0.0), covariance);

  // NaN marks what is missing, and the mask says so: 1 is known.
  const float missing = std::numeric_limits<float>::quiet_NaN();
  const Tensor<float> values({1, n}, {1.f, missing, missing, missing, missing, missing, missing,
                                      missing, missing, missing, missing, -1.f});
  Tensor<float> mask({1, n});
  mask[0] = mask[n - 1] = 1;

  const auto x = sample(solver::Repaint(solver::Ddpm{}, solver::Known<float>{values, mask},
                                        {.jump = 10, .resamplings = 8}),
                        denoise, {2000, n}, grid::uniform(schedule::Cosine{}, 100), Rng(3));
  std::printf("value   drawn mean   exact mean\n");
  const double c =
      covariance(0, n - 1);  // the mean given values 1 and -1 at the ends, in closed form
  for (const Index i : {Index{0}, Index{1}, Index{3}, Index{6}, Index{9}, Index{11}}) {
    double mean = 0;
    for (Index b = 0; b < 2000; ++b) mean += x(b, i) / 2000;
    std::printf("%5td   %10.1f   %10.1f\n", i, mean,
                (covariance(i, 0) - covariance(i, n - 1)) / (1 - c));
  }
}
