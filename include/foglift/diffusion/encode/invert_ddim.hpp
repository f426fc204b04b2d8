#pragma once

#include "foglift/diffusion/encode/encode.hpp"
#include "foglift/diffusion/rows.hpp"
#include "foglift/diffusion/solver/parts/transfer.hpp"

#include <cmath>
#include <limits>

namespace foglift::inline v0 {

struct InversionOptions {
  /// Largest residual of an element, relative to the sizes that it is the difference of; 0: 64
  /// roundings of the state's type.
  double tolerance = 0;
  /// For each step of the grid.
  Index max_iterations = 500;
};

namespace detail {

/// x at `from` whose DDIM step to `to` is y: the zero of r(x) = (y - pull x0(x)) / keep - x, by
/// moves dx = w r with w = -(dx . dr) / (dr . dr) of the move before (Barzilai & Borwein 1988, eq.
/// 5), for which it is enough that the denoiser's Jacobian is symmetric and positive, as the
/// covariance of x0 given x is. The first w is the best one for covariances between 0 and the
/// noise's. A sample that has converged is asked about no more.
template <Scalar T, class D>
Tensor<T> invert_step(const D& denoise, const Tensor<T>& y, const Level& from, const Level& to,
                      const InversionOptions& options) {
  const double keep = to.sigma / from.sigma, pull = to.alpha - from.alpha * keep;
  const double q = solver::correlation(from, to), first = q > 0 ? 2 * q / (1 + q) : 1;
  const double tolerance =
      options.tolerance > 0 ? options.tolerance : 64 * double{std::numeric_limits<T>::epsilon()};
  const Index n = y.row_size();
  // Starts where the step back from y, with x0 from y, leads.
  Tensor<T> out = affine(-pull / keep, ask(denoise, y, to), 1 / keep, y);
  Tensor<T> x = out, target = y;
  Tensor<double> last(x.shape());  // residuals
  std::vector<Index> samples, kept;
  std::vector<double> part(static_cast<std::size_t>(y.dim(0)), first);
  for (Index b = 0; b < y.dim(0); ++b) samples.push_back(b);
  AskedOfFewer asked(denoise, y.dim(0));
  for (Index i = 0; !samples.empty(); ++i) {
    const Tensor<T> x0 = asked.of(samples, [&](const auto& left) { return ask(left, x, from); });
    kept.clear();
    for (std::size_t a = 0; a < samples.size(); ++a) {
      const auto row = static_cast<Index>(a) * n;
      double worst = 0, size = 0, along = 0, square = 0;
      for (Index j = row; j < row + n; ++j) {
        const double at = static_cast<double>(x[j]), aim = static_cast<double>(target[j]) / keep;
        const double r = aim - pull / keep * static_cast<double>(x0[j]) - at, dr = r - last[j];
        along -= part[a] * last[j] * dr;  // dx = w r
        square += dr * dr;
        if (!(std::abs(r) <= worst)) worst = std::abs(r);
        size = std::max({size, std::abs(at), std::abs(aim)});
        last[j] = r;
      }
      if (i > 0 && along > 0) part[a] = along / square;
      for (Index j = row; j < row + n; ++j)
        x[j] = static_cast<T>(static_cast<double>(x[j]) + part[a] * last[j]);
      if (worst <= tolerance * size) {
        std::copy_n(x.data() + row, n, out.data() + samples[a] * n);
        continue;
      }
      if (i >= options.max_iterations || !std::isfinite(worst))
        raise<NumericError>("invert_ddim: sample ", samples[a], " of the batch, step from ", to,
                            " to ", from, ": residual ", worst, " after ", i + 1,
                            " iterations, needed ", tolerance * size,
                            "; take shorter steps, or a larger tolerance");
      kept.push_back(static_cast<Index>(a));
    }
    if (kept.size() == samples.size()) continue;
    x = x.rows(kept);
    target = target.rows(kept);
    last = last.rows(kept);
    for (std::size_t k = 0; k < kept.size(); ++k) {
      samples[k] = samples[static_cast<std::size_t>(kept[k])];
      part[k] = part[static_cast<std::size_t>(kept[k])];
    }
    samples.resize(kept.size());
    part.resize(kept.size());
  }
  return out;
}

}  // namespace detail

/// The state at grid.front() that DDIM without noise leads to x [B, ...], a state at grid.back():
/// each step of the grid is inverted exactly, by iterating its fixed point (Pan et al. 2023,
/// "AIDI"), so that sampling returns x to rounding, whatever the number of steps. A sample's bits
/// do not depend on its companions. Throws ArgumentError for a grid that is out of order or ends
/// clean, NumericError where an iteration does not converge: steps may be too long where the
/// denoiser is steep.
template <Scalar T, class D>
Tensor<T> invert_ddim(const D& denoise, Tensor<T> x, const TimeGrid& grid,
                      const InversionOptions& options = {}) {
  static_assert(Denoiser<D, T>,
                "invert_ddim: needed a denoiser callable as (const Tensor<T>&, "
                "const Level&) -> Tensor<T>");
  static_assert(!guide::clips_of<D>(),
                "invert_ddim: this denoiser clips or thresholds x0; what is cut off can not be "
                "found again, so invert without that");
  const TimeGrid way = detail::towards_noise(grid, "invert_ddim");
  if (!(options.tolerance >= 0) || options.max_iterations < 1)
    raise<ArgumentError>("invert_ddim: tolerance = ", options.tolerance,
                         ", max_iterations = ", options.max_iterations,
                         ", needed tolerance >= 0 and an iteration");
  if (x.rank() == 0) raise<ShapeError>("invert_ddim: needed a state [B, ...], found a scalar");
  for (std::size_t i = 0; i + 1 < way.size(); ++i)
    x = detail::invert_step(denoise, x, way[i + 1], way[i], options);
  return x;
}

}  // namespace foglift::inline v0
