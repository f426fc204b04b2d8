#pragma once

#include "foglift/diffusion/affine.hpp"
#include "foglift/diffusion/guidance/guidance.hpp"
#include "foglift/diffusion/inverse/known.hpp"

#include <cmath>
#include <utility>

namespace foglift::inline v0::guide {

struct ExpertOptions {
  double variance = 0.1;  ///< mean squared error of what the expert says
  double prior = 1;       ///< variance of the data, whose elements are taken for independent
  double weight = 1;
};

/// Guidance by another model, which says y of some elements of each sample and is off by
/// `variance`: a forecaster that was trained before, a sensor. x0 becomes the mean of both by their
/// precisions,
///   x0 + weight v / (v + variance) mask (y - x0),  v = prior sigma^2 / (prior alpha^2 + sigma^2),
/// v being the variance of x0 given x where data are independent and of variance `prior`; for those
/// it is the posterior mean given x and y. It is pseudo-inverse guidance (Song et al. 2023,
/// "Pseudoinverse-Guided Diffusion Models for Inverse Problems", eq. 7) by a mask, with v in place
/// of sigma^2 / alpha d x0 / d x: nothing is differentiated, and a network that was trained little
/// can not do harm by its Jacobian.
///
///   auto guided = denoise | guide::Expert{known, {.variance = 0.2}};
template <Scalar T>
class Expert {
 public:
  using Options = ExpertOptions;

  /// `known` as Known says. Throws what Known::check does, and ArgumentError unless variance and
  /// prior are positive and the weight finite.
  explicit Expert(solver::Known<T> known, const Options& options = {})
      : known_(std::move(known)), options_(options) {
    known_.check("guide::Expert");
    if (!(options.variance > 0 && options.prior > 0 && std::isfinite(options.weight)))
      raise<ArgumentError>("guide::Expert: variance = ", options.variance,
                           ", prior = ", options.prior, ", weight = ", options.weight,
                           "; needed two positive numbers and a finite one");
  }

  /// Throws ShapeError for a state of another shape.
  template <class D, class L>
    requires Answers<D, Tensor<T>, L>
  Tensor<T> apply(const D& denoise, const Tensor<T>& x, const L& levels) const {
    const Levels all(levels);
    Tensor<T> x0 = ask(denoise, x, levels);
    const Shape& s = known_.values.shape();
    if (x.rank() == 0 || s.rank() != x.rank() || (s != x.shape() && s != x.shape().with(0, 1)))
      raise<ShapeError>("guide::Expert: the expert says ", s, " of a state ", x.shape());
    const Index n = x.row_size(), rows = all.rows(x.dim(0), n, "guide::Expert");
    const Index each = rows > 0 ? x.size() / rows : 0;
    for (Index i = 0; i < x.size(); ++i) {
      const Index at = s[0] == 1 ? i % n : i;
      if (known_.mask[at] > 0)
        x0[i] +=
            static_cast<T>(share(all[i / each])) * known_.mask[at] * (known_.values[at] - x0[i]);
    }
    return x0;
  }

 private:
  /// Of the way to y.
  double share(const Level& l) const {
    const double noise = l.sigma * l.sigma, p = options_.prior;
    const double v = noise > 0 ? p * noise / (p * l.alpha * l.alpha + noise) : 0;
    return options_.weight * v / (v + options_.variance);
  }

  solver::Known<T> known_;
  Options options_;
};

}  // namespace foglift::inline v0::guide
