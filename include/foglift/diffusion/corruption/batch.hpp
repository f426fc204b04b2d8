#pragma once

#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/autograd/ops/loss.hpp"
#include "foglift/autograd/ops/reduce.hpp"
#include "foglift/diffusion/corruption/corruption.hpp"
#include "foglift/diffusion/loss/levels.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace foglift::inline v0 {

/// One draw of a training step through a corruption: data at a time drawn for each sample, for a
/// predictor to say the data again; C::loss compares. TrainingBatch is the same for normal noise
/// and a parameterization of the network.
///
///   const corruption::Mask<> tokens{.classes = 27};
///   const Tensor<Index> clean({2, 3}, 5);
///   const CorruptedBatch batch(tokens, clean, schedule::Flow{}, rng, {.step = step});
///   const Var<float> logits = tape.constant(Tensor<float>({2, 3, 27}));  // a network's
///   const Var<float> loss = tokens.loss(logits, batch);
template <class C>
struct CorruptedBatch {
  using State = typename C::State;

  State clean;                  ///< [B, ...]
  State x;                      ///< corrupt(clean) [B, ...]
  std::vector<Level> levels;    ///< one a sample
  std::vector<double> weights;  ///< of the loss, one a sample

  /// Times and noise are keyed by (rng, sample, step). weights are C::weight(schedule, t) where the
  /// corruption has it, else 1, times the factor of `reweight`. Throws ShapeError for no samples,
  /// and what the corruption throws.
  template <NoiseSchedule S>
  CorruptedBatch(const C& corruption, State data, const S& schedule, const Rng& rng,
                 const Draws& draws = {.step = StepNumber::needed<S>()},
                 const LevelOptions& options = {})
      : clean(std::move(data)) {
    detail::require_corruption<C>();
    if (clean.rank() == 0 || clean.empty())
      raise<ShapeError>("CorruptedBatch: data ", clean.shape(), ", needed [B, ...], not empty");
    auto drawn = draw_levels(schedule, clean.dim(0), rng, draws, options);
    levels = std::move(drawn.levels);
    weights = std::move(drawn.factors);
    weights.resize(levels.size(), 1.0);
    if constexpr (requires { corruption.weight(schedule, 0.5); })
      for (std::size_t b = 0; b < levels.size(); ++b)
        weights[b] *= corruption.weight(schedule, levels[b].t);
    x = corruption.corrupt(clean, Levels(levels), StepRng(rng.stream(1), draws));
  }

  /// The times [B], as networks are told them.
  template <Scalar T>
  Tensor<T> time() const {
    Tensor<T> out(Shape{clean.dim(0)});
    for (Index b = 0; b < out.size(); ++b)
      out[b] = static_cast<T>(levels[static_cast<std::size_t>(b)].t);
    return out;
  }

  /// The mean of weight (x0 - clean)^2, of shape [].
  template <Value X>
  X mean_square(const X& x0) const {
    if (std::all_of(weights.begin(), weights.end(), [](double w) { return w == 1; }))
      return mse(x0, clean);
    if (x0.shape() != clean.shape())
      raise<ShapeError>("CorruptedBatch: an estimate ", x0.shape(), " of data ", clean.shape());
    State each(clean.shape());
    for (Index i = 0; i < each.size(); ++i)
      each[i] = static_cast<scalar_of<X>>(weights[static_cast<std::size_t>(i / clean.row_size())]);
    return mean(mul(square(sub(x0, constant(clean, x0))), constant(std::move(each), x0)));
  }
};

}  // namespace foglift::inline v0
