// expect: says nothing of x0 at alpha = 0
#include "foglift/diffusion/denoiser.hpp"

using namespace foglift;

// A schedule that ends in noise alone, and a network that predicts the noise: nothing tells what x0
// is where sampling starts.
struct ToPureNoise {
  static constexpr bool zero_terminal_snr = true;
  Level at(double t) const { return {t, 1 - t, t}; }
  double time(double lambda) const { return 1 / (1 + std::exp(lambda)); }
};

inline void denoise_it() {
  const auto net = [](const Tensor<float>& x, const Tensor<float>&) { return x; };
#ifdef FINE
  const NetworkDenoiser d(net, predict::Velocity{}, ToPureNoise{});
#else
  const NetworkDenoiser d(net, predict::Epsilon{}, ToPureNoise{});
#endif
  d(Tensor<float>({1, 1}), Level{});
}
