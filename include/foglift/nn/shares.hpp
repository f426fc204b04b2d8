#pragma once

#include "foglift/core/parallel.hpp"
#include "foglift/nn/condition.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace foglift {
inline namespace v0 {
namespace nn {

/// Samples [first, first + count) of a condition for a batch.
template <Scalar T>
Condition<T> rows(const Condition<T>& c, Index first, Index count) {
  const auto part = [&](const std::optional<Tensor<T>>& field) {
    return field ? std::optional(field->rows(first, count)) : std::nullopt;
  };
  Condition<T> result{.labels = {},
                      .vector = part(c.vector),
                      .sequence = part(c.sequence),
                      .mask = part(c.mask),
                      .dropout = c.dropout,
                      .perturbation = c.perturbation};
  if (!c.labels.empty())
    result.labels.assign(c.labels.begin() + first, c.labels.begin() + first + count);
  if (result.dropout) result.dropout->first_sample += static_cast<std::uint64_t>(first);
  return result;
}

namespace detail {

/// Multiply-adds that a thread should get at least: some 4 us of work, several times what a fork
/// and join costs while the workers are awake.
inline constexpr Index multiply_adds_a_share = Index{1} << 18;

/// True if a forward pass of at least so many multiply-adds a sample should be shared among the
/// threads by samples: each then takes its own through the whole network, and threads meet once a
/// pass rather than once a layer. Two samples a thread at least, or one may wait for another's.
inline bool worth_sharing(Index samples, Index multiply_adds) {
  return threads() > 1 && !inside_parallel() && samples >= 2 * threads() &&
         samples * multiply_adds >= threads() * multiply_adds_a_share;
}

/// y [B, ...] of shape `out` = net(x, time, condition), computed by shares of the batch, one a
/// thread. A sample's result depends on that sample alone, so the shares do not show.
template <class Net, Scalar T>
Tensor<T> in_shares(const Net& net, const Tensor<T>& x, const Tensor<T>& time,
                    const Condition<T>& condition, const Shape& out) {
  const Index B = x.dim(0), shares = std::min<Index>(B, threads());
  auto y = Tensor<T>::uninitialized(out);
  parallel_for(shares, 1, [&](Index i) {
    const Index first = B * i / shares, count = B * (i + 1) / shares - first;
    const Tensor<T> part =
        net(x.rows(first, count), time.rows(first, count), rows(condition, first, count));
    std::copy(part.begin(), part.end(), y.data() + first * y.row_size());
  });
  return y;
}

}  // namespace detail

}  // namespace nn
}  // namespace v0
}  // namespace foglift
