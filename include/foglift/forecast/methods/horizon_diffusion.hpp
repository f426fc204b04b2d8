#pragma once

#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/encode/edit.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/forecast/frame/aligned_features.hpp"
#include "foglift/forecast/method.hpp"
#include "foglift/nn/nets/unet.hpp"

namespace foglift::inline v0::forecast {

/// Of HorizonDiffusion<Net>.
template <class Net>
struct HorizonDiffusionOptions {
  FrameOptions frame = {};
  typename Net::Options net = {};  ///< but for `in` and `out`, which follow from the frame
  Index sampling_steps = 16;

  static void untold(const HorizonDiffusionOptions& o, auto&& f) { Net::Options::untold(o.net, f); }
};

/// A conditional diffusion model of the whole horizon: the network sees noisy targets beside the
/// features of their frame (AlignedFeatures) and learns their velocity on a cosine schedule; paths
/// are drawn by DDIM. `Net` is a denoiser of [B, horizon, channels] with Options that have `in` and
/// `out`: nn::UNet1d, nn::Dit1d.
template <class Net = nn::UNet1d<float>>
class HorizonDiffusion : public FrameMethod<HorizonDiffusionOptions<Net>> {
  using Base = FrameMethod<HorizonDiffusionOptions<Net>>;

 public:
  /// Throws what AlignedFeatures and Net throw, and ArgumentError for less than one sampling step.
  HorizonDiffusion(const typename Base::Options& o, Rng& rng)
      : Base(complete(o)), features_(this->frame()), net_(of_features(o.net), rng) {}

  const Net& net() const { return net_; }
  const AlignedFeatures& features() const { return features_; }
  nn::Description description() const { return denoiser({}, nn::Call<>()).description(); }

  /// The loss of the denoiser on the targets that are there.
  template <class... On>
  auto loss(const Frame& frame, const LossKeys& keys, On&... tape) const {
    const nn::Call<> call(keys.dropout);
    const Tensor<float> features = features_(frame);
    return target_loss(denoiser(features, call), frame, keys, tape...);
  }

  Tensor<float> draw(const Frame& frame, const PathKeys& paths) const {
    return draw(frame, paths, solver::Ddim{}, this->options().sampling_steps);
  }

  /// The same by any solver, on the uniform grid of so many steps; see Forecaster::paths.
  template <class S>
  Tensor<float> draw(const Frame& frame, const PathKeys& paths, const S& solver,
                     Index steps) const {
    return drawn(
        frame, paths, [&](const auto& denoise, const Shape& shape, const SampleOptions& o) {
          return sample(solver, denoise, shape, grid::uniform(denoise, steps), paths.rng, o);
        });
  }

  /// The same from a guess at the paths, scaled targets [count, H, K], noised to the level at time
  /// `from` in (0, 1]: at 1 nothing is left of it (SDEdit, see edit()).
  template <class S>
  Tensor<float> redraw(const Tensor<float>& guess, const Frame& frame, const PathKeys& paths,
                       const S& solver, Index steps, double from) const {
    return drawn(frame, paths,
                 [&](const auto& denoise, const Shape& shape, const SampleOptions& o) {
                   if (guess.shape() != shape)
                     raise<ShapeError>("HorizonDiffusion::redraw: a guess ", guess.shape(),
                                       ", needed ", shape);
                   return edit(solver, denoise, guess,
                               grid::uniform(denoise, steps, {.first = from}), paths.rng, o);
                 });
  }

  static void each(auto& self, auto&& f) { Net::each(self.net_, f); }

 private:
  static typename Base::Options complete(typename Base::Options o) {
    if (o.sampling_steps < 1)
      raise<ArgumentError>("HorizonDiffusion: sampling_steps ", o.sampling_steps,
                           "; needed at least 1");
    o.frame = AlignedFeatures(o.frame).frame();
    return o;
  }
  typename Net::Options of_features(typename Net::Options net) const {
    net.out = this->channels();
    net.in = net.out + features_.channels();
    return net;
  }

  /// run(denoiser, shape, options) for the paths of a frame of one row.
  template <class Run>
  Tensor<float> drawn(const Frame& frame, const PathKeys& paths, const Run& run) const {
    const Tensor<float> features = repeated(features_(frame), paths.count);
    const nn::Call<> evaluation;
    return run(denoiser(features, evaluation),
               Shape{paths.count, frame.horizon(), frame.channels()},
               SampleOptions{.first_sample = static_cast<std::uint64_t>(paths.first)});
  }

  /// The network with the features beside its noisy input. Refers to all three.
  auto denoiser(const Tensor<float>& features, const nn::Call<>& call) const {
    return NetworkDenoiser(
        [&](const auto& x, const Tensor<float>& time) {
          return net_(concat({x, constant(features, x)}, 2), time, {}, call);
        },
        predict::Velocity{}, schedule::Cosine{});
  }

  AlignedFeatures features_;
  Net net_;
};

}  // namespace foglift::inline v0::forecast
