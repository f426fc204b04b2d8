#pragma once

#include "foglift/diffusion/solver/transfer.hpp"

#include <algorithm>
#include <utility>

namespace foglift {
inline namespace v0 {
namespace solver {

/// What is known of the samples: values, and a mask of the same shape, 1 where they hold, 0 where
/// they say nothing, or between. One sample [1, ...] holds for every sample of a batch.
template <Scalar T = float>
struct Known {
  Tensor<T> values, mask;

  /// Throws ShapeError unless both have one shape, ArgumentError for a mask outside [0, 1].
  void check(const char* where) const {
    foglift::detail::check_same_shape(values, mask, where);
    for (const T m : mask)
      if (!(m >= 0 && m <= 1)) raise<ArgumentError>(where, ": mask of ", m, ", must be in [0, 1]");
  }

  /// mask (alpha values + sigma z) + (1 - mask) x, z standard normal. Throws ShapeError for a state
  /// of another shape.
  Tensor<T> put(Tensor<T> x, const Level& level, const StepRng& rng) const {
    const Index n = x.row_size(), batch = foglift::detail::batch_of(x);
    if (values.row_size() != n || values.rank() != x.rank() ||
        (values.dim(0) != 1 && values.dim(0) != batch))
      raise<ShapeError>("solver::Known: values ", values.shape(), " for a state ", x.shape());
    const T alpha = static_cast<T>(level.alpha), sigma = static_cast<T>(level.sigma);
    Tensor<T> z = sigma > 0 ? rng.normal<T>(x.shape(), draw) : Tensor<T>(x.shape());
    foglift::detail::for_rows(batch, n, [&](Index b) {
      const Index at = values.dim(0) == 1 ? 0 : b * n;
      for (Index i = 0; i < n; ++i) {
        T& out = x[b * n + i];
        const T m = mask[at + i], noisy = alpha * values[at + i] + sigma * z[b * n + i];
        out = m * noisy + (1 - m) * out;
      }
    });
    return x;
  }

 private:
  /// Away from the draws of solvers, which count from 0.
  static constexpr std::uint64_t draw = 0x4B4E4F574E;
};

/// Any solver, after each step of which the known part of the state is replaced by the known values
/// noised to the level reached (Song et al. 2021, appendix I.2). The simplest inpainting, and
/// biased: the unknown part is only ever told of the known one through the next step, so it does
/// not sample p(unknown | known), however small the steps. Repaint lessens that.
///
///   auto x = sample(solver::Replacement(solver::Ddpm{}, solver::Known<float>{values, mask}), ...);
template <class S, Scalar T = float>
class Replacement {
 public:
  static constexpr const char* name = "replacement";
  static constexpr int order = 0, weak_order = 1, evaluations = S::evaluations;

  /// Throws as Known::check does.
  Replacement(S inner, Known<T> known) : inner_(std::move(inner)), known_(std::move(known)) {
    known_.check("solver::Replacement");
  }

  template <Scalar X>
  requires std::same_as<X, T>
  auto start(const TimeGrid& grid) const { return Run<S, T>(inner_, grid); }
  template <class D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise,
                 const StepRng& rng, Run<S, T>& inner) const {
    return known_.put(inner.step(std::move(x), from, to, denoise, rng), to, rng);
  }

 private:
  S inner_;
  Known<T> known_;
};

}  // namespace solver
}  // namespace v0
}  // namespace foglift
