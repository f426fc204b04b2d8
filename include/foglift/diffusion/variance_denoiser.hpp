#pragma once

#include "foglift/autograd/ops/shape_ops.hpp"
#include "foglift/diffusion/denoiser.hpp"

namespace foglift::inline v0 {

/// A denoiser that also says how sure it is: moments(x, level) is {x0, v}, of the shape of x, with
/// v what the network's variance head gave, for predict::VarianceRange or as a log-variance.
template <class D, class T = float>
concept VarianceDenoiser = Denoiser<D, T> && requires(const std::remove_reference_t<D>& d,
                                                      const Tensor<T>& x, const Level& level) {
  { d.moments(x, level) } -> std::convertible_to<predict::Moments<T>>;
};

/// A network with two outputs a channel, [..., 2 C] for x [..., C] (Nichol & Dhariwal 2021): the
/// first C are what the parameterization predicts, the last C the variance head. As a denoiser it
/// is a NetworkDenoiser of the first, with a condition of the batch or without.
///
///   VarianceNetwork denoise(net, predict::Epsilon{}, schedule::Linear{});
///   auto [x0, v] = denoise.moments(x, level);
template <class Net, Parameterization P, NoiseSchedule S, class C = NoCondition>
class VarianceNetwork : public detail::TrainedNetwork<VarianceNetwork, Net, P, S, C> {
 public:
  using detail::TrainedNetwork<VarianceNetwork, Net, P, S, C>::TrainedNetwork;

  /// x0 [B, ..., C] for x [B, ..., C]. Throws ShapeError unless the network returns [B, ..., 2 C].
  template <Value X>
  X operator()(const X& x, const Levels& levels) const {
    return this->x0(x, levels, [&](const X& input, const Tensor<scalar_of<X>>& noise) {
      const X both = this->ask(input, noise);
      return half(both, x.shape(), 0);
    });
  }

  /// x0 and the variance head, by one call of the network.
  template <Scalar T>
  predict::Moments<T> moments(const Tensor<T>& x, const Levels& levels) const {
    Tensor<T> v;
    Tensor<T> x0 = this->x0(x, levels, [&](const Tensor<T>& input, const Tensor<T>& noise) {
      const Tensor<T> both = this->ask(input, noise);
      v = half(both, x.shape(), 1);
      return half(both, x.shape(), 0);
    });
    return {std::move(x0), std::move(v)};
  }

 private:
  /// Channels [which C, (which + 1) C) of [..., 2 C].
  template <Value X>
  static X half(const X& both, const Shape& shape, Index which) {
    if (shape.rank() == 0 || both.shape() != shape.with(-1, 2 * shape.dim(-1)))
      raise<ShapeError>("VarianceNetwork: the network returned ", both.shape(), " for a state ",
                        shape, "; twice the channels are needed");
    return slice(both, -1, which * shape.dim(-1), shape.dim(-1));
  }
};

template <class N, class P, class S>
VarianceNetwork(N&&, P, S) -> VarianceNetwork<KeptNetwork<N>, P, S>;
template <class N, class P, class S, class C>
  requires(!std::same_as<C, detail::ConditionOf<N>>)
VarianceNetwork(N&&, P, S, C) -> VarianceNetwork<KeptNetwork<N>, P, S, C>;
template <class N, class P, class S>
VarianceNetwork(N&&, P, S, detail::ConditionOf<N>)
    -> VarianceNetwork<KeptNetwork<N>, P, S, detail::ConditionOf<N>>;

}  // namespace foglift::inline v0
