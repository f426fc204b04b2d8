#pragma once
// What every StepwiseMethod owes beside what every method does.

#include "foglift/forecast/stepwise_method.hpp"
#include "method_checks.hpp"

namespace foglift::forecast::owed {

/// With weights that are not zero anywhere.
template <Method M>
M shaken(const typename M::Options& o) {
  Rng rng(7);
  M method(o, rng);
  nn::for_each_parameter(method, [&](const std::string&, auto& p) {
    p.value = rng.split().template normal<float>(p.value.shape());
    for (float& v : p.value) v *= 0.3F;
  });
  return method;
}

/// The loss of values [B, H, K] that are there, each step by itself: told(b, h) is its condition,
/// denoise(condition) what is asked of it.
template <class Told, class Denoise>
double loss_by_steps(const Tensor<float>& values, const Tensor<float>& mask, const LossKeys& keys,
                     const Told& told, const Denoise& denoise) {
  const Index B = values.dim(0), H = values.dim(1), K = values.dim(2);
  double sum = 0, count = 0;
  for (Index b = 0; b < B; ++b)
    for (Index h = 0; h < H; ++h) {
      const auto asked = denoise(told(b, h));
      const Tensor<float> y = slice(values.rows(b, 1), 1, h, 1).reshaped({1, K});
      const auto id = (static_cast<std::uint64_t>(b) + keys.draws.first_sample) *
                          static_cast<std::uint64_t>(H) +
                      static_cast<std::uint64_t>(h);
      const auto batch = asked.batch(
          y, keys.rng,
          {.first_sample = id, .step = keys.draws.step, .strata = keys.draws.strata * H}, {});
      const Tensor<float> eps = asked.output(batch);
      for (Index k = 0; k < K; ++k) {
        const auto there = static_cast<double>(mask(b, h, k));
        const auto error = static_cast<double>(eps[k] - batch.target[k]);
        sum += there * error * error;
        count += there;
      }
    }
  return sum / count;
}

/// A step of a path of H steps of two channels is drawn by `steps` of DDPM given the steps before
/// it, which make conditions(frame) [1, H, condition].
template <Method M, class Conditions>
void check_steps(const M& method, const Frame& frame, Index steps, const Conditions& conditions) {
  const Index H = frame.horizon();
  const Tensor<float> paths = method.draw(frame, {Rng(4), 3, 5});
  for (Index p = 0; p < 5; ++p) {
    Frame told = frame;  // of this path, as if it had come so
    for (Index i = 0; i < 2 * H; ++i) {
      told.target[i] = told.unscaled(static_cast<double>(paths(p, i / 2, i % 2)), 0, i / 2, i % 2);
      told.target_mask[i] = 1;
    }
    const Tensor<float> all = conditions(told);
    for (Index h = 0; h < H; ++h) {
      const Tensor<float> condition = slice(all, 1, h, 1).reshaped({1, all.dim(2)});
      const auto denoise = method.denoiser(condition);
      const Tensor<float> y =
          sample(solver::Ddpm{}, denoise, {1, 2}, grid::trailing(denoise, steps),
                 Rng(4).stream(static_cast<std::uint64_t>(h)),
                 {.first_sample = static_cast<std::uint64_t>(3 + p)});
      // Targets go through the units of the series: roundings of float, some 50 of them.
      for (Index k = 0; k < 2; ++k)
        CHECK_THAT(paths(p, h, k), WithinAbs(y[k], 1e-5F * (1 + std::abs(y[k]))));
    }
  }
}

}  // namespace foglift::forecast::owed
