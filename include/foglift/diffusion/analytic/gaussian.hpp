#pragma once

#include "foglift/diffusion/analytic/marginal.hpp"

namespace foglift::inline v0::analytic {

namespace detail {

/// How far a deviation of variance v from the mean is stretched by the probability flow: the ratio
/// of the standard deviations at the two levels. Throws ArgumentError out of a point.
inline double stretch(double v, const Level& from, const Level& to) {
  const double before = from.alpha * from.alpha * v + from.sigma * from.sigma;
  const double after = to.alpha * to.alpha * v + to.sigma * to.sigma;
  if (before > 0) return std::sqrt(after / before);
  if (after > 0)
    raise<ArgumentError>("analytic::flow: at ", from, " data of variance ", v,
                         " is one point, and no flow leads from it to ", to);
  return 0;  // from a point to a point
}

/// A Gaussian of independent elements, or of any number of elements with one mean and variance.
class Diagonal {
 public:
  Diagonal(std::vector<double> mean, std::vector<double> variance)
      : mean_(std::move(mean)), variance_(std::move(variance)) {}

  Index dimension() const { return mean_.size() > 1 ? static_cast<Index>(mean_.size()) : 0; }
  Index scratch(Index) const { return 0; }

  double log_density(Index, const double* x, const At& at, double*) const {
    double sum = 0;
    for_elements(at, [&](double m, double v, const Level& l) {
      const double s2 = variance_at(v, l), log_s2 = std::log(s2), am = l.alpha * m;
      return [=, &sum](Index i) { sum -= 0.5 * ((x[i] - am) * (x[i] - am) / s2 + log_s2); };
    });
    return sum;
  }
  void add_mean(Index, double r, const double* x, const At& at, double* sum, double*) const {
    for_elements(at, [=](double m, double v, const Level& l) {
      const double gain = r * gain_at(v, l), am = l.alpha * m;
      return [=](Index i) { sum[i] += r * m + gain * (x[i] - am); };
    });
  }
  void add_score(Index, double r, const double* x, const At& at, double* sum, double*) const {
    for_elements(at, [=](double m, double v, const Level& l) {
      const double by = r / variance_at(v, l), am = l.alpha * m;
      return [=](Index i) { sum[i] += by * (am - x[i]); };
    });
  }
  void add_pull(Index, double r, const double* y, const At& at, double* sum, double*) const {
    for_elements(at, [=](double, double v, const Level& l) {
      const double gain = r * gain_at(v, l);
      return [=](Index i) { sum[i] += gain * y[i]; };
    });
  }
  double trace(Index, const At& at, double*) const {
    double sum = 0;
    for_elements(at, [&](double, double v, const Level& l) {
      return [gain = gain_at(v, l), &sum](Index) { sum += gain; };
    });
    return sum;
  }
  void draw(Index, Index n, const double* z, double* x0, double*) const {
    for (Index i = 0; i < n; ++i) x0[i] = mean(i) + std::sqrt(variance(i)) * z[i];
  }
  void flow(const double* x, const At& from, const At& to, double* out, double*) const {
    for_elements(from, [&](double m, double v, const Level& l) {
      return [=, &to](Index i) {
        out[i] = to.of(i).alpha * m + stretch(v, l, to.of(i)) * (x[i] - l.alpha * m);
      };
    });
  }

 private:
  double mean(Index i) const { return mean_[static_cast<std::size_t>(dimension() ? i : 0)]; }
  double variance(Index i) const {
    return variance_[static_cast<std::size_t>(dimension() ? i : 0)];
  }
  /// f(mean, variance, level)(i) for every element i; f once where they are one for all elements.
  template <class F>
  void for_elements(const At& at, const F& f) const {
    at.for_groups([&](const Level& l, Index first, Index last) {
      if (dimension() == 0) {
        const auto g = f(mean_[0], variance_[0], l);
        for (Index i = first; i < last; ++i) g(i);
      } else {
        const double *m = mean_.data(), *v = variance_.data();
        for (Index i = first; i < last; ++i) f(m[i], v[i], l)(i);
      }
    });
  }

  std::vector<double> mean_, variance_;  // [n], or [1] for any n
};

/// What one Gaussian knows beyond a mixture.
template <class Law>
class Single : public Marginal<Law> {
 public:
  /// The exact solution of the probability-flow ODE at `to` that is x [B, ...] at `from`: in every
  /// principal direction of the data the deviation from the mean keeps its number of standard
  /// deviations, alpha_t m + sqrt((alpha_t^2 v + sigma_t^2) / (alpha_s^2 v + sigma_s^2)) (x -
  /// alpha_s m). Throws ArgumentError where data without variance would leave a level without
  /// noise.
  template <Scalar T>
  Tensor<T> flow(const Tensor<T>& x, const Levels& from, const Levels& to) const {
    this->check(x, from, "analytic::flow");
    this->check(x, to, "analytic::flow");
    auto out = Tensor<T>::uninitialized(x.shape());
    const Index n = x.row_size();
    for_samples(x.dim(0), n, 2 * n + this->law().scratch(n), [&](Index b, double* mem) {
      std::copy_n(x.data() + b * n, n, mem);
      this->law().flow(mem, At{from, b, n}, At{to, b, n}, mem + n, mem + 2 * n);
      for (Index i = 0; i < n; ++i) out[b * n + i] = static_cast<T>(mem[n + i]);
    });
    return out;
  }

 protected:
  explicit Single(Law law) : Marginal<Law>(std::move(law), {1.0}) {}
};

}  // namespace detail

/// Data of independent Gaussian elements, mean m and variance v: see Marginal for what it answers
/// at any level, x ~ N(alpha m, alpha^2 v + sigma^2).
class Gaussian : public detail::Single<detail::Diagonal> {
 public:
  struct Moments {
    double mean = 0, variance = 1;
  };

  /// The same moments for every element, samples of any shape.
  explicit Gaussian(Moments m) : Gaussian(std::vector{m.mean}, std::vector{m.variance}) {}
  /// Moments of each element of a sample, in row-major order. Throws ArgumentError unless there are
  /// as many means as variances, at least one, finite, no variance negative.
  Gaussian(std::vector<double> mean, std::vector<double> variance)
      : Single(law_of(std::move(mean), std::move(variance))) {}

 private:
  static detail::Diagonal law_of(std::vector<double> mean, std::vector<double> variance) {
    if (mean.empty() || mean.size() != variance.size())
      raise<ArgumentError>("analytic::Gaussian: ", mean.size(), " means and ", variance.size(),
                           " variances, needed as many, at least one");
    for (std::size_t i = 0; i < mean.size(); ++i)
      if (!(std::isfinite(mean[i]) && std::isfinite(variance[i]) && variance[i] >= 0))
        raise<ArgumentError>("analytic::Gaussian: mean ", mean[i], ", variance ", variance[i],
                             " of element ", i, ", needed finite, variance >= 0");
    return {std::move(mean), std::move(variance)};
  }
};

/// The exact denoiser of Gaussian data.
inline Gaussian gaussian(Gaussian::Moments moments) { return Gaussian(moments); }

}  // namespace foglift::inline v0::analytic
