#pragma once

#include "foglift/autograd/ops/reduce.hpp"
#include "foglift/diffusion/guidance/gradient.hpp"
#include "foglift/diffusion/inverse/posterior_sampling.hpp"
#include "foglift/diffusion/inverse/replacement.hpp"
#include "foglift/forecast/chain_method.hpp"
#include "foglift/nn/nets/decomposition_transformer.hpp"

#include <algorithm>
#include <cmath>

namespace foglift::inline v0::forecast {

/// The published configuration (for ETTh); `small` is one for minutes on two cores.
struct DiffusionTsOptions {
  FrameOptions frame = {};
  Index width = 64, heads = 4;
  Index layers = 3, decoders = 2;  ///< of the encoder, and of the decoder
  Index steps = 500;               ///< of the chain, a cosine's
  Index sampling_steps = 500;      ///< of DDPM; at most `steps`
  double strength = 0.5;           ///< of the guidance, the paper's eta

  static DiffusionTsOptions published(const FrameOptions& frame) { return {.frame = frame}; }
  static DiffusionTsOptions small(const FrameOptions& frame) {
    return {.frame = frame, .width = 32, .layers = 1, .steps = 50, .sampling_steps = 50};
  }
};

/// Diffusion-TS (Yuan & Qiao 2024): an unconditional diffusion model of windows of context and
/// horizon, whose network predicts the data as a trend, a season and a rest, and learns from their
/// absolute errors in time and in frequency. Forecasts are led to the context that is known,
/// whatever is missing in it, by reconstruction: each step of DDPM goes down the gradient of the
/// error that the prediction makes there, and puts the known values, noised, in their place. The
/// authors' program takes up to three such steps, each of one size in all numbers (Adagrad's
/// first). It is told no covariates and no calendar; what it knows of phases it sees in the
/// context.
class DiffusionTs : public ChainMethod<DiffusionTsOptions, predict::X0> {
 public:
  /// Throws what FrameOptions::check does, and ArgumentError for an extent that is not positive,
  /// heads that do not divide the width, a window of fewer than 3 cells, more sampling steps than
  /// steps, or a strength that is not finite. `reach`, `lead` and `center` are chosen here.
  DiffusionTs(const Options& o, Rng& rng)
      : ChainMethod("DiffusionTs", o, DiscreteSchedule::cosine(o.steps)),
        net_({.length = o.frame.context + o.frame.horizon,
              .channels = channels(),
              .width = o.width,
              .heads = o.heads,
              .encoders = o.layers,
              .decoders = o.decoders,
              .time_scale = static_cast<double>(o.steps)},
             rng) {
    if (!std::isfinite(o.strength))
      raise<ArgumentError>("DiffusionTs: strength ", o.strength, ", must be finite");
  }

  /// The model of windows [B, L, K]. Refers to *this.
  auto denoiser() const { return denoiser_of(net_); }
  const nn::DecompositionTransformer<float>& net() const { return net_; }

  /// The mean over values that are there, in windows that have a target, of
  ///   w_t (|d| + sqrt(L) / 5 (|Re F d| + |Im F d|)),  d = x0 - network,
  /// with the discrete Fourier transform F, over L, of errors, 0 where nothing is known; w_t =
  /// weight() of the step, the numbers of the authors' program.
  template <class... On>
  auto loss(const Frame& frame, const LossKeys& keys, On&... tape) const {
    const Window window = Window::counted(frame);
    const auto batch = denoiser().batch(window.values, keys.rng, keys.draws);
    const auto output = denoiser().output(tape..., batch);
    const auto error = constant(window.mask, output) * (output - constant(batch.target, output));
    const auto spectrum = linear(transpose(error, 1, 2), constant(transform(error.dim(1)), error));
    double count = 0;
    for (const float m : window.mask) count += static_cast<double>(m);
    Tensor<float> weights({error.dim(0), 1, 1});
    for (Index b = 0; b < error.dim(0); ++b)
      weights[b] = static_cast<float>(weight(batch.level(b)) / std::max(1.0, count));
    const auto w = constant(weights, error);
    return sum(w * abs(error)) + sum(w * abs(spectrum));
  }

  /// sqrt(alpha_t (1 - alpha_bar_t)) / (100 beta_t) of the chain's nearest step, alpha_t = 1 -
  /// beta_t.
  double weight(const Level& level) const {
    const auto T = static_cast<double>(schedule().steps());
    const auto i = static_cast<Index>(std::clamp(std::round(level.t * T) - 1, 0.0, T - 1));
    const double beta = schedule().beta(i);
    return std::sqrt((1 - beta) * -std::expm1(schedule().log_alpha_bar(i))) / (100 * beta);
  }

  Tensor<float> draw(const Frame& frame, const PathKeys& paths) const {
    const Window seen = Window::known(frame);
    const solver::Known<float> known{seen.values, seen.mask};
    const guide::GradientOf error([&](const auto& x0) { return known.square_error(x0); });
    const solver::Replacement led(
        solver::PosteriorSampling(solver::Ddpm{}, error, options().strength), known);
    const Tensor<float> x =
        paths_by(led, denoiser(), paths, seen.values.shape().with(0, paths.count));
    return slice(x, 1, x.dim(1) - horizon(), horizon());
  }

  FOGLIFT_PRIVATE_CHILDREN(net);

 private:
  /// Errors [..., L] times this are sqrt(L) / 5 times the real and imaginary parts of their Fourier
  /// transform over L; each pair of conjugates is one column for its cosine, one for its sine.
  static Tensor<float> transform(Index L) {
    Tensor<float> out = nn::fourier_basis<float>(L);
    for (Index j = 0; j < L; ++j) {
      const bool single = j == 0 || (L % 2 == 0 && j == L - 1);
      for (Index t = 0; t < L; ++t) out(t, j) *= (single ? 1.0F : std::sqrt(2.0F)) / 5;
    }
    return out;
  }

  nn::DecompositionTransformer<float> net_;
};

}  // namespace foglift::inline v0::forecast
