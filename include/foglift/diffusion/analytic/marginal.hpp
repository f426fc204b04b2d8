#pragma once

#include "foglift/autograd/tape.hpp"
#include "foglift/core/rng.hpp"
#include "foglift/diffusion/affine.hpp"
#include "foglift/diffusion/level.hpp"
#include "foglift/diffusion/rows.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numbers>
#include <utility>
#include <vector>

namespace foglift::inline v0::analytic {
namespace detail {

/// The levels of one sample of n elements.
struct At {
  const Levels& levels;
  Index b, n;

  bool uniform() const { return levels.groups() == 1; }
  /// Level of element i.
  const Level& of(Index i) const { return levels[b * levels.groups() + i * levels.groups() / n]; }
  /// f(level, first, last) for every run of elements with one level.
  template <class F>
  void for_groups(const F& f) const {
    const Index groups = levels.groups(), each = n / groups;
    for (Index g = 0; g < groups; ++g) f(levels[b * groups + g], g * each, (g + 1) * each);
  }
};

/// Variance of x where x0 has the variance v, kept above 0 so that a point mass at sigma = 0 picks
/// the nearest point.
inline double variance_at(double v, const Level& l) {
  return std::max(l.alpha * l.alpha * v + l.sigma * l.sigma, 1e-200);
}
/// Slope of the posterior mean in x: alpha v / (alpha^2 v + sigma^2), also where that is 0 / 0.
inline double gain_at(double v, const Level& l) {
  return v > 0 ? l.alpha * v / variance_at(v, l) : 0;
}

/// f(b, scratch) for every sample b < batch, with `size` doubles that are the thread's own while f
/// runs. `cost` is about the number of operations a sample takes.
template <class F>
void for_samples(Index batch, Index cost, Index size, const F& f) {
  const Index parts = std::min<Index>(batch, 4 * threads()), padded = (size + 7) / 8 * 8;
  auto scratch = Tensor<double>::uninitialized({parts, padded});
  foglift::detail::for_rows(parts, parts > 0 ? cost * (batch / parts) : 0, [&](Index p) {
    for (Index b = batch * p / parts; b < batch * (p + 1) / parts; ++b)
      f(b, scratch.data() + p * padded);
  });
}

}  // namespace detail

/// Data from a mixture of K Gaussians, seen at any noise level: the exact denoiser, its Jacobian,
/// score, log density and samples. What the Gaussians are is the Law's: isotropic, diagonal or with
/// a full covariance. All of it follows from the components' own posterior means D_k, gains G_k =
/// d D_k / d x and scores S_k, with r_k = P(k | x), a softmax of log densities taken relative to
/// the largest, so that it is right at both ends: the prior weights at alpha = 0, and at sigma = 0
/// without variance (a data set) the nearest mean. Computed in double; a batch takes scratch memory
/// once, from the pool. Throws ShapeError for states that are not [B, ...] with the law's number of
/// elements, and levels that do not fit. Where elements have levels of their own, alpha and sigma
/// are diagonal matrices.
template <class Law>
class Marginal {
 public:
  Index components() const { return static_cast<Index>(log_weight_.size()); }
  /// Elements of a sample; 0 for any number.
  Index dimension() const { return law_->dimension(); }

  /// D(x) = E[x0 | x] = sum_k r_k D_k(x), shape of x [B, ...].
  template <Scalar T>
  Tensor<T> operator()(const Tensor<T>& x, const Levels& levels) const {
    return map(x, levels, [&](const Row& row, double* sum) { mean(row, sum); });
  }

  /// The same on a tape, as one operation; the model must outlive the tape.
  template <Scalar T>
  Var<T> operator()(const Var<T>& x, const Levels& levels) const {
    return x.tape().record(
        (*this)(x.value(), levels), {x},
        [this, x, kept = OwnedLevels(levels)](const Tensor<T>& dy, const auto& grad) {
          grad(x, pull(x.value(), kept.get(), dy));
        });
  }

  /// The same for all samples of a batch (KnowsRows).
  const Marginal& rows(const Rows&) const { return *this; }

