#pragma once

#include "foglift/core/rng.hpp"
#include "foglift/diffusion/affine.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace foglift::inline v0::likelihood {

/// Distributions of a probe z with mean 0 and covariance I. Rademacher (entries +-1) has the
/// smallest variance of the estimate: 2 sum_{i != j} S_ij^2 for the symmetric part S of J.
enum class Probe { rademacher, gaussian };

namespace detail {

/// Probes [B, ...] for a batch; row b depends on (rng, first_sample + b) alone.
template <Scalar T>
Tensor<T> probes(Probe kind, const Shape& shape, const Rng& rng, std::uint64_t first_sample) {
  if (kind == Probe::gaussian) return rng.normal<T>(shape, first_sample);
  auto z = rng.uniform<T>(shape, first_sample);
  for (T& v : z) v = v < T(0.5) ? T(-1) : T(1);
  return z;
}

/// x . y over row a, in double.
template <Scalar T, Scalar U>
double dot(const Tensor<T>& x, const Tensor<U>& y, Index a) {
  const Index n = x.row_size();
  double sum = 0;
  for (Index i = a * n; i < (a + 1) * n; ++i)
    sum += static_cast<double>(x[i]) * static_cast<double>(y[i]);
  return sum;
}

inline void check_probes(Index probes, Index least, const char* where) {
  if (probes < least)
    raise<ArgumentError>(where, ": ", probes, " probes, at least ", least, " needed");
}

}  // namespace detail

/// A rule for the traces of the Jacobians J of a batch: start<T>(shape) makes what a run keeps for
/// states of `shape` [B, ...]; that, called with the numbers of A samples of the batch and a
/// product v -> J^T v on [A, ...], gives their traces [A]. It asks for at least one product.

/// The trace itself, by one product for each element of a sample.
struct ExactTrace {
  template <Scalar T>
  auto start(const Shape& shape) const {
    return [shape](std::span<const Index> samples, const auto& product) {
      const auto A = static_cast<Index>(samples.size());
      Tensor<T> e(shape.with(0, A));
      Tensor<double> trace(Shape{A});
      const Index n = e.row_size();
      for (Index i = 0; i < n; ++i) {
        for (Index a = 0; a < A; ++a) e[a * n + i] = 1;
        const Tensor<T> row = product(e);
        for (Index a = 0; a < A; ++a) {
          trace[a] += static_cast<double>(row[a * n + i]);
          e[a * n + i] = 0;
        }
      }
      return trace;
    };
  }
};

/// Hutchinson's estimate, the mean of z J z over `probes` probes (Hutchinson 1990; Grathwohl et
/// al. 2019, eq. 7): without bias. A sample keeps its probes on the whole way, as an adaptive
/// integration needs.
struct Hutchinson {
  Rng rng;
  Index probes = 1;
  Probe kind = Probe::rademacher;
  /// Index of the batch's first sample: probes belong to samples.
  std::uint64_t first_sample = 0;

  /// Throws ArgumentError without probes.
  template <Scalar T>
  auto start(const Shape& shape) const {
    detail::check_probes(probes, 1, "likelihood::Hutchinson");
    std::vector<Tensor<T>> z;
    for (Index k = 0; k < probes; ++k)
      z.push_back(
          detail::probes<T>(kind, shape, rng.stream(static_cast<std::uint64_t>(k)), first_sample));
    return [z = std::move(z)](std::span<const Index> samples, const auto& product) {
      const auto A = static_cast<Index>(samples.size());
      Tensor<double> trace(Shape{A});
      for (const Tensor<T>& all : z) {
        const Tensor<T> own = all.rows(samples), pulled = product(own);
        for (Index a = 0; a < A; ++a)
          trace[a] += detail::dot(own, pulled, a) / static_cast<double>(z.size());
      }
      return trace;
    };
  }
};

/// Hutch++ (Meyer et al. 2021, algorithm 1): exact on the range of J^T S for `sketch` Gaussian
/// probes S, Hutchinson's estimate on what is orthogonal to it. For Jacobians with few large
/// directions, as those of a denoiser near data on a manifold. 2 sketch + probes products.
struct HutchPlusPlus {
  Rng rng;
  Index sketch = 4, probes = 4;
  Probe kind = Probe::rademacher;
  std::uint64_t first_sample = 0;

  /// Throws ArgumentError without probes, or for a negative sketch.
  template <Scalar T>
  auto start(const Shape& shape) const {
    detail::check_probes(probes, 1, "likelihood::HutchPlusPlus");
    detail::check_probes(sketch, 0, "likelihood::HutchPlusPlus");
    const Index kept = std::min(sketch, shape.size(1, shape.rank()));
    std::vector<Tensor<T>> z;
    for (Index k = 0; k < kept + probes; ++k)
      z.push_back(detail::probes<T>(k < kept ? Probe::gaussian : kind, shape,
                                    rng.stream(static_cast<std::uint64_t>(k)), first_sample));
    return [z = std::move(z), kept](std::span<const Index> samples, const auto& product) {
      const auto A = static_cast<Index>(samples.size());
      Tensor<double> trace(Shape{A});
      std::vector<Tensor<T>> basis;
      const auto drawn = [&](Index k) { return z[static_cast<std::size_t>(k)].rows(samples); };
      for (Index k = 0; k < kept; ++k) {
        Tensor<T> q = product(drawn(k));
        const Tensor<double> size = project_out(q, basis);
        for (Index a = 0; a < A; ++a) normalize(q, a, std::sqrt(size[a]));
        const Tensor<T> pulled = product(q);
        for (Index a = 0; a < A; ++a) trace[a] += detail::dot(q, pulled, a);
        basis.push_back(std::move(q));
      }
      const auto rest = static_cast<Index>(z.size()) - kept;
      for (Index k = 0; k < rest; ++k) {
        Tensor<T> g = drawn(kept + k);
        project_out(g, basis);
        const Tensor<T> pulled = product(g);
        for (Index a = 0; a < A; ++a)
          trace[a] += detail::dot(g, pulled, a) / static_cast<double>(rest);
      }
      return trace;
    };
  }

 private:
  /// Takes the basis out of each row, twice, for what rounding left; returns |row|^2 [A] before.
  template <Scalar T>
  static Tensor<double> project_out(Tensor<T>& x, const std::vector<Tensor<T>>& basis) {
    const Index A = x.dim(0), n = x.row_size();
    Tensor<double> size(Shape{A});
    for (Index a = 0; a < A; ++a) {
      size[a] = detail::dot(x, x, a);
      for (int pass = 0; pass < 2; ++pass)
        for (const Tensor<T>& q : basis) {
          const double along = detail::dot(x, q, a);
          for (Index i = a * n; i < (a + 1) * n; ++i)
            x[i] = static_cast<T>(static_cast<double>(x[i]) - along * static_cast<double>(q[i]));
        }
    }
    return size;
  }
  /// Row a to length 1, or to 0 where nothing but rounding is left of a row that was `size` long.
  template <Scalar T>
  static void normalize(Tensor<T>& x, Index a, double size) {
    const Index n = x.row_size();
    const double left = std::sqrt(detail::dot(x, x, a));
    const double by = left > 1e3 * double{std::numeric_limits<T>::epsilon()} * size ? 1 / left : 0;
    for (Index i = a * n; i < (a + 1) * n; ++i)
      x[i] = static_cast<T>(by * static_cast<double>(x[i]));
  }
};

}  // namespace foglift::inline v0::likelihood
