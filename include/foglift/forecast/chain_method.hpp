#pragma once

#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/discrete.hpp"
#include "foglift/diffusion/grid/chain.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/solver/ddpm.hpp"
#include "foglift/forecast/frame/window.hpp"
#include "foglift/forecast/method.hpp"
#include "foglift/nn/layers/embedding.hpp"

namespace foglift::inline v0::forecast {

/// Options on a shorter chain, all of whose steps are sampled; a larger last beta leaves it as
/// noisy.
template <class O>
O on_short_chain(O o, Index steps, double last_beta) {
  o.steps = o.sampling_steps = steps;
  o.beta.last = last_beta;
  return o;
}

/// What methods have in common that run a discrete chain of noise over windows (see Window). Their
/// options have `frame`, `steps` of the chain and `sampling_steps`; their networks predict P.
/// forecast/methods/sssd.hpp is one on a page.
template <class O, Parameterization P = predict::Epsilon>
class ChainMethod : public FrameMethod<O> {
 public:
  nn::Description description() const {
    return {{"parameterization", P{}.description()}, {"schedule", schedule_.description()}};
  }

 protected:
  /// For frames that show the context, and as many cells before it as `earlier`. Throws what
  /// Window::frame does, and ArgumentError unless the chain has as many steps as sampling takes.
  ChainMethod(const char* name, O o, DiscreteSchedule schedule, Index earlier = 0)
      : FrameMethod<O>(complete(name, std::move(o), earlier)), schedule_(std::move(schedule)) {}

  /// The denoiser of a network that learns noise of the chain, told a condition if there is one.
  template <class Net, class... Condition>
  auto denoiser_of(Net&& net, Condition... condition) const {
    return NetworkDenoiser(std::forward<Net>(net), P{}, schedule_, std::move(condition)...);
  }

  /// The denoiser of method.network(x, time, seen), x being noisy. Refers to both.
  template <class M, class Seen>
  auto asking(const M& method, const Seen& seen) const {
    return denoiser_of(
        [&](const auto& x, const Tensor<float>& time) { return method.network(x, time, seen); });
  }

  /// The same of whole windows x [B, L, K], of which those values are noisy that are not known.
  /// Refers to the method alone.
  template <class M, class Seen>
  auto asking_of(const M& method, const Window& window, Seen seen) const {
    return denoiser_of([&method, seen = std::move(seen), unknown = window.unknown()](
                           const auto& x, const Tensor<float>& time) {
      return method.network(x * constant(unknown, x), time, seen);
    });
  }

  /// How a network is told the step of the chain, in `width` numbers, from `time_features` of it.
  nn::TimeEmbeddingOptions embedding_of_step(Index width) const {
    return {.features = this->options().time_features,
            .width = width,
            .time_scale = static_cast<double>(this->options().steps)};
  }

  /// The levels that sampling visits.
  TimeGrid sampling_grid() const {
    return grid::trailing(schedule_, this->options().sampling_steps);
  }
  /// Samples of a denoiser, one for each path: of targets [count, H, K], or of another shape.
  template <class S, class D>
  Tensor<float> paths_by(const S& solver, const D& denoise, const PathKeys& paths,
                         const Shape& shape) const {
    return sample(solver, denoise, shape, sampling_grid(), paths.rng,
                  {.first_sample = static_cast<std::uint64_t>(paths.first)});
  }
  template <class S, class D>
  Tensor<float> paths_by(const S& solver, const D& denoise, const PathKeys& paths) const {
    return paths_by(solver, denoise, paths, {paths.count, this->horizon(), this->channels()});
  }

  const DiscreteSchedule& schedule() const { return schedule_; }

 private:
  static O complete(const char* name, O o, Index earlier) {
    o.frame = Window::frame(o.frame, o.frame.context + earlier, name);
    if (o.steps < 1 || o.sampling_steps < 1 || o.sampling_steps > o.steps)
      raise<ArgumentError>(name, ": steps ", o.steps, ", sampling_steps ", o.sampling_steps,
                           "; both must be positive, and sampling_steps at most steps");
    return o;
  }

  DiscreteSchedule schedule_;
};

}  // namespace foglift::inline v0::forecast
