#pragma once

#include "foglift/diffusion/analytic/gaussian.hpp"

#include <algorithm>
#include <limits>

namespace foglift {
inline namespace v0 {
namespace analytic {

/// Data from a mixture of K isotropic Gaussians, component k with weight w_k, mean m_k and variance
/// v_k: the exact denoiser, score and log density at every level. The posterior of the component is
/// a softmax of log densities, taken relative to the largest, so it is right at both ends: the
/// prior weights at alpha = 0, and at sigma = 0 with v = 0 (a data set) the nearest mean. Computed
/// in double.
class Mixture {
 public:
  struct Component {
    double weight;
    std::vector<double> mean;
    double variance;
  };

  /// Weights are normalized. Throws ArgumentError unless there is a component, all have means of
  /// one length, weights are positive, variances not negative, all finite.
  explicit Mixture(const std::vector<Component>& components) {
    if (components.empty() || components.front().mean.empty())
      raise<ArgumentError>("analytic::Mixture: needed a component, with a mean of an element");
    dimension_ = static_cast<Index>(components.front().mean.size());
    double total = 0;
    for (const Component& c : components) total += c.weight;
    for (std::size_t k = 0; k < components.size(); ++k) {
      const Component& c = components[k];
      const bool finite =
          std::all_of(c.mean.begin(), c.mean.end(), [](double m) { return std::isfinite(m); });
      if (!(finite && static_cast<Index>(c.mean.size()) == dimension_ && c.weight > 0 &&
            std::isfinite(total) && c.variance >= 0 && std::isfinite(c.variance)))
        raise<ArgumentError>("analytic::Mixture: component ", k, " has weight ", c.weight,
                             ", variance ", c.variance, ", a mean of ", c.mean.size(),
                             " elements; needed weight > 0, variance >= 0, ", dimension_,
                             " elements, all finite");
      log_weight_.push_back(std::log(c.weight / total));
      variance_.push_back(c.variance);
      mean_.insert(mean_.end(), c.mean.begin(), c.mean.end());
    }
  }

  Index components() const { return static_cast<Index>(variance_.size()); }
  /// Elements of a sample.
  Index dimension() const { return dimension_; }

  /// E[x0 | x] = sum_k r_k (m_k + alpha v_k / (alpha^2 v_k + sigma^2) (x - alpha m_k)), shape of x
  /// [B, ...].
  template <Scalar T>
  Tensor<T> operator()(const Tensor<T>& x, const Levels& levels) const {
    return blend(x, levels, [](double v, double s2, const Level& l) {
      const double gain = v > 0 ? l.alpha * v / s2 : 0;
      return Mix{gain, 1 - gain * l.alpha};
    });
  }

  /// The same on a tape, as one operation; the model must outlive the tape.
  template <Scalar T>
  Var<T> operator()(const Var<T>& x, const Levels& levels) const {
    return x.tape().record(
        (*this)(x.value(), levels), {x},
        [this, x, kept = OwnedLevels(levels)](const Tensor<T>& dy, const auto& grad) {
          grad(x, pulled(x.value(), kept.get(), dy));
        });
  }

  /// Gradient in x of the log density of x at the level, shape of x.
  template <Scalar T>
  Tensor<T> score(const Tensor<T>& x, const Levels& levels) const {
    return blend(x, levels, [](double, double s2, const Level& l) {
      return Mix{-1 / s2, l.alpha / s2};
    });
  }

  /// Log density [B] of each sample at the level, in nats.
  template <Scalar T>
  Tensor<double> log_density(const Tensor<T>& x, const Levels& levels) const {
    detail::check_state(x, levels, dimension_, "analytic::Mixture");
    Tensor<double> out(Shape{x.dim(0)});
    Tensor<double> r(Shape{components()});
    for (Index b = 0; b < x.dim(0); ++b)
      out[b] = responsibilities(x.data() + b * dimension_, levels[b], r) -
               0.5 * static_cast<double>(dimension_) * std::log(2 * std::numbers::pi);
    return out;
  }

 private:
  /// alpha^2 v + sigma^2, kept above 0 so that a data set at sigma = 0 picks its nearest point.
  static double variance_at(double v, const Level& l) {
    return std::max(l.alpha * l.alpha * v + l.sigma * l.sigma, 1e-200);
  }

  /// r[k] = P(component k | x); returns the log density but for -dimension/2 ln(2 pi).
  template <Scalar T>
  double responsibilities(const T* x, const Level& l, Tensor<double>& r) const {
    double top = -std::numeric_limits<double>::infinity(), sum = 0;
    for (Index k = 0; k < components(); ++k) {
      const double s2 = variance_at(variance_[static_cast<std::size_t>(k)], l);
      const double* m = mean_.data() + k * dimension_;
      double square = 0;
      for (Index i = 0; i < dimension_; ++i) {
        const double d = double{x[i]} - l.alpha * m[i];
        square += d * d;
      }
      r[k] = log_weight_[static_cast<std::size_t>(k)] -
             0.5 * (square / s2 + static_cast<double>(dimension_) * std::log(s2));
      top = std::max(top, r[k]);
    }
    for (double& v : r) sum += v = std::exp(v - top);
    for (double& v : r) v /= sum;
    return top + std::log(sum);
  }

  /// sum_k r_k (a_k x + b_k m_k), with Mix{a, b} = of(v_k, variance of x, level).
  template <Scalar T, class F>
  Tensor<T> blend(const Tensor<T>& x, const Levels& levels, const F& of) const {
    detail::check_state(x, levels, dimension_, "analytic::Mixture");
    auto out = Tensor<T>::uninitialized(x.shape());
    foglift::detail::for_rows(x.dim(0), dimension_ * components(), [&](Index b) {
      const T* row = x.data() + b * dimension_;
      Tensor<double> r(Shape{components()}), sum(Shape{dimension_});
      responsibilities(row, levels[b], r);
      double on_x = 0;
      for (Index k = 0; k < components(); ++k) {
        if (r[k] == 0) continue;  // of() may be infinite there, and most of a data set is far away
        const double v = variance_[static_cast<std::size_t>(k)];
        const Mix mix = of(v, variance_at(v, levels[b]), levels[b]);
        on_x += r[k] * mix.a;
        const double* m = mean_.data() + k * dimension_;
        for (Index i = 0; i < dimension_; ++i) sum[i] += r[k] * mix.b * m[i];
      }
      for (Index i = 0; i < dimension_; ++i)
        out[b * dimension_ + i] = static_cast<T>(sum[i] + on_x * double{row[i]});
    });
    return out;
  }

  /// J^T v = sum_k r_k (g_k v + ((D_k - D) v) S_k) with the means D_k, gains g_k = d D_k / d x and
  /// scores S_k of the components: d r_k / d x = r_k (S_k - sum_j r_j S_j).
  template <Scalar T>
  Tensor<T> pulled(const Tensor<T>& x, const Levels& levels, const Tensor<T>& v) const {
    auto out = Tensor<T>::uninitialized(x.shape());
    const Tensor<T> x0 = (*this)(x, levels);
    foglift::detail::for_rows(x.dim(0), dimension_ * components(), [&](Index b) {
      const Index first = b * dimension_;
      const T *row = x.data() + first, *vb = v.data() + first;
      const Level& l = levels[b];
      Tensor<double> r(Shape{components()}), sum(Shape{dimension_});
      responsibilities(row, l, r);
      double on_v = 0;
      for (Index k = 0; k < components(); ++k) {
        if (r[k] == 0) continue;
        const double vk = variance_[static_cast<std::size_t>(k)], s2 = variance_at(vk, l);
        const double gain = vk > 0 ? l.alpha * vk / s2 : 0;
        on_v += r[k] * gain;
        const double* m = mean_.data() + k * dimension_;
        double along = 0;
        for (Index i = 0; i < dimension_; ++i)
          along += (m[i] + gain * (double{row[i]} - l.alpha * m[i]) - double{x0[first + i]}) *
                   double{vb[i]};
        if (along == 0) continue;
        for (Index i = 0; i < dimension_; ++i)
          sum[i] += r[k] * along * (l.alpha * m[i] - double{row[i]}) / s2;
      }
      for (Index i = 0; i < dimension_; ++i)
        out[first + i] = static_cast<T>(sum[i] + on_v * double{vb[i]});
    });
    return out;
  }

  Index dimension_ = 0;
  std::vector<double> log_weight_, variance_, mean_;  // mean_ [K, dimension]
};

}  // namespace analytic
}  // namespace v0
}  // namespace foglift
