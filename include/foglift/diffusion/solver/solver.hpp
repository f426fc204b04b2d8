#pragma once

#include "foglift/core/rng.hpp"
#include "foglift/diffusion/denoiser.hpp"

#include <cstdint>

namespace foglift {
inline namespace v0 {

/// The noise of one step of a batch. Its numbers depend on (generator, sample, step, draw) alone:
/// not on the batch, the thread, or whether other draws were made.
class StepRng {
 public:
  StepRng(const Rng& rng, std::uint64_t first_sample, Index step)
      : rng_(rng), first_sample_(first_sample), step_(static_cast<std::uint32_t>(step)) {}

  /// Standard normals [B, ...]; row b belongs to sample first_sample + b. A step that needs several
  /// independent tensors numbers them by `draw`.
  template <Scalar T>
  Tensor<T> normal(const Shape& shape, std::uint64_t draw = 0) const {
    const Rng rng = rng_.stream(draw);
    auto out = Tensor<T>::uninitialized(shape);
    const Index n = out.row_size();
    detail::for_rows(detail::batch_of(out), n, [&](Index b) {
      rng.fill_normal(std::span<T>(out.data() + b * n, static_cast<std::size_t>(n)),
                      first_sample_ + static_cast<std::uint64_t>(b), step_);
    });
    return out;
  }

 private:
  Rng rng_;
  std::uint64_t first_sample_;
  std::uint32_t step_;
};

/// A rule for one step between two levels of a grid, the second cleaner than the first. It may keep
/// history: sample() takes it by value, so every run starts anew. Constants that its tests measure:
///   name         for messages
///   order        of the error in the largest step towards the probability-flow ODE's solution,
///                with the noise turned off; 0 if it can not be turned off
///   weak_order   of the error in the distribution's moments when noise is added; 0 if it never is
///   evaluations  calls of the denoiser a step (a step to sigma = 0 may save some)
template <class S, class D, class T = float>
concept Solver = requires(S& solver, Tensor<T> x, const Level& level, const D& denoise,
                          const StepRng& rng) {
  { S::name } -> std::convertible_to<const char*>;
  { S::order } -> std::convertible_to<int>;
  { S::weak_order } -> std::convertible_to<int>;
  { S::evaluations } -> std::convertible_to<int>;
  { solver.step(std::move(x), level, level, denoise, rng) } -> std::same_as<Tensor<T>>;
};

}  // namespace v0
}  // namespace foglift