  /// J^T v for the Jacobian J = dD / dx and v [B, ...], shape of x: as d r_k / d x = r_k (S_k -
  /// sum_j r_j S_j), it is sum_k r_k (G_k^T v + ((D_k - D) v) S_k).
  template <Scalar T>
  Tensor<T> pull(const Tensor<T>& x, const Levels& levels, const Tensor<T>& v) const {
    foglift::detail::check_same_shape(x, v, "analytic::pull");
    return map(x, levels, [&](const Row& row, double* sum) {
      const Index n = row.at.n;
      double *vd = row.spare, *total = vd + n, *own = total + n;
      std::copy_n(v.data() + row.at.b * n, n, vd);
      std::fill_n(total, n, 0.0);
      mean(row, total);
      for_likely(row, [&](Index k, double r) {
        law_->add_pull(k, r, vd, row.at, sum, row.law);
        if (const double along = deviation(k, row, total, vd, own); along != 0)
          law_->add_score(k, r * along, row.x, row.at, sum, row.law);
      });
    });
  }

  /// Trace [B] of J = dD / dx: sum_k r_k (tr G_k + (D_k - D) S_k).
  template <Scalar T>
  Tensor<double> jacobian_trace(const Tensor<T>& x, const Levels& levels) const {
    return reduce(x, levels, [&](const Row& row) {
      const Index n = row.at.n;
      double *score = row.spare, *total = score + n, *own = total + n, trace = 0;
      std::fill_n(total, n, 0.0);
      mean(row, total);
      for_likely(row, [&](Index k, double r) {
        std::fill_n(score, n, 0.0);
        law_->add_score(k, 1, row.x, row.at, score, row.law);
        trace += r * law_->trace(k, row.at, row.law);
        if (components() > 1) trace += r * deviation(k, row, total, score, own);
      });
      return trace;
    });
  }

  /// Gradient in x of the log density of x at the level, shape of x.
  template <Scalar T>
  Tensor<T> score(const Tensor<T>& x, const Levels& levels) const {
    return map(x, levels, [&](const Row& row, double* sum) {
      for_likely(row,
                 [&](Index k, double r) { law_->add_score(k, r, row.x, row.at, sum, row.law); });
    });
  }

  /// Log density [B] of each sample at the level, in nats.
  template <Scalar T>
  Tensor<double> log_density(const Tensor<T>& x, const Levels& levels) const {
    return reduce(x, levels, [&](const Row& row) { return weigh(row); });
  }

  /// Data of `shape` [B, ...]; row b is sample first_sample + b of the generator.
  template <Scalar T = double>
  Tensor<T> draw(const Shape& shape, const Rng& rng, std::uint64_t first_sample = 0) const {
    const Tensor<double> z = rng.stream(1).normal<double>(shape, first_sample);
    Tensor<T> out = Tensor<T>::uninitialized(shape);
    check(out, Level{}, "analytic::draw");
    const Index n = out.row_size();
    detail::for_samples(out.dim(0), n, n + law_->scratch(n), [&](Index b, double* scratch) {
      const double u = rng.stream(0).uniform(first_sample + static_cast<std::uint64_t>(b));
      law_->draw(pick(u), n, z.data() + b * n, scratch, scratch + n);
      std::transform(scratch, scratch + n, out.data() + b * n,
                     [](double v) { return static_cast<T>(v); });
    });
    return out;
  }

  /// States alpha x0 + sigma eps of `shape` [B, ...] at the levels, x0 the sample that draw()
  /// gives.
  template <Scalar T = double>
  Tensor<T> draw(const Shape& shape, const Levels& levels, const Rng& rng,
                 std::uint64_t first_sample = 0) const {
    Tensor<double> x0 = draw<double>(shape, rng, first_sample);
    const auto x = affine(std::move(x0), rng.stream(2).normal<double>(shape, first_sample), levels,
                          "analytic::draw", [](const Level& l) { return Mix{l.alpha, l.sigma}; });
    return x.template cast<T>();
  }

 protected:
  /// Component k has the weight w_k / sum_j w_j. Throws ArgumentError unless all are positive and
  /// finite.
  Marginal(Law law, const std::vector<double>& weights)
      : law_(std::make_shared<const Law>(std::move(law))) {
    double total = 0;
    for (const double w : weights) total += w;
    for (const double w : weights) {
      if (!(w > 0 && std::isfinite(total)))
        raise<ArgumentError>("analytic: weight ", w, " of component ", log_weight_.size(),
                             ", needed positive and finite");
      log_weight_.push_back(std::log(w / total));
    }
  }

