#pragma once

#include "foglift/core/rng.hpp"
#include "foglift/core/step_number.hpp"

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

namespace foglift::inline v0 {

/// How the times of a batch are drawn for training. Each sample's time is uniform in [0, 1) over
/// the steps in every one of them, so the loss is unbiased; they differ in how evenly the samples
/// of one step cover [0, 1), that is in its variance.
enum class Times {
  /// Independent.
  uniform,
  /// One in each of `strata` equal parts, at a random place in it, all turned round the circle [0,
  /// 1)
  /// by a shift that the step's samples share (Kingma et al. 2021, section I.1, with jitter).
  stratified,
  /// In pairs t, 1 - t.
  antithetic,
};

/// Who the samples of a batch are: what they draw is keyed by (generator, sample, step), so that
/// shards of a step agree with the step drawn at once.
struct Draws {
  /// One number for each sample; empty: first_sample, first_sample + 1, ...
  std::span<const std::uint64_t> samples = {};
  std::uint64_t first_sample = 0;
  /// Number of the training step; it must be given, see StepNumber.
  StepNumber step;
  /// Number of samples that share a step, over all shards; 0: those of this batch. The part of a
  /// sample is its slot modulo this: slots that are consecutive, or a permutation of such, fill
  /// every part once; others cover [0, 1) at random.
  Index strata = 0;
  /// The place of each sample in its step, 0 ... strata - 1 over all shards; empty: its number. By
  /// it parts are dealt and pairs are made, so that samples of any numbers, such as shuffled
  /// indices, cover [0, 1) evenly. A sample's time then depends on its place too.
  std::span<const std::uint64_t> slots = {};

  std::uint64_t slot(Index b) const {
    return slots.empty() ? sample(b) : slots[static_cast<std::size_t>(b)];
  }
  std::uint64_t sample(Index b) const {
    return samples.empty() ? first_sample + static_cast<std::uint64_t>(b)
                           : samples[static_cast<std::size_t>(b)];
  }
  /// Throws ShapeError unless there are `batch` sample numbers, or none, and so for slots;
  /// ArgumentError for a negative step or number of strata.
  void check(Index batch, const char* where) const {
    if (!samples.empty() && static_cast<Index>(samples.size()) != batch)
      raise<ShapeError>(where, ": ", samples.size(), " sample numbers for a batch of ", batch);
    if (!slots.empty() && static_cast<Index>(slots.size()) != batch)
      raise<ShapeError>(where, ": ", slots.size(), " slots for a batch of ", batch);
    if (step < 0 || strata < 0)
      raise<ArgumentError>(where, ": step ", Index(step), ", strata ", strata,
                           ", needed at least 0");
  }
};

/// The times of a batch, in [0, 1).
inline std::vector<double> draw_times(Times how, const Rng& rng, Index batch, const Draws& draws) {
  draws.check(batch, "draw_times");
  const auto step = static_cast<std::uint32_t>(draws.step);
  const auto strata = static_cast<std::uint64_t>(draws.strata ? draws.strata : batch);
  const Rng own = rng.stream(0);
  const double shift = rng.stream(1).uniform(0, step);
  std::vector<double> out;
  for (Index b = 0; b < batch; ++b) {
    const std::uint64_t sample = draws.sample(b);
    const std::uint64_t slot = draws.slot(b);
    double t = own.uniform(how == Times::antithetic ? slot / 2 : sample, step);
    if (how == Times::stratified) {
      const double at =
          (static_cast<double>(slot % strata) + t) / static_cast<double>(strata) + shift;
      t = at - std::floor(at);
    } else if (how == Times::antithetic && slot % 2 == 1) {
      t = t > 0 ? 1 - t : 0;
    }
    out.push_back(t);
  }
  return out;
}

}  // namespace foglift::inline v0
