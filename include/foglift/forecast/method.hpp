#pragma once

#include "foglift/diffusion/times.hpp"
#include "foglift/forecast/frame/frame.hpp"
#include "foglift/nn/description.hpp"
#include "foglift/nn/layers/dropout.hpp"
#include "foglift/nn/module.hpp"

#include <concepts>
#include <optional>

namespace foglift::inline v0::forecast {

/// What a loss draws by: everything random in it is keyed by (rng, sample, step).
struct LossKeys {
  Rng rng;
  Draws draws;                                   ///< samples and step
  std::optional<nn::DropoutNoise> dropout = {};  ///< absent: evaluation, nothing is dropped
};

/// Which sample paths to draw: path p of an origin is keyed by (rng, p) alone, as row p - first of
/// rng.normal<float>({count, ...}, first) is.
struct PathKeys {
  Rng rng;  ///< of the origin
  Index first = 0, count = 1;
};

/// A way to forecast: a module (see nn::Module) of the networks that it trains, built by
/// (Options, Rng&), with three functions.
///   frame()                       what it needs of a panel at an origin
///   loss(frame, keys, tape)       the mean loss of the targets that are there, recorded on the
///   tape:
///                                 a row without any changes nothing
///   draw(frame, paths)            scaled targets [count, H, K] of paths of a frame of one row
/// A loss that can also be called without a tape, giving the number [], is validated at less cost:
/// `template <class... On> auto loss(const Frame&, const LossKeys&, On&... tape) const` is both.
/// `description()` names choices beside those of the frame that the weights are of no use without.
/// All are called from several threads at once. Scaling, training, validation, checkpoints and the
/// spreading of paths over threads are Forecaster's.
template <class M>
concept Method = nn::Module<M> && std::constructible_from<M, const typename M::Options&, Rng&> &&
                 requires(const M& method, const Frame& frame, const LossKeys& keys,
                          const PathKeys& paths, Tape<float>& tape) {
                   { method.frame() } -> std::convertible_to<FrameOptions>;
                   { method.loss(frame, keys, tape) } -> std::same_as<Var<float>>;
                   { method.draw(frame, paths) } -> std::same_as<Tensor<float>>;
                 };

/// What the methods of the library have in common: options, kept, with `frame`.
template <class O>
class FrameMethod {
 public:
  using Options = O;
  const O& options() const { return options_; }
  const FrameOptions& frame() const { return options_.frame; }

 protected:
  explicit FrameMethod(O o) : options_(std::move(o)) {}

  Index horizon() const { return frame().horizon; }
  /// Number K of channels.
  Index channels() const { return frame().columns.channels; }

 private:
  O options_;
};

/// The loss of a denoiser of targets [B, H, K], on those that are there.
template <class D, class... On>
auto target_loss(const D& denoise, const Frame& frame, const LossKeys& keys, On&... tape) {
  return denoise.loss(tape..., frame.scaled_target(), keys.rng, keys.draws,
                      {.weight = &frame.target_mask});
}

/// Data as a loss computes with it: recorded where it was given a tape.
inline Tensor<float> recorded(Tensor<float> data) { return data; }
inline Var<float> recorded(Tensor<float> data, Tape<float>& tape) {
  return tape.constant(std::move(data));
}

/// Rows of one alone, `count` times: [1, ...] -> [count, ...].
inline Tensor<float> repeated(const Tensor<float>& one, Index count) {
  Tensor<float> out(one.shape().with(0, count));
  for (Index i = 0; i < count; ++i) std::copy(one.begin(), one.end(), out.data() + i * one.size());
  return out;
}

}  // namespace foglift::inline v0::forecast
