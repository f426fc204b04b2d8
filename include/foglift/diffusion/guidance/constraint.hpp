#pragma once

#include "foglift/autograd/tape.hpp"
#include "foglift/diffusion/affine.hpp"
#include "foglift/diffusion/guidance/gradient.hpp"
#include "foglift/diffusion/pullback.hpp"

#include <cmath>
#include <utility>
#include <vector>

namespace foglift::inline v0::guide {

/// What must hold of f(x0): that it is 0, or at most 0.
enum class Sense { equal, at_most };

struct ConstraintOptions {
  Sense sense = Sense::equal;
  double variance = 0;  ///< of f(x0) about 0; 0: it must hold
};

namespace detail {

/// f(x0) [B, m] and the gradients in x0 of its m columns.
template <Scalar T>
struct Linearized {
  Tensor<T> value;
  std::vector<Tensor<T>> gradients;
};

template <class F, Scalar T>
Linearized<T> linearized(const F& f, const Tensor<T>& x0, const char* where) {
  Tape<T> tape;
  const Var<T> at = tape.variable(x0);
  const Var<T> value = f(at);
  if (value.shape().rank() != 2 || value.dim(0) != x0.dim(0))
    raise<ShapeError>(where, ": constraints ", value.shape(), " of a state ", x0.shape(),
                      ", needed [", x0.dim(0), ", number]");
  Linearized<T> out{value.value(), {}};
  for (Index i = 0; i < value.dim(1); ++i) {
    Tensor<T> one(value.shape());
    for (Index b = 0; b < x0.dim(0); ++b) one(b, i) = 1;
    Gradients<T> gradients = tape.backward(value, std::move(one));
    const Tensor<T>* g = gradients.find(at);
    out.gradients.push_back(g ? *g : Tensor<T>(x0.shape()));
  }
  return out;
}

/// Solves S w = r, S [n, n] symmetric by rows, by elimination in place; w is in r. A row whose
/// pivot is not above 1e-6 of its diagonal, or not positive, says nothing new: its w is 0.
inline void solve_independent(std::vector<double>& S, std::vector<double>& r) {
  const std::size_t n = r.size();
  std::vector<double> diagonal(n);
  std::vector<char> kept(n, 0);
  for (std::size_t i = 0; i < n; ++i) diagonal[i] = S[i * n + i];
  for (std::size_t k = 0; k < n; ++k) {
    const double pivot = S[k * n + k];
    kept[k] = pivot > 0 && pivot > 1e-6 * diagonal[k];
    if (!kept[k]) continue;
    for (std::size_t i = k + 1; i < n; ++i) {
      const double by = S[i * n + k] / pivot;
      for (std::size_t j = k; j < n; ++j) S[i * n + j] -= by * S[k * n + j];
      r[i] -= by * r[k];
    }
  }
  for (std::size_t k = n; k-- > 0;) {
    for (std::size_t j = k + 1; j < n; ++j) r[k] -= S[k * n + j] * r[j];
    r[k] = kept[k] ? r[k] / S[k * n + k] : 0;
  }
}

/// x0 - D (A D + variance)^-1 f(x0) for each sample, A being the gradients of f and D = C A^T the
/// `directions`. Of inequalities those count that are violated.
template <Scalar T>
Tensor<T> corrected(Tensor<T> x0, const Linearized<T>& f, const std::vector<Tensor<T>>& directions,
                    const ConstraintOptions& o) {
  const Index n = x0.row_size();
  for (Index b = 0; b < x0.dim(0); ++b) {
    std::vector<std::size_t> active;
    for (Index i = 0; i < f.value.dim(1); ++i)
      if (o.sense == Sense::equal || f.value(b, i) > 0)
        active.push_back(static_cast<std::size_t>(i));
    const std::size_t m = active.size();
    std::vector<double> S(m * m), w(m);
    for (std::size_t i = 0; i < m; ++i) {
      w[i] = -static_cast<double>(f.value(b, static_cast<Index>(active[i])));
      for (std::size_t j = 0; j < m; ++j) {
        const T *a = f.gradients[active[i]].data() + b * n,
                *d = directions[active[j]].data() + b * n;
        double sum = i == j ? o.variance : 0;
        for (Index e = 0; e < n; ++e) sum += static_cast<double>(a[e]) * static_cast<double>(d[e]);
        S[i * m + j] = sum;
      }
    }
    solve_independent(S, w);
    for (std::size_t j = 0; j < m; ++j) {
      const T* d = directions[active[j]].data() + b * n;
      for (Index e = 0; e < n; ++e)
        x0[b * n + e] += static_cast<T>(w[j] * static_cast<double>(d[e]));
    }
  }
  return x0;
}

/// Functions of x0 and what must hold of them.
template <class F>
class Constrained {
 public:
  using Options = ConstraintOptions;

