#pragma once

#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/discrete.hpp"
#include "foglift/forecast/frame/framer.hpp"
#include "foglift/forecast/frame/window.hpp"
#include "foglift/nn/module.hpp"
#include "support/catch.hpp"

namespace foglift::inline v0::forecast::owed {

/// The horizon is one mask of many: a method's denoiser of whole windows says of it what its
/// network says when it is asked about the horizon alone, whatever noise stands at known values;
/// and draws of a window are told what rows of a batch are. seen(window) is the method's.
template <class M, class F>
void check_any_mask(const typename M::Options& options, const F& seen) {
  Rng rng(2);
  M method(options, rng);
  nn::for_each_parameter(method, [&](const std::string& name, auto& p) {
    if (name == "output.weight") p.value.fill(0.1F);
  });
  const Index K = options.frame.columns.channels, C = options.frame.context,
              H = options.frame.horizon, L = C + H;
  Window window{Rng(4).normal<float>({1, L, K}), Tensor<float>({1, L, K}, 1.0F),
                Tensor<float>({1, L, 0})};
  Tensor<float> horizon({1, L, K});
  std::fill(horizon.data() + C * K, horizon.data() + L * K, 1.0F);
  window = window.without(horizon);
  const Tensor<float> x = Rng(3).normal<float>({1, L, K});
  const auto of_horizon = [&](const auto& noisy, const Tensor<float>& time) {
    return method.network(noisy, time, seen(window));
  };
  const NetworkDenoiser part(of_horizon, predict::Epsilon{},
                             DiscreteSchedule::scaled_linear(options.steps, options.beta));
  const Level level = part.step(options.steps / 2);
  const Tensor<float> whole = method.denoiser(window)(x, level);
  const Tensor<float> expected = part(slice(x, 1, C, H), level);
  CHECK(slice(whole, 1, C, H) == expected);
  CHECK_FALSE(expected == slice(x, 1, C, H));

  const Tensor<float> noisy = Rng(5).normal<float>({3, L, K});
  CHECK(method.denoiser(window, 3)(noisy, level) ==
        method.denoiser(window.repeated(3))(noisy, level));
}

}  // namespace foglift::inline v0::forecast::owed
