#pragma once

#include "foglift/autograd/ops/shape_ops.hpp"
#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/loss/diffusion_loss.hpp"

#include <algorithm>
#include <utility>

namespace foglift {
inline namespace v0 {

/// How often a sample is shown what the network said of it.
struct SelfConditioning {
  double probability = 0.5;
};

namespace detail {

/// [x, estimate] along the channels.
template <Scalar T>
Tensor<T> beside(const Tensor<T>& x, const Tensor<T>& estimate) {
  if (x.rank() < 2)
    raise<ShapeError>("self-conditioning: data ", x.shape(), ", needed [B, ..., C]");
  return foglift::concat({x, estimate}, -1);
}

template <Scalar T, class Net, Parameterization P>
Tensor<T> self_conditioned_input(const NoisyBatch<T>& batch, const Net& net, const P& p,
                                 const Rng& rng, const Draws& draws, const SelfConditioning& self) {
  if (!(self.probability >= 0 && self.probability <= 1))
    raise<ArgumentError>("SelfConditioning: probability ", self.probability, ", needed in [0, 1]");
  const Tensor<T> input = batch.input(p), nothing(input.shape());
  const Tensor<T> first = net(beside(input, nothing), batch.time);
  Tensor<T> estimate = predict::to_x0(p, batch.x, first, batch.levels);
  const Rng chance = rng.stream(3);
  const Index n = estimate.row_size();
  for (Index b = 0; b < estimate.dim(0); ++b)
    if (!(chance.uniform(draws.sample(b), static_cast<std::uint32_t>(draws.step)) <
          self.probability))
      std::fill_n(estimate.data() + b * n, n, T(0));
  return beside(input, estimate);
}

}  // namespace detail

/// diffusion_loss of a network that is also shown an estimate of x0 (Chen et al. 2023, "Analog
/// bits", algorithm 1): `net(both, time)` with both = [x, estimate], [..., 2 C] for data [..., C].
/// Each sample's estimate is 0, or with the given probability what the network itself said with an
/// estimate of 0, through which no gradient runs; which samples, (rng, sample, step) decide. The
/// network is first called on a Tensor, then on a Var of the tape. Throws like diffusion_loss, and
/// ArgumentError for a probability outside of [0, 1].
template <Scalar T, class Net, NoiseSchedule S, Parameterization P>
Var<T> self_conditioned_loss(Tape<T>& tape, const Net& net,
                             const Tensor<std::type_identity_t<T>>& x0, const S& schedule,
                             const P& parameterization, const Rng& rng,
                             const Draws& draws = {.step = StepNumber::needed<T>()},
                             const LossOptions<T>& options = {}, SelfConditioning self = {}) {
  const detail::NoisyBatch<T> batch(x0, schedule, parameterization, rng, draws, options);
  const Var<T> both =
      tape.constant(detail::self_conditioned_input(batch, net, parameterization, rng, draws, self));
  const Var<T> predicted = net(both, batch.time);
  return detail::batch_loss(batch, predicted, options);
}

/// The same number without a tape.
template <Scalar T, class Net, NoiseSchedule S, Parameterization P>
Tensor<T> self_conditioned_loss(const Net& net, const Tensor<T>& x0, const S& schedule,
                                const P& parameterization, const Rng& rng,
                                const Draws& draws = {.step = StepNumber::needed<T>()},
                                const LossOptions<std::type_identity_t<T>>& options = {},
                                SelfConditioning self = {}) {
  const detail::NoisyBatch<T> batch(x0, schedule, parameterization, rng, draws, options);
  const Tensor<T> predicted = net(
      detail::self_conditioned_input(batch, net, parameterization, rng, draws, self), batch.time);
  return detail::batch_loss(batch, predicted, options);
}

/// A self-conditioned network as a denoiser: it is shown the x0 that it gave in the call before,
/// which `last` holds for it. Start every run with an empty `last`: nothing is shown then. One
/// `last` belongs to one run: it must outlive the denoiser, which refers to it. Rows do not see
/// each other, so a sample's bits stay its own.
///
///   Tensor<float> last;
///   sample(SelfConditioned(net, predict::Velocity{}, schedule::Cosine{}, last), ...);
template <class Net, Scalar T, Parameterization P, NoiseSchedule S>
class SelfConditioned {
 public:
  template <class N>
  requires std::same_as<Kept<N>, Net> SelfConditioned(N&& net, P parameterization, S schedule,
                                                      Tensor<T>& last)
      : denoise_(WithLast{std::forward<N>(net), &last}, std::move(parameterization),
                 std::move(schedule)),
        last_(&last) {}

  /// x0 [B, ..., C] for x [B, ..., C], remembered. Throws ShapeError if `last` is neither empty nor
  /// of the shape of x.
  Tensor<T> operator()(const Tensor<T>& x, const Levels& levels) const {
    if (!last_->empty() && last_->shape() != x.shape())
      raise<ShapeError>("SelfConditioned: the call before was of ", last_->shape(), ", this is of ",
                        x.shape(), "; empty `last` to begin a run");
    return *last_ = denoise_(x, levels);
  }

  /// f(part) for what PackedWeights looks into.
  template <class F>
  void each_part(const F& f) const {
    f(denoise_);
  }

 private:
  struct WithLast {
    Net net;
    const Tensor<T>* last;
    template <class F>
    void each_part(const F& f) const {
      f(net);
    }
    Tensor<T> operator()(const Tensor<T>& x, const Tensor<T>& time) const {
      return net(detail::beside(x, last->empty() ? Tensor<T>(x.shape()) : *last), time);
    }
  };
  NetworkDenoiser<WithLast, P, S> denoise_;
  Tensor<T>* last_;
};

template <class N, class P, class S, class T>
SelfConditioned(N&&, P, S, Tensor<T>&) -> SelfConditioned<Kept<N>, T, P, S>;

}  // namespace v0
}  // namespace foglift
