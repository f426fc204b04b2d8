#pragma once

#include "foglift/core/rng.hpp"
#include "foglift/diffusion/affine.hpp"

#include <cmath>
#include <cstdint>
#include <span>

namespace foglift {
inline namespace v0 {

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

  /// Standard normals [B, ...]; row b belongs to sample first_sample + b. A step that needs several
  /// independent tensors numbers them by `draw`.
  template <Scalar T>
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

  /// The noise of a repetition of the step: fresh, independent for every label of the noise of the
  /// step itself, and never a source's.
  StepRng repeat(std::uint64_t label) const {
    return StepRng(rng_.stream(label), first_sample_, step());
  }

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
        rng.fill_normal(std::span<T>(out.data() + b * n, size),
                        first_sample_ + static_cast<std::uint64_t>(b), step_);
      });
      return out;
    }
    detail::for_rows(detail::batch_of(out), n, [&](Index b) {
      NoiseRequest own = request;
      own.sample = first_sample_ + static_cast<std::uint64_t>(b);
      auto row = Tensor<double>::uninitialized({n});
      source_->fill(std::span<double>(row.data(), size), own);
      for (Index i = 0; i < n; ++i) out[b * n + i] = static_cast<T>(row[i]);
    });
    return out;
  }

  Rng rng_;
  std::uint64_t first_sample_;
  std::uint32_t step_;
  const NoiseSource* source_;
};

}  // namespace v0
}  // namespace foglift
