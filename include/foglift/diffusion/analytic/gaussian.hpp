#pragma once

#include "foglift/autograd/tape.hpp"
#include "foglift/diffusion/affine.hpp"
#include "foglift/diffusion/level.hpp"

#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

namespace foglift {
inline namespace v0 {
namespace analytic {

namespace detail {
/// Throws ShapeError unless x is a batch [B, ...] of samples of `dimension` elements (0: any).
template <Scalar T>
void check_state(const Tensor<T>& x, const Levels& levels, Index dimension, const char* where) {
  if (x.rank() == 0 || (dimension > 0 && x.row_size() != dimension))
    raise<ShapeError>(where, ": state ", x.shape(), ", needed [B, ...] with ", dimension,
                      " elements a sample");
  levels.check(x.dim(0), where);
}
}  // namespace detail

/// Data of independent Gaussian elements, mean m and variance v: the exact denoiser, score and log
/// density at every level, x ~ N(alpha m, alpha^2 v + sigma^2). Finite at alpha = 0 and at sigma =
/// 0 (the score and the density only where the variance of x is not 0). Computed in double.
class Gaussian {
 public:
  struct Moments {
    double mean = 0, variance = 1;
  };

  /// The same moments for every element, samples of any shape.
  explicit Gaussian(Moments m) : Gaussian(std::vector{m.mean}, std::vector{m.variance}) {}
  /// Moments of each element of a sample, in row-major order. Throws ArgumentError unless there are
  /// as many means as variances, at least one, finite, no variance negative.
  Gaussian(std::vector<double> mean, std::vector<double> variance)
      : mean_(std::move(mean)), variance_(std::move(variance)) {
    if (mean_.empty() || mean_.size() != variance_.size())
      raise<ArgumentError>("analytic::Gaussian: ", mean_.size(), " means and ", variance_.size(),
                           " variances, needed as many, at least one");
    for (std::size_t i = 0; i < mean_.size(); ++i)
      if (!(std::isfinite(mean_[i]) && std::isfinite(variance_[i]) && variance_[i] >= 0))
        raise<ArgumentError>("analytic::Gaussian: mean ", mean_[i], ", variance ", variance_[i],
                             " of element ", i, ", needed finite, variance >= 0");
  }

  /// E[x0 | x] = m + alpha v / (alpha^2 v + sigma^2) (x - alpha m), shape of x [B, ...].
  template <Scalar T>
  Tensor<T> operator()(const Tensor<T>& x, const Levels& levels) const {
    return map(x, levels, [](double xi, double m, double v, const Level& l) {
      const double gain = v > 0 ? l.alpha * v / variance_at(v, l) : 0;
      return m + gain * (xi - l.alpha * m);
    });
  }

  /// The same on a tape, as one operation; the model must outlive the tape.
  template <Scalar T>
  Var<T> operator()(const Var<T>& x, const Levels& levels) const {
    return x.tape().record(
        (*this)(x.value(), levels), {x},
        [this, x, kept = OwnedLevels(levels)](const Tensor<T>& dy, const auto& grad) {
          grad(x, map(dy, kept.get(), [](double v_i, double, double v, const Level& l) {
                 return v > 0 ? l.alpha * v / variance_at(v, l) * v_i : 0;
               }));
        });
  }

  /// Gradient in x of the log density of x at the level, shape of x.
  template <Scalar T>
  Tensor<T> score(const Tensor<T>& x, const Levels& levels) const {
    return map(x, levels, [](double xi, double m, double v, const Level& l) {
      return (l.alpha * m - xi) / variance_at(v, l);
    });
  }

  /// Log density [B] of each sample at the level, in nats.
  template <Scalar T>
  Tensor<double> log_density(const Tensor<T>& x, const Levels& levels) const {
    detail::check_state(x, levels, dimension(), "analytic::Gaussian");
    const Index n = x.row_size();
    Tensor<double> out(Shape{x.dim(0)});
    for (Index b = 0; b < x.dim(0); ++b)
      for (Index i = 0; i < n; ++i) {
        const double v = variance_at(variance_[at(i)], levels[b]);
        const double d = double{x[b * n + i]} - levels[b].alpha * mean_[at(i)];
        out[b] -= 0.5 * (d * d / v + std::log(2 * std::numbers::pi * v));
      }
    return out;
  }

 private:
  static double variance_at(double v, const Level& l) {
    return l.alpha * l.alpha * v + l.sigma * l.sigma;
  }
  std::size_t at(Index i) const { return mean_.size() > 1 ? static_cast<std::size_t>(i) : 0; }
  /// Elements of a sample; 0 for any number.
  Index dimension() const { return mean_.size() > 1 ? static_cast<Index>(mean_.size()) : 0; }

  template <Scalar T, class F>
  Tensor<T> map(const Tensor<T>& x, const Levels& levels, const F& f) const {
    detail::check_state(x, levels, dimension(), "analytic::Gaussian");
    auto out = Tensor<T>::uninitialized(x.shape());
    const Index n = x.row_size();
    foglift::detail::for_rows(x.dim(0), n, [&](Index b) {
      for (Index i = 0; i < n; ++i)
        out[b * n + i] =
            static_cast<T>(f(double{x[b * n + i]}, mean_[at(i)], variance_[at(i)], levels[b]));
    });
    return out;
  }

  std::vector<double> mean_, variance_;
};

/// The exact denoiser of Gaussian data.
inline Gaussian gaussian(Gaussian::Moments moments) { return Gaussian(moments); }

}  // namespace analytic
}  // namespace v0
}  // namespace foglift
