// Writes a solver and measures its order: a step that averages the slopes at both ends of it.
//
//   order 2.0
#include <foglift/diffusion/verify.hpp>
#include <foglift/foglift.hpp>

#include <cstdio>

using namespace foglift;

// With z = x / alpha and s = sigma / alpha, the probability flow is dz/ds = (z - x0) / s.
struct Trapezoid {
  static constexpr const char* name = "trapezoid";
  static constexpr int order = 2, weak_order = 0, evaluations = 2;  // measured below

  template <Scalar T, Denoiser<T> D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise,
                 const StepRng& rng) const {
    const Tensor<T> x0 = denoise(x, from);
    if (from.alpha == 0 || to.sigma == 0)
      return solver::transfer(std::move(x), x0, from, to, to.sigma, 0, rng);
    const Tensor<T> there = solver::transfer(x, x0, from, to, to.sigma, 0, rng);  // Euler's step
    const Tensor<T> x0_there = denoise(there, to);
    const Tensor<T> again = solver::transfer(std::move(x), x0_there, from, to, to.sigma, 0,
                                             rng);  // with the other estimate
    // the mean of the two, with the second slope taken at the second point
    return affine(0.5, there, 0.5, again);
  }
};

int main() { std::printf("order %.1f\n", verify::order(Trapezoid{}).slope()); }
