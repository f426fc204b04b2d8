#pragma once

#include "foglift/autograd/ops/shape_ops.hpp"
#include "foglift/diffusion/denoiser.hpp"

#include <algorithm>
#include <utility>

namespace foglift::inline v0 {

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

}  // namespace detail

/// What a network is shown that also sees an estimate of x0 (Chen et al. 2023, "Analog bits",
/// algorithm 1): [x, estimate], [B, ..., 2 C] for a batch of data [B, ..., C]. Each sample's
/// estimate is 0, or with the given probability what the network itself says with an estimate of 0,
/// through which no gradient runs; which samples, (rng, sample, step) decide.
///
///   const NetworkDenoiser denoise(net, predict::Velocity{}, schedule::Cosine{});
///   const auto batch = denoise.batch(x0, rng, {.step = step});
///   const auto both = tape.constant(self_conditioned_input(denoise, batch));
///   const auto loss = batch.loss(denoise.ask(both, batch.time));
///
/// Throws ShapeError for data of rank 1, ArgumentError for a probability outside of [0, 1].
template <Scalar T, class D>
Tensor<T> self_conditioned_input(const D& denoise, const TrainingBatch<T>& batch,
                                 const SelfConditioning& self = {}) {
  if (!(self.probability >= 0 && self.probability <= 1))
    raise<ArgumentError>("SelfConditioning: probability ", self.probability, ", needed in [0, 1]");
  const Tensor<T> input = batch.input(), nothing(input.shape());
  const Tensor<T> first = denoise.ask(detail::beside(input, nothing), batch.time);
  Tensor<T> estimate = predict::to_x0(denoise.parameterization(), batch.x, first, batch.levels);
  const Rng chance = batch.rng.stream(3);
  const Index n = estimate.row_size();
  for (Index b = 0; b < estimate.dim(0); ++b)
    if (!(chance.uniform(batch.draws.sample(b), static_cast<std::uint32_t>(batch.draws.step)) <
          self.probability))
      std::fill_n(estimate.data() + b * n, n, T(0));
  return detail::beside(input, estimate);
}

/// A self-conditioned network as a denoiser: it is shown the x0 that it gave in the call before,
/// which `last` holds for it. Start every run with an empty `last`: nothing is shown then. One
/// `last` belongs to one run: it must outlive the denoiser, which refers to it, and to a named
/// network as NetworkDenoiser does. Rows do not see each other, so a sample's bits stay its own. A
/// condition of the batch is bound as to a NetworkDenoiser: net(both, time, condition).
///
///   Tensor<float> last;
///   const SelfConditioned denoise(net, predict::Velocity{}, schedule::Cosine{}, last);
///   auto x = sample(solver::Ddim{}, denoise, shape, grid, rng);
template <class Net, Scalar T, Parameterization P, NoiseSchedule S, class C = NoCondition>
class SelfConditioned : detail::TrainedNetwork<NetworkDenoiser, Net, P, S, C> {
  using Network = detail::TrainedNetwork<NetworkDenoiser, Net, P, S, C>;

 public:
  SelfConditioned(detail::NetworkHandle<Net> net, P parameterization, S schedule, Tensor<T>& last,
                  C condition = {})
      : Network(std::move(net), std::move(parameterization), std::move(schedule),
                std::move(condition)),
        last_(&last) {}

  using Network::each_part;
  using Network::precompute;

  /// x0 [B, ..., C] for x [B, ..., C], remembered. Throws ShapeError if `last` is neither empty nor
  /// of the shape of x.
  Tensor<T> operator()(const Tensor<T>& x, const Levels& levels) const {
    check(x.shape());
    return *last_ = shown(*last_, x, levels);
  }

  /// The denoiser of some samples of its batch, which is shown and remembers their rows of `last`.
  auto rows(const Rows& rows) const
    requires detail::TellsRows<Net, C>
  {
    const SelfConditioned own(this->handle(), this->parameterization(), this->schedule(), *last_,
                              detail::condition_rows(this->condition(), rows.index));
    return [own, rows](const Tensor<T>& x, const Levels& levels) {
      Tensor<T>& last = *own.last_;
      const Shape batch = x.shape().with(0, rows.batch);
      own.check(batch);
      if (last.empty()) last = Tensor<T>(batch);
      Tensor<T> x0 = own.shown(last.rows(rows.index), x, levels);
      const Index n = x0.row_size();
      for (Index a = 0; a < rows.size(); ++a)
        std::copy_n(x0.data() + a * n, n,
                    last.data() + rows.index[static_cast<std::size_t>(a)] * n);
      return x0;
    };
  }

 private:
  void check(const Shape& batch) const {
    if (!last_->empty() && last_->shape() != batch)
      raise<ShapeError>("SelfConditioned: the call before was of ", last_->shape(), ", this is of ",
                        batch, "; empty `last` to begin a run");
  }
  Tensor<T> shown(const Tensor<T>& last, const Tensor<T>& x, const Levels& levels) const {
    return this->x0(x, levels, [&](const Tensor<T>& input, const Tensor<T>& noise) {
      return this->ask(detail::beside(input, last.empty() ? Tensor<T>(input.shape()) : last),
                       noise);
    });
  }

  Tensor<T>* last_;
};

template <class N, class P, class S, class T>
SelfConditioned(N&&, P, S, Tensor<T>&) -> SelfConditioned<KeptNetwork<N>, T, P, S>;
template <class N, class P, class S, class T, class C>
  requires(!std::same_as<C, detail::ConditionOf<N>>)
SelfConditioned(N&&, P, S, Tensor<T>&, C) -> SelfConditioned<KeptNetwork<N>, T, P, S, C>;
template <class N, class P, class S, class T>
SelfConditioned(N&&, P, S, Tensor<T>&, detail::ConditionOf<N>)
    -> SelfConditioned<KeptNetwork<N>, T, P, S, detail::ConditionOf<N>>;

}  // namespace foglift::inline v0
