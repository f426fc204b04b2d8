#pragma once

#include "foglift/core/parallel.hpp"
#include "foglift/core/pool.hpp"
#include "foglift/train/gradient_blocks.hpp"
#include "foglift/train/optimizer.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <numeric>

namespace foglift::inline v0::train {

namespace detail {

/// Sum of squares in double, in eight interleaved sums that are joined in a fixed order.
template <Scalar T>
double squared_norm(const T* x, Index n) {
  std::array<double, 8> sums{};
  const Index whole = n / 8 * 8;
  const auto square = [&](Index i) {
    return static_cast<double>(x[i]) * static_cast<double>(x[i]);
  };
  for (Index i = 0; i < whole; i += 8)
    for (Index k = 0; k < 8; ++k) sums[static_cast<std::size_t>(k)] += square(i + k);
  for (Index i = whole; i < n; ++i) sums[static_cast<std::size_t>(i - whole)] += square(i);
  tree_reduce(sums, 8, [](double& a, double b) { a += b; });
  return sums[0];
}

}  // namespace detail

/// Euclidean norm of all gradients of a model together, summed in double in the order of visiting,
/// with the same bits for any number of threads. Parameters without a gradient count as zero.
template <Scalar T>
double global_norm(const ModelView& model, const Gradients<T>& grads) {
  const detail::GradientBlocks<const T> blocks(model, grads);
  pool::Vector<double> sums(static_cast<std::size_t>(blocks.size()));
  blocks.for_each([&](const auto& block, Index i) {
    sums[static_cast<std::size_t>(i)] = detail::squared_norm(block.values, block.size);
  });
  return std::sqrt(std::accumulate(sums.begin(), sums.end(), 0.0));
}

/// Scales the gradients so that their global norm is at most max_norm (Pascanu et al. 2013);
/// returns the norm before. Throws ArgumentError unless max_norm > 0, NumericError naming the first
/// parameter whose gradient is not finite, with the gradients unchanged.
template <Scalar T>
double clip_norm(const ModelView& model, Gradients<T>& grads, double max_norm) {
  if (!(max_norm > 0)) raise<ArgumentError>("clip_norm: max_norm ", max_norm, ", must be positive");
  const double norm = global_norm(model, grads);
  if (!std::isfinite(norm)) {
    check_gradients("clip_norm", model, grads);
    raise<NumericError>("clip_norm: the norm of the gradients overflows");
  }
  if (norm <= max_norm) return norm;
  const auto factor = static_cast<T>(max_norm / norm);
  detail::GradientBlocks<T>(model, grads).for_each([&](const auto& block, Index) {
    for (Index i = 0; i < block.size; ++i) block.values[i] *= factor;
  });
  return norm;
}

}  // namespace foglift::inline v0::train
