#pragma once

#include "foglift/core/parallel.hpp"
#include "foglift/diffusion/times.hpp"
#include "foglift/nn/module.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace foglift::inline v0::train {

/// What a loss is asked about: some examples of a step's batch, and who they are for what they
/// draw. Valid for the length of the call.
struct Examples {
  std::span<const Index> index;  ///< into the training set
  /// The step, each example's number, and its place in the whole batch: stratified times cover
  /// [0, 1) evenly over all shards of a step.
  Draws draws;
};

/// A loss that `fit` minimizes: loss(model, tape, examples) -> Var, the mean over those examples,
/// recorded on that tape. Called from several threads at once; what it draws must depend on the
/// examples' keys alone.
///
///   const auto loss = [&](const Net& net, Tape<float>& tape, const train::Examples& examples) {
///     return denoise.of(net).loss(tape, data.rows(examples.index), rng, examples.draws);
///   };
template <class L, class M, class T>
concept Loss = requires(const L& loss, const M& model, Tape<T>& tape, const Examples& examples) {
  { loss(model, tape, examples) } -> std::same_as<Var<T>>;
};

/// Loss and gradients of one batch.
template <Scalar T>
struct BatchGradients {
  double loss = 0;
  Gradients<T> gradients;
};

/// Gradients of a batch, computed in micro-shards of at most `shard` examples, each on a tape of
/// its own, weighted by their size and summed in a fixed binary tree: the same bits for any number
/// of threads. With at least as many shards as threads, threads take whole shards; with fewer,
/// shards run one after another and the operations inside use the threads. Keeps its memory between
/// batches.
template <Scalar T>
class Shards {
 public:
  /// Throws ArgumentError unless shard > 0.
  explicit Shards(Index shard) : shard_(shard) {
    if (shard <= 0) raise<ArgumentError>("Shards: ", shard, " examples a shard, must be positive");
  }

  /// Throws ArgumentError for an empty batch, ShapeError if the loss is no scalar, NumericError
  /// naming step and examples if it is not finite. The result refers to memory of this object,
  /// valid until the next call.
  template <nn::Module M, class L>
    requires Loss<L, M, T>
  BatchGradients<T>& operator()(const M& model, const L& loss, std::span<const Index> batch,
                                Index step) {
    if (batch.empty()) raise<ArgumentError>("Shards: an empty batch at step ", step);
    const auto total = static_cast<Index>(batch.size());
    const Index count = 1 + (total - 1) / shard_;
    results_.resize(static_cast<std::size_t>(count));
    samples_.assign(batch.begin(), batch.end());
    slots_.resize(batch.size());
    std::iota(slots_.begin(), slots_.end(), std::uint64_t{0});
    const auto one = [&](Index i) {
      const auto first = static_cast<std::size_t>(i * shard_);
      const auto size = static_cast<std::size_t>(std::min(shard_, total - i * shard_));
      const Examples examples{batch.subspan(first, size),
                              {.samples = std::span(samples_).subspan(first, size),
                               .step = step,
                               .strata = total,
                               .slots = std::span(slots_).subspan(first, size)}};
      const double weight = static_cast<double>(size) / static_cast<double>(total);
      results_[static_cast<std::size_t>(i)] = run(model, loss, examples, weight);
    };
    if (count >= threads())
      parallel_for(count, 1, one);
    else
      for (Index i = 0; i < count; ++i) one(i);
    for (Index i = 0; i < count; ++i) check(i, batch, step);
    reduce();
    return results_.front();
  }

 private:
  template <class M, class L>
  static BatchGradients<T> run(const M& model, const L& loss, const Examples& examples,
                               double weight) {
    Tape<T> tape;
    const Var<T> value = loss(model, tape, examples);
    if (&value.tape() != &tape)
      raise<ArgumentError>("fit: the loss is not recorded on the tape it was given");
    if (value.size() != 1)
      raise<ShapeError>("fit: the loss has shape ", value.shape(), ", a scalar is needed");
    const double weighted = weight * static_cast<double>(value.value()[0]);
    return {weighted,
            std::move(tape).backward(value, Tensor<T>(value.shape(), static_cast<T>(weight)))};
  }

  void check(Index i, std::span<const Index> batch, Index step) const {
    const double loss = results_[static_cast<std::size_t>(i)].loss;
    if (std::isfinite(loss)) return;
    std::ostringstream list;
    const auto total = static_cast<Index>(batch.size());
    for (Index k = i * shard_; k < std::min(total - i * shard_, shard_) + i * shard_; ++k)
      list << (k == i * shard_ ? "" : ", ") << batch[static_cast<std::size_t>(k)];
    raise<NumericError>("fit: step ", step, ": the loss is ", loss, " on the examples ",
                        list.str());
  }

  /// As tree_reduce, with the pairs of one level in parallel: they are independent.
  void reduce() {
    const auto count = static_cast<Index>(results_.size());
    for (Index stride = 1; stride < count; stride *= 2) {
      const Index pairs = (count - stride + 2 * stride - 1) / (2 * stride);
      parallel_for(pairs, 1, [&](Index pair) {
        BatchGradients<T>& a = results_[static_cast<std::size_t>(2 * stride * pair)];
        const BatchGradients<T>& b = results_[static_cast<std::size_t>(2 * stride * pair + stride)];
        a.loss += b.loss;
        a.gradients.add_parameters(b.gradients);
      });
    }
  }

  Index shard_;
  std::vector<BatchGradients<T>> results_;
  std::vector<std::uint64_t> samples_, slots_;  // of the batch
};

}  // namespace foglift::inline v0::train
