#pragma once

#include "foglift/core/rng.hpp"
#include "foglift/diffusion/affine.hpp"
#include "foglift/diffusion/level.hpp"
#include "foglift/diffusion/times.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>

namespace foglift::inline v0 {

/// What a step asks of a source of noise for one sample: standard normals that no other (sample,
/// step, draw) shares, or, where from < to, the increment of a Wiener process over that stretch of
/// its clock, divided by sqrt(to - from).
struct NoiseRequest {
  std::uint64_t sample = 0;
  std::uint32_t step = 0;
  std::uint64_t draw = 0;
  double from = 0, to = 0;

  bool increment() const { return from < to; }
};

/// Noise of a run that is not fresh in every step: see BrownianPath. `fill` is called from several
/// threads, each with a sample of its own.
class NoiseSource {
 public:
  virtual ~NoiseSource() = default;
  virtual void fill(std::span<double> out, const NoiseRequest& request) const = 0;
};

/// The noise of one step of a batch. Its numbers depend on (generator, sample, step, draw) alone:
/// not on the batch, the thread, or whether other draws were made. With a source, which must
/// outlive it, they are the source's.
class StepRng {
 public:
  StepRng(const Rng& rng, std::uint64_t first_sample, Index step,
          const NoiseSource* source = nullptr)
      : rng_(rng),
        first_sample_(first_sample),
        step_(static_cast<std::uint32_t>(step)),
        source_(source) {}
  /// The noise of a training step, whose samples have numbers of their own; refers to those.
  StepRng(const Rng& rng, const Draws& draws)
      : StepRng(rng, draws.first_sample, Index{draws.step}) {
    samples_ = draws.samples;
  }

  /// Standard normals [B, ...]; row b belongs to sample first_sample + b. A step that needs several
  /// independent tensors numbers them by `draw`.
  template <Scalar T = float>
  Tensor<T> normal(const Shape& shape, std::uint64_t draw = 0) const {
    return fill<T>(shape, {.draw = draw});
  }

  /// (W(to) - W(from)) / sqrt(to - from) of the Wiener process W that drives the reverse SDE, its
  /// clock being the signal-to-noise ratio (alpha / sigma)^2, which grows towards data. The samples
  /// of all step counts share W under a BrownianPath; without one this is normal(shape, draw), and
  /// a step must give stretches that it wants independent draws of their own. Throws ArgumentError
  /// unless 0 <= from < to < inf.
  template <Scalar T>
  Tensor<T> increment(const Shape& shape, double from, double to, std::uint64_t draw = 0) const {
    if (!(from >= 0 && from < to && std::isfinite(to)))
      raise<ArgumentError>("StepRng::increment: clock from ", from, " to ", to,
                           ", needed 0 <= from < to, finite");
    return fill<T>(shape, {.draw = draw, .from = from, .to = to});
  }

  /// The same from one level to another.
  template <Scalar T>
  Tensor<T> increment(const Shape& shape, const Level& from, const Level& to,
                      std::uint64_t draw = 0) const {
    return increment<T>(shape, from.snr(), to.snr(), draw);
  }
  /// The same at Levels: for each row (a sample, or a group of its elements) the increment over its
  /// own stretch of the clock, which is zero where a row does not get cleaner, or comes to clean
  /// data. Throws ShapeError for levels that do not fit the shape.
  template <Scalar T>
  Tensor<T> increment(const Shape& shape, const Levels& from, const Levels& to,
                      std::uint64_t draw = 0) const {
    if (!source_) return normal<T>(shape, draw);
    Tensor<T> out(shape);
    const Index batch = detail::batch_of(out), n = out.row_size();
    const Index rows = std::max(from.rows(batch, n, "StepRng::increment"),
                                to.rows(batch, n, "StepRng::increment"));
    const Index groups = batch > 0 ? rows / batch : 1, m = n / groups;
    auto whole = Tensor<double>::uninitialized({n});
    for (Index r = 0; r < rows; ++r) {
      const double first = from[r].snr(), last = to[r].snr();
      if (!(first < last && std::isfinite(last))) continue;
      source_->fill(
          whole.span(),
          {.sample = sample(r / groups), .step = step_, .draw = draw, .from = first, .to = last});
      for (Index i = 0; i < m; ++i) out[r * m + i] = static_cast<T>(whole[r % groups * m + i]);
    }
    return out;
  }

  /// Uniform numbers in [0, 1) [B, ...], as normal() draws normals; never a source's. Of one draw
  /// number a step takes normals or uniforms.
  template <Scalar T = float>
  Tensor<T> uniform(const Shape& shape, std::uint64_t draw = 0) const {
    auto out = Tensor<T>::uninitialized(shape);
    const Index n = out.row_size();
    const Rng rng = rng_.stream(draw);
    detail::for_rows(detail::batch_of(out), n, [&](Index b) {
      rng.fill_uniform(
          out.span().subspan(static_cast<std::size_t>(b * n), static_cast<std::size_t>(n)),
          sample(b), step_);
    });
    return out;
  }

  /// The noise of a repetition of the step: fresh, independent for every label of the noise of the
  /// step itself, and never a source's.
  StepRng repeat(std::uint64_t label) const {
    return StepRng(rng_.stream(label), first_sample_, step());
  }

  /// For noise of a kind that is not drawn here, such as dropout: by (generator, first_sample + b,
  /// step), and never a source's.
  const Rng& generator() const { return rng_; }
  std::uint64_t first_sample() const { return first_sample_; }
  Index step() const { return static_cast<Index>(step_); }

 private:
  template <Scalar T>
  Tensor<T> fill(const Shape& shape, NoiseRequest request) const {
    auto out = Tensor<T>::uninitialized(shape);
    const Index n = out.row_size();
    const auto size = static_cast<std::size_t>(n);
    request.step = step_;
    if (!source_) {
      const Rng rng = rng_.stream(request.draw);
      detail::for_rows(detail::batch_of(out), n, [&](Index b) {
        rng.fill_normal(std::span<T>(out.data() + b * n, size), sample(b), step_);
      });
      return out;
    }
    detail::for_rows(detail::batch_of(out), n, [&](Index b) {
      NoiseRequest own = request;
      own.sample = sample(b);
      auto row = Tensor<double>::uninitialized({n});
      source_->fill(std::span<double>(row.data(), size), own);
      for (Index i = 0; i < n; ++i) out[b * n + i] = static_cast<T>(row[i]);
    });
    return out;
  }

  std::uint64_t sample(Index b) const {
    return samples_.empty() ? first_sample_ + static_cast<std::uint64_t>(b)
                            : samples_[static_cast<std::size_t>(b)];
  }

  Rng rng_;
  std::uint64_t first_sample_;
  std::span<const std::uint64_t> samples_;  // in place of those that follow first_sample_
  std::uint32_t step_;
  const NoiseSource* source_;
};

}  // namespace foglift::inline v0