  const Law& law() const { return *law_; }

  template <Scalar T>
  void check(const Tensor<T>& x, const Levels& levels, const char* where) const {
    if (x.rank() == 0 || (dimension() > 0 && x.row_size() != dimension()))
      raise<ShapeError>(where, ": state ", x.shape(), ", needed [B, ...] with ", dimension(),
                        " elements a sample");
    levels.rows(x.dim(0), x.row_size(), where);
  }

 private:
  /// A sample in double, where it stands, and scratch memory.
  struct Row {
    const double* x;
    detail::At at;
    double *r, *spare, *law;  // [K], [3 n], [law.scratch(n)]
  };

  template <Scalar T, class F>
  void for_each(const Tensor<T>& x, const Levels& levels, const F& f) const {
    check(x, levels, "analytic");
    const Index n = x.row_size(), K = components();
    detail::for_samples(x.dim(0), n * K, 5 * n + K + law_->scratch(n), [&](Index b, double* mem) {
      std::copy_n(x.data() + b * n, n, mem);
      double* spare = mem + 2 * n;
      f(Row{mem, {levels, b, n}, spare + 3 * n, spare, spare + 3 * n + K}, mem + n);
    });
  }
  template <Scalar T, class F>
  Tensor<T> map(const Tensor<T>& x, const Levels& levels, const F& f) const {
    auto out = Tensor<T>::uninitialized(x.shape());
    for_each(x, levels, [&](const Row& row, double* sum) {
      std::fill_n(sum, row.at.n, 0.0);
      f(row, sum);
      T* to = out.data() + row.at.b * row.at.n;
      for (Index i = 0; i < row.at.n; ++i) to[i] = static_cast<T>(sum[i]);
    });
    return out;
  }
  template <Scalar T, class F>
  Tensor<double> reduce(const Tensor<T>& x, const Levels& levels, const F& f) const {
    Tensor<double> out(Shape{x.rank() ? x.dim(0) : 0});
    for_each(x, levels, [&](const Row& row, double*) { out[row.at.b] = f(row); });
    return out;
  }

  /// r[k] = P(component k | x); returns the log density.
  double weigh(const Row& row) const {
    double top = -std::numeric_limits<double>::infinity(), sum = 0;
    for (Index k = 0; k < components(); ++k) {
      row.r[k] =
          log_weight_[static_cast<std::size_t>(k)] + law_->log_density(k, row.x, row.at, row.law);
      top = std::max(top, row.r[k]);
    }
    for (Index k = 0; k < components(); ++k) sum += row.r[k] = std::exp(row.r[k] - top);
    for (Index k = 0; k < components(); ++k) row.r[k] /= sum;
    return top + std::log(sum) -
           0.5 * static_cast<double>(row.at.n) * std::log(2 * std::numbers::pi);
  }
  /// f(k, r_k) for the components that x can be of: most of a data set is far away.
  template <class F>
  void for_likely(const Row& row, const F& f) const {
    if (components() == 1) return f(0, 1.0);
    weigh(row);
    for (Index k = 0; k < components(); ++k)
      if (row.r[k] != 0) f(k, row.r[k]);
  }
  void mean(const Row& row, double* sum) const {
    for_likely(row, [&](Index k, double r) { law_->add_mean(k, r, row.x, row.at, sum, row.law); });
  }
  /// (D_k - D) v, with D_k left in `own`.
  double deviation(Index k, const Row& row, const double* D, const double* v, double* own) const {
    std::fill_n(own, row.at.n, 0.0);
    law_->add_mean(k, 1, row.x, row.at, own, row.law);
    double along = 0;
    for (Index i = 0; i < row.at.n; ++i) along += (own[i] - D[i]) * v[i];
    return along;
  }
  /// The component whose part of [0, 1) holds u.
  Index pick(double u) const {
    Index k = 0;
    for (; k + 1 < components(); ++k) {
      u -= std::exp(log_weight_[static_cast<std::size_t>(k)]);
      if (u < 0) break;
    }
    return k;
  }

  std::shared_ptr<const Law> law_;  // of all copies
  std::vector<double> log_weight_;
};

}  // namespace foglift::inline v0::analytic
