#pragma once

#include "foglift/core/tensor.hpp"
#include "foglift/diffusion/density/piecewise.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <sstream>
#include <string>
#include <vector>

namespace foglift::inline v0::density {

/// Importance-sampled times (Nichol & Dhariwal 2021, section 3.3): a value that remembers the
/// latest losses in each of N parts of [0, 1] and makes density() of them, with p proportional to
/// the root of their mean square, mixed with a little of the uniform one. Uniform until every part
/// has its full history. With weights 1 / pdf(t) (LossOptions::reweight) the loss stays unbiased.
///
///   density::LossHistory history;                      // with the training state: see memory()
///   SampleLosses samples;
///   auto loss = denoise.loss(tape, x0, rng, {.step = step}, {.density = history.density(),
///                            .reweight = true, .samples = &samples});
///   history.update(samples.time, samples.loss);
class LossHistory {
 public:
  struct Options {
    Index parts = 100;       ///< N; the steps of a discrete chain
    Index length = 10;       ///< losses kept for each part
    double uniform = 0.001;  ///< share of the uniform density
  };
  LossHistory() : LossHistory(Options{}) {}
  /// Throws ArgumentError unless parts and length are at least 1 and uniform is in (0, 1].
  explicit LossHistory(Options o) : options_(o) {
    if (o.parts < 1 || o.length < 1 || !(o.uniform > 0 && o.uniform <= 1))
      raise<ArgumentError>("density::LossHistory: ", o.parts, " parts, length ", o.length,
                           ", uniform ", o.uniform, ", needed >= 1, >= 1, in (0, 1]");
    losses_.resize(static_cast<std::size_t>(o.parts * o.length));
    seen_.resize(static_cast<std::size_t>(o.parts));
  }

  /// Remembers losses, without the weight 1 / pdf, at times in [0, 1]; time k / T counts to step k.
  /// Throws ShapeError for another number of losses than times, ArgumentError for a time outside,
  /// NumericError for a loss that is not finite.
  void update(std::span<const double> times, std::span<const double> losses) {
    if (times.size() != losses.size())
      raise<ShapeError>("LossHistory::update: ", times.size(), " times, ", losses.size(),
                        " losses");
    for (std::size_t i = 0; i < times.size(); ++i) {
      if (!(times[i] >= 0 && times[i] <= 1))
        raise<ArgumentError>("LossHistory::update: time ", times[i], ", must be in [0, 1]");
      if (!std::isfinite(losses[i]))
        raise<NumericError>("LossHistory::update: loss ", losses[i], " at time ", times[i]);
    }
    for (std::size_t i = 0; i < times.size(); ++i) {
      const double n = static_cast<double>(options_.parts);
      // the right end belongs to the part; k / T may be rounded up
      const double part = std::ceil(times[i] * n * (1 - 1e-12)) - 1;
      const auto at = static_cast<std::size_t>(std::clamp(part, 0.0, n - 1));
      const Index slot = seen_[at]++ % options_.length;
      losses_[at * static_cast<std::size_t>(options_.length) + static_cast<std::size_t>(slot)] =
          losses[i];
    }
  }

  /// True once every part has its full history.
  bool warm() const {
    return std::all_of(seen_.begin(), seen_.end(),
                       [this](Index n) { return n >= options_.length; });
  }

  Piecewise density() const {
    const auto N = static_cast<std::size_t>(options_.parts);
    std::vector<double> p(N, 1.0);
    if (!warm()) return Piecewise(std::move(p));
    double sum = 0;
    for (std::size_t i = 0; i < N; ++i) sum += p[i] = root_mean_square(i);
    for (double& v : p)
      v = options_.uniform / static_cast<double>(N) +
          (1 - options_.uniform) * (sum > 0 ? v / sum : 1 / static_cast<double>(N));
    return Piecewise(std::move(p));
  }

  /// All that it remembers, as numbers for a file: [2 + parts (1 + length)], first the length and
  /// the uniform share. In a checkpoint: `state.fitted["losses"] = history.memory()`.
  Tensor<double> memory() const {
    std::vector<double> all{static_cast<double>(options_.length), options_.uniform};
    for (const Index n : seen_) all.push_back(static_cast<double>(n));
    all.insert(all.end(), losses_.begin(), losses_.end());
    return Tensor<double>({static_cast<Index>(all.size())}, std::span<const double>(all));
  }

  /// Goes on from the memory() of another one. Throws ArgumentError, naming both sides, if that had
  /// other options, or if the numbers are no memory.
  void restore(const Tensor<double>& memory) {
    const Tensor<double> own = this->memory();
    const auto said = [](const Tensor<double>& m) {
      std::ostringstream text;
      text << "a memory " << m.shape();
      if (m.size() > 1) text << " of length " << m[0] << " and uniform share " << m[1];
      return text.str();
    };
    if (memory.shape() != own.shape() || memory[0] != own[0] || memory[1] != own[1])
      raise<ArgumentError>("LossHistory::restore: ", said(memory), ", this history has ",
                           said(own));
    const auto parts = seen_.size();
    const double* seen = memory.data() + 2;
    for (std::size_t i = 0; i < parts; ++i)
      if (!(seen[i] >= 0 && seen[i] == std::floor(seen[i]) && seen[i] < 0x1p53))
        raise<ArgumentError>("LossHistory::restore: part ", i, " has seen ", seen[i], " losses");
    if (const auto bad =
            std::find_if(seen + parts, memory.end(), [](double v) { return !std::isfinite(v); });
        bad != memory.end())
      raise<ArgumentError>("LossHistory::restore: a loss is ", *bad);
    std::transform(seen, seen + parts, seen_.begin(),
                   [](double n) { return static_cast<Index>(n); });
    std::copy(seen + parts, memory.end(), losses_.begin());
  }

 private:
  double root_mean_square(std::size_t part) const {
    const auto length = static_cast<std::size_t>(options_.length);
    double sum = 0;
    for (std::size_t k = 0; k < length; ++k)
      sum += losses_[part * length + k] * losses_[part * length + k];
    return std::sqrt(sum / static_cast<double>(length));
  }

  Options options_;
  std::vector<double> losses_;
  std::vector<Index> seen_;
};

}  // namespace foglift::inline v0::density
