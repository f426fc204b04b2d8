#pragma once

#include "foglift/forecast/simulate/simulator.hpp"

#include <numbers>

namespace foglift::inline v0::forecast {

struct AdvectionDiffusionOptions {
  Index points = 16;  ///< along each side of the unit torus
  double flow_x = 1;  ///< the even part of the velocity
  double flow_y = 0.5;
  double swirl = 0;  ///< the largest speed of cells that turn, beside it
  double diffusivity = 1e-3;
  double interval = 0.05;  ///< time between snapshots
  double courant = 0.5;    ///< of what is stable, the share that the time step takes, at most
  Index modes = 2;         ///< of initial states: wave numbers along each axis, up to this
};

/// A substance that a flow carries and that spreads on the unit torus, u_t + div(v u) = d lap u:
/// states [points, points, 1], first y and then x. The flow is even, and has cells of the stream
/// function sin(2 pi x) sin(2 pi y) where there is swirl. Differences of fourth order in space,
/// between those of div(v u) and of v . grad u: the mean stays and the variance never grows. In
/// time the classical rule of Runge and Kutta.
class AdvectionDiffusion {
 public:
  using Options = AdvectionDiffusionOptions;

  /// Throws ArgumentError for options out of range.
  explicit AdvectionDiffusion(const Options& o)
      : options_(o), flow_(Shape{o.points < 1 ? 1 : o.points, o.points < 1 ? 1 : o.points, 2}) {
    if (!(o.points >= 5 && o.diffusivity >= 0 && std::isfinite(o.flow_x) &&
          std::isfinite(o.flow_y) && o.swirl >= 0 && o.interval > 0 && o.modes >= 1 &&
          2 * o.modes < o.points))
      raise<ArgumentError>("AdvectionDiffusion: points ", o.points, ", flow ", o.flow_x, ", ",
                           o.flow_y, ", swirl ", o.swirl, ", diffusivity ", o.diffusivity,
                           ", interval ", o.interval, ", modes ", o.modes,
                           "; needed 5 points, 2 modes < points, finite numbers, no negative ones "
                           "but for the flow, and a positive interval");
    if (!(o.courant > 0 && o.courant <= 1))
      raise<ArgumentError>("AdvectionDiffusion: courant ", o.courant, ", needed in (0, 1]");
    for (Index y = 0; y < o.points; ++y)
      for (Index x = 0; x < o.points; ++x) {
        const double ax = angle(x), ay = angle(y);
        flow_(y, x, 0) = o.flow_x + o.swirl * std::sin(ax) * std::cos(ay);
        flow_(y, x, 1) = o.flow_y - o.swirl * std::cos(ax) * std::sin(ay);
      }
    // The rule is stable to 2.8 on either axis; of the differences, 1.38 / dx is the largest rate
    // of a first derivative and 16 / (3 dx^2) that of a second one.
    const auto n = static_cast<double>(o.points);
    const double speed = std::abs(o.flow_x) + std::abs(o.flow_y) + 2 * o.swirl;
    const double rate = 1.38 * speed * n + 2 * 16.0 / 3 * o.diffusivity * n * n;
    substeps_ =
        std::max(Index{1}, static_cast<Index>(std::ceil(o.interval * rate / (2.8 * o.courant))));
  }

  const Options& options() const { return options_; }
  Index substeps() const { return substeps_; }

  /// Sums of waves of normal weights, of variance 1.
  Tensor<double> initial(const Rng& rng, std::uint64_t sample) const {
    const Index n = options_.points, width = 2 * options_.modes + 1;
    const Tensor<double> z = rng.normal<double>({1, width, width, 2}, sample);
    Tensor<double> u({n, n, 1});
    const double scale = 1 / static_cast<double>(width);
    for (Index ky = 0; ky < width; ++ky)
      for (Index kx = 0; kx < width; ++kx)
        for (Index y = 0; y < n; ++y)
          for (Index x = 0; x < n; ++x) {
            const double a = static_cast<double>(kx - options_.modes) * angle(x) +
                             static_cast<double>(ky - options_.modes) * angle(y);
            u(y, x, 0) += scale * (z(0, ky, kx, 0) * std::cos(a) + z(0, ky, kx, 1) * std::sin(a));
          }
    return u;
  }

  /// Throws ShapeError for a state of another shape.
  void advance(Tensor<double>& u) const {
    const Shape shape{options_.points, options_.points, 1};
    if (u.shape() != shape)
      raise<ShapeError>("AdvectionDiffusion: a state ", u.shape(), ", needed ", shape);
    const double dt = options_.interval / static_cast<double>(substeps_);
    Tensor<double> at(shape), slope(shape), sum(shape);
    for (Index s = 0; s < substeps_; ++s) {
      constexpr double ahead[] = {0.5, 0.5, 1, 0}, weight[] = {1, 2, 2, 1};
      at = u;
      sum.fill(0);
      for (int stage = 0; stage < 4; ++stage) {
        rate(at, slope);
        for (Index i = 0; i < u.size(); ++i) {
          sum[i] += weight[stage] * slope[i];
          at[i] = u[i] + ahead[stage] * dt * slope[i];
        }
      }
      for (Index i = 0; i < u.size(); ++i) u[i] += dt / 6 * sum[i];
    }
  }

 private:
  double angle(Index i) const {
    return 2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(options_.points);
  }

  /// u_t = -(div(v u) + v . grad u) / 2 + d lap u, by the neighbours at distance 1 and 2 along each
  /// axis.
  void rate(const Tensor<double>& u, Tensor<double>& out) const {
    const Index n = options_.points;
    const auto m = static_cast<double>(n);
    const double first = m / 12, second = options_.diffusivity * m * m / 12;
    const auto along = [&](Index axis, Index here, Index l2, Index l1, Index r1, Index r2) {
      const auto carried = [&](Index i) {
        return (flow_[2 * i + axis] + flow_[2 * here + axis]) / 2 * u[i];
      };
      return -first * (8 * (carried(r1) - carried(l1)) - (carried(r2) - carried(l2))) +
             second * (16 * (u[r1] + u[l1]) - (u[r2] + u[l2]) - 30 * u[here]);
    };
    for (Index y = 0; y < n; ++y) {
      const Index row = y * n, up1 = (y + 1) % n * n, up2 = (y + 2) % n * n,
                  down1 = (y + n - 1) % n * n, down2 = (y + n - 2) % n * n;
      for (Index x = 0; x < n; ++x)
        out[row + x] = along(0, row + x, row + (x + n - 2) % n, row + (x + n - 1) % n,
                             row + (x + 1) % n, row + (x + 2) % n) +
                       along(1, row + x, down2 + x, down1 + x, up1 + x, up2 + x);
    }
  }

  Options options_;
  Tensor<double> flow_;  // [points, points, 2]: along x, along y
  Index substeps_;
};

}  // namespace foglift::inline v0::forecast
