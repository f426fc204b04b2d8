#pragma once

#include "foglift/autograd/tape.hpp"
#include "foglift/diffusion/level.hpp"
#include "foglift/diffusion/solver/parts/step_rng.hpp"

#include <cmath>
#include <utility>

namespace foglift::inline v0::solver {

/// What is known of the samples: values, and a mask of the same shape, 1 where they hold, 0 where
/// they say nothing, or between. One sample [1, ...] holds for every sample of a batch. A value
/// under a mask of 0 is never read: not a number may mark what is missing.
template <Scalar T = float>
struct Known {
  Tensor<T> values, mask;

  /// Throws ShapeError unless both have one shape, ArgumentError for a mask outside [0, 1] and for
  /// a value that is not finite where the mask is above 0.
  void check(const char* where) const {
    foglift::detail::check_same_shape(values, mask, where);
    for (Index i = 0; i < mask.size(); ++i) {
      if (!(mask[i] >= 0 && mask[i] <= 1))
        raise<ArgumentError>(where, ": mask of ", mask[i], ", must be in [0, 1]");
      if (mask[i] > 0 && !std::isfinite(values[i]))
        raise<ArgumentError>(where, ": value ", values[i], " at element ", i, " of ",
                             values.shape(), " under a mask of ", mask[i],
                             ", must be finite; where nothing is known the mask is 0");
    }
  }

  /// mask (alpha values + sigma z) + (1 - mask) x, z standard normal. Throws ShapeError for a state
  /// of another shape.
  Tensor<T> put(Tensor<T> x, const Level& level, const StepRng& rng) const {
    const T alpha = static_cast<T>(level.alpha), sigma = static_cast<T>(level.sigma);
    const Index n = x.row_size();
    check_fits(x.shape());
    Tensor<T> z = sigma > 0 ? rng.normal<T>(x.shape(), draw) : Tensor<T>(x.shape());
    foglift::detail::for_rows(foglift::detail::batch_of(x), n, [&](Index b) {
      const Index at = values.dim(0) == 1 ? 0 : b * n;
      for (Index i = 0; i < n; ++i) {
        T& out = x[b * n + i];
        const T m = mask[at + i];
        if (m > 0) out = m * (alpha * values[at + i] + sigma * z[b * n + i]) + (1 - m) * out;
      }
    });
    return x;
  }

  /// The sum of mask (x0 - values)^2 over each sample of x0 [B, ...], of shape [B], on a Tensor or
  /// a Var: what a gradient leads to the known values by.
  ///
  ///   guide::GradientOf([&](const auto& x0) { return known.square_error(x0) * (0.5 / variance); })
  ///
  /// Throws ShapeError for an x0 of another shape.
  Tensor<T> square_error(const Tensor<T>& x0) const {
    check_fits(x0.shape());
    const Index n = x0.row_size();
    Tensor<T> out(Shape{x0.dim(0)});
    for (Index b = 0; b < x0.dim(0); ++b) {
      double sum = 0;
      for (Index i = b * n; i < (b + 1) * n; ++i) sum += weighted(i, n, x0[i]).square;
      out[b] = static_cast<T>(sum);
    }
    return out;
  }
  Var<T> square_error(const Var<T>& x0) const {
    return x0.tape().record(square_error(x0.value()), {x0},
                            [x0, self = *this](const Tensor<T>& dy, const auto& grad) {
                              const Index n = x0.value().row_size();
                              auto dx = Tensor<T>::uninitialized(x0.shape());
                              for (Index i = 0; i < dx.size(); ++i)
                                dx[i] = static_cast<T>(2 * static_cast<double>(dy[i / n]) *
                                                       self.weighted(i, n, x0.value()[i]).error);
                              grad(x0, std::move(dx));
                            });
  }

 private:
  /// Away from the draws of solvers, which count from 0.
  static constexpr std::uint64_t draw = 0x4B4E4F574E;

  void check_fits(const Shape& x) const {
    if (x.rank() == 0 || values.rank() != x.rank() ||
        (values.shape() != x && values.shape() != x.with(0, 1)))
      raise<ShapeError>("solver::Known: values ", values.shape(), " for a state ", x);
  }

  struct Weighted {
    double error, square;  // mask (x - value), mask (x - value)^2
  };
  /// Of element i of a batch of samples of n elements.
  Weighted weighted(Index i, Index n, T x) const {
    const Index at = values.dim(0) == 1 ? i % n : i;
    if (!(mask[at] > 0)) return {0, 0};
    const double d = static_cast<double>(x) - static_cast<double>(values[at]);
    return {static_cast<double>(mask[at]) * d, static_cast<double>(mask[at]) * d * d};
  }
};

}  // namespace foglift::inline v0::solver