 protected:
  Constrained(const char* name, F f, const ConstraintOptions& options)
      : f_(std::move(f)), name_(name), options_(options) {
    if (!(std::isfinite(options.variance) && options.variance >= 0))
      raise<ArgumentError>(name, ": variance = ", options.variance, ", needed at least 0");
  }

  /// x0 corrected along directions(linearized).
  template <Scalar T, class Directions>
  Tensor<T> held(Tensor<T> x0, const Directions& directions) const {
    const Linearized<T> f = linearized(f_, x0, name_);
    return corrected(std::move(x0), f, directions(f), options_);
  }

 private:
  F f_;
  const char* name_;
  ConstraintOptions options_;
};

}  // namespace detail

/// Guidance by what must hold of a sample, f(x0) = 0 or f(x0) <= 0 for m functions f(x0) [B, m]
/// that are written on Vars: conserved mass, a peak that can not be passed. x0 goes where f, made
/// linear around it, holds, along the covariance of x0 given x, C = sigma^2 / alpha J:
///   x0 - C A^T (A C A^T + variance)^-1 f(x0),  A = d f / d x0,
/// which is the posterior mean for Gaussian data and linear f (moment projection: Boys et al. 2023,
/// "Tweedie Moment Projected Diffusions", eq. 9). One pass of the denoiser forward and m backward.
/// Nothing is done at alpha = 0, where C is not told, and a function is left out of a sample where
/// errors of the network's Jacobian leave no positive variance along it.
///
/// The mass of each frame of x0 [B, frames, cells]:
///
///   const auto mass = [](const auto& x0) { return sum(x0, 2) - 1.0; };
///   auto guided = denoise | guide::Constraint{mass};
template <class F>
class Constraint : public detail::Constrained<F>, public detail::ThroughDenoiser {
 public:
  /// Throws ArgumentError for a negative variance.
  explicit Constraint(F f, const ConstraintOptions& options = {})
      : Constraint::Constrained("guide::Constraint", std::move(f), options) {}

  /// Throws ShapeError unless f gives [B, m].
  template <class D, Scalar T, class L>
    requires DifferentiableDenoiser<D, T>
  Tensor<T> apply(const D& denoise, const Tensor<T>& x, const L& levels) const {
    const Levels all(levels);
    const Index rows = all.rows(foglift::detail::batch_of(x), x.row_size(), "guide::Constraint");
    Tape<T> tape;
    const Var<T> at = tape.variable(x);
    const Var<T> x0 = denoise(at, all);
    return this->held(x0.value(), [&](const detail::Linearized<T>& f) {
      std::vector<Tensor<T>> directions;
      for (const Tensor<T>& a : f.gradients) {
        Gradients<T> gradients = tape.backward(x0, a);
        const Tensor<T>* g = gradients.find(at);
        directions.push_back(scale(g ? *g : Tensor<T>(x.shape()), rows, [&](Index row) {
          const Level& l = all[row];
          return l.alpha > 0 ? l.sigma * l.sigma / l.alpha : 0.0;
        }));
      }
      return directions;
    });
  }
};

/// The same without the denoiser's Jacobian: C = identity, so that x0 goes to the nearest point
/// where f, made linear, holds (projected diffusion: Christopher et al. 2024). For any denoiser,
/// the same at every level; what is drawn is nearer to the constraint than to the law of the data.
template <class F>
class Projection : public detail::Constrained<F> {
 public:
  /// Throws ArgumentError for a negative variance.
  explicit Projection(F f, const ConstraintOptions& options = {})
      : Projection::Constrained("guide::Projection", std::move(f), options) {}

  /// Throws ShapeError unless f gives [B, m].
  template <class D, Scalar T, class L>
    requires Answers<D, Tensor<T>, L>
  Tensor<T> apply(const D& denoise, const Tensor<T>& x, const L& levels) const {
    return this->held(ask(denoise, x, levels),
                      [](const detail::Linearized<T>& f) -> const auto& { return f.gradients; });
  }
};

}  // namespace foglift::inline v0::guide
