#pragma once

#include "foglift/forecast/simulate/simulator.hpp"

#include <numbers>

namespace foglift::inline v0::forecast {

struct WaveOptions {
  Index points = 64;  ///< on the ring
  double length = 1;  ///< of the ring
  double speed = 1;
  double interval = 0.05;  ///< time between snapshots
  double courant = 0.5;    ///< speed * time step / spacing, at most; stable up to 1
  Index modes = 4;         ///< of initial states: so many wave numbers
};

/// Waves on a ring, u_tt = c^2 u_xx: states [points, 2] of displacement and velocity. Differences
/// of second order in space, Stoermer and Verlet's rule in time: errors fall by 4 where points
/// double, the mean velocity stays, the energy swings by O(time step^2) and does not drift.
class Wave {
 public:
  using Options = WaveOptions;

  /// Throws ArgumentError for options out of range.
  explicit Wave(const Options& o) : options_(o) {
    if (!(o.points >= 3 && o.length > 0 && o.speed > 0 && o.interval > 0 && o.modes >= 1 &&
          2 * o.modes < o.points))
      raise<ArgumentError>("Wave: points ", o.points, ", length ", o.length, ", speed ", o.speed,
                           ", interval ", o.interval, ", modes ", o.modes,
                           "; needed positive numbers, 3 points, and 2 modes < points");
    if (!(o.courant > 0 && o.courant <= 1))
      raise<ArgumentError>("Wave: courant ", o.courant, ", needed in (0, 1] to be stable");
    substeps_ = static_cast<Index>(std::ceil(o.speed * o.interval / (o.courant * spacing())));
  }

  const Options& options() const { return options_; }
  Index substeps() const { return substeps_; }
  double spacing() const { return options_.length / static_cast<double>(options_.points); }

  /// Displacements a_k cos(kx) + b_k sin(kx), all normal with deviation 1 / k, and velocities of
  /// the deviation at which kinetic and potential energy are alike.
  Tensor<double> initial(const Rng& rng, std::uint64_t sample) const {
    Tensor<double> x({options_.points, 2});
    const Tensor<double> z = rng.normal<double>({1, options_.modes, 4}, sample);
    for (Index m = 0; m < options_.modes; ++m) {
      const auto k = static_cast<double>(m + 1);
      const double rate = 2 * std::numbers::pi * k / options_.length * options_.speed;
      for (Index i = 0; i < options_.points; ++i) {
        const double angle = 2 * std::numbers::pi * k * static_cast<double>(i) /
                             static_cast<double>(options_.points);
        const double c = std::cos(angle) / k, s = std::sin(angle) / k;
        x(i, 0) += c * z(0, m, 0) + s * z(0, m, 1);
        x(i, 1) += rate * (c * z(0, m, 2) + s * z(0, m, 3));
      }
    }
    return x;
  }

  /// Throws ShapeError for a state of another shape.
  void advance(Tensor<double>& x) const {
    if (x.shape() != Shape{options_.points, 2})
      raise<ShapeError>("Wave: a state ", x.shape(), ", needed ", Shape{options_.points, 2});
    const double dt = options_.interval / static_cast<double>(substeps_);
    kick(x, dt / 2);
    for (Index s = 0; s < substeps_; ++s) {
      for (Index i = 0; i < options_.points; ++i) x(i, 0) += dt * x(i, 1);
      kick(x, s + 1 < substeps_ ? dt : dt / 2);
    }
  }

  /// The integral of u_t^2 / 2 + c^2 u_x^2 / 2.
  double energy(const Tensor<double>& x) const {
    double sum = 0;
    for (Index i = 0; i < options_.points; ++i) {
      const double slope = options_.speed * (x((i + 1) % options_.points, 0) - x(i, 0)) / spacing();
      sum += x(i, 1) * x(i, 1) + slope * slope;
    }
    return sum * spacing() / 2;
  }

 private:
  /// v += dt c^2 u_xx.
  void kick(Tensor<double>& x, double dt) const {
    const Index n = options_.points;
    const double rate = options_.speed / spacing(), scale = dt * rate * rate;
    for (Index i = 0; i < n; ++i)
      x(i, 1) += scale * (x((i + 1) % n, 0) - 2 * x(i, 0) + x((i + n - 1) % n, 0));
  }

  Options options_;
  Index substeps_;
};

}  // namespace foglift::inline v0::forecast
