#pragma once

#include "foglift/core/parallel.hpp"
#include "foglift/nn/call.hpp"

#include <algorithm>
#include <limits>

namespace foglift::inline v0::nn {

namespace detail {

/// What a sample costs a network: the multiply-adds of a forward pass, at least; the elements of
/// its widest activation where the batch gains by going through in tiles, else 0; and about how
/// many elements are alive at once, 0 where nobody counted them.
struct SampleCost {
  Index multiply_adds, widest = 0, live = 0;

  /// Samples to take through the network at once: as many as keep the widest activation within a
  /// megabyte, the level-2 cache of current processors, and all that is alive within 32, so that
  /// memory does not grow with the batch. The reference dit1d gains 10 % by tiles of 2 to 5
  /// samples, where its layers are matrix products. U-Nets gain 2 % or lose: each sample's inner
  /// levels are small, and share their large weights with many samples.
  Index tile() const {
    const auto within = [](Index elements, Index a_sample) {
      return a_sample == 0 ? std::numeric_limits<Index>::max()
                           : std::max<Index>(1, elements / a_sample);
    };
    return std::min(within(Index{1} << 18, widest), within(Index{1} << 23, live));
  }
};

/// Multiply-adds that a thread should get at least: some 4 us of work, several times what a fork
/// and join costs while the workers are awake.
inline constexpr Index multiply_adds_a_share = Index{1} << 18;

/// True if a forward pass should be shared among the threads by samples: each then takes its own
/// through the whole network, and threads meet once a pass rather than once a layer. Two samples a
/// thread at least, or one may wait for another's.
inline bool worth_sharing(Index samples, const SampleCost& cost) {
  return threads() > 1 && !inside_parallel() && samples >= 2 * threads() &&
         samples * cost.multiply_adds >= threads() * multiply_adds_a_share;
}

/// True if a forward pass should not take the batch as a whole.
inline bool worth_parting(Index samples, const SampleCost& cost) {
  return samples > cost.tile() || worth_sharing(samples, cost);
}

/// y [B, ...] of shape `out`, the passes of net(x, time, condition, call), the batch taken in
/// tiles, which the threads share. A sample's result depends on that sample alone, so the parts do
/// not show.
template <class Net, Scalar T, class H>
Tensor<T> in_parts(const Net& net, const Tensor<T>& x, const Tensor<T>& time,
                   const Condition<T>& condition, const Call<H>& call, const Shape& out,
                   const SampleCost& cost) {
  const Index B = x.dim(0), shares = worth_sharing(B, cost) ? std::min<Index>(B, threads()) : 1;
  const Index tiles = 1 + (B / shares - 1) / cost.tile(), parts = shares * tiles;
  auto y = Tensor<T>::uninitialized(out);
  const auto one = [&](Index i) {
    const Index first = B * i / parts, count = B * (i + 1) / parts - first;
    const Tensor<T> part =
        net.forward(x.rows(first, count), time.rows(first, count), rows(condition, first, count),
                    DropoutCalls(call.dropout(), first), call);
    std::copy(part.begin(), part.end(), y.data() + first * y.row_size());
  };
  if (shares > 1)
    parallel_for(parts, 1, one);
  else
    for (Index i = 0; i < parts; ++i) one(i);
  return y;
}

}  // namespace detail

}  // namespace foglift::inline v0::nn
