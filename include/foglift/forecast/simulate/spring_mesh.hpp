#pragma once

#include "foglift/forecast/simulate/simulator.hpp"

#include <numbers>
#include <vector>

namespace foglift::inline v0::forecast {

struct SpringMeshOptions {
  Index rows = 10, columns = 10;
  double stiffness = 1;                 ///< of every spring; masses are 1
  double decay = 0.1;                   ///< what a unit of time leaves of velocities, in (0, 1]
  bool hung = true;                     ///< the last row, the one of the largest y, does not move
  double nearest = 0, farthest = 0.35;  ///< how far free particles start from their places
  double interval = 0.00781;            ///< time between snapshots
  Index substeps = 128;
};

/// A mesh of unit masses with springs between all neighbours, those across corners too (Otness et
/// al. 2021, "An extensible benchmark suite for learning to simulate physical systems"): states
/// [rows, columns, 4] of momentum (x, y) and displacement (x, y) from the places at rest, which are
/// (column, row). Springs are as long at rest as places are apart. Velocities and then positions
/// take a step of Euler's; velocities shrink by decay^(time step).
class SpringMesh {
 public:
  using Options = SpringMeshOptions;

  struct Spring {
    Index a, b;   ///< particles, row * columns + column
    double x, y;  ///< from a to b at rest
    double length;
  };

  /// Throws ArgumentError for options out of range.
  explicit SpringMesh(const Options& o) : options_(o) {
    if (!(o.rows >= 1 && o.columns >= 1 && o.stiffness > 0 && o.decay > 0 && o.decay <= 1 &&
          o.nearest >= 0 && o.nearest <= o.farthest && o.farthest < 0.5 && o.interval > 0 &&
          o.substeps >= 1))
      raise<ArgumentError>("SpringMesh: ", o.rows, " x ", o.columns, ", stiffness ", o.stiffness,
                           ", decay ", o.decay, ", starts from ", o.nearest, " to ", o.farthest,
                           ", interval ", o.interval, ", substeps ", o.substeps,
                           "; needed a mesh, positive numbers, decay at most 1, and starts in "
                           "order below 0.5");
    for (Index r = 0; r < o.rows; ++r)
      for (Index c = 0; c < o.columns; ++c) {
        join(r, c, 0, 1);
        join(r, c, 1, -1);
        join(r, c, 1, 0);
        join(r, c, 1, 1);
      }
  }

  const Options& options() const { return options_; }
  const std::vector<Spring>& springs() const { return springs_; }

  /// At rest but for displacements that are even in the ring of the options.
  Tensor<double> initial(const Rng& rng, std::uint64_t sample) const {
    Tensor<double> x(shape());
    const Tensor<double> u = rng.uniform<double>({1, particles(), 2}, sample);
    const double least = options_.nearest * options_.nearest,
                 most = options_.farthest * options_.farthest;
    for (Index i = 0; i < moving(); ++i) {
      const double radius = std::sqrt(least + (most - least) * u(0, i, 0));
      const double angle = 2 * std::numbers::pi * u(0, i, 1);
      x[4 * i + 2] = radius * std::cos(angle);
      x[4 * i + 3] = radius * std::sin(angle);
    }
    return x;
  }

  /// Throws ShapeError for a state of another shape.
  void advance(Tensor<double>& x) const {
    if (x.shape() != shape())
      raise<ShapeError>("SpringMesh: a state ", x.shape(), ", needed ", shape());
    const double dt = options_.interval / static_cast<double>(options_.substeps);
    const double kept = std::pow(options_.decay, dt);
    Tensor<double> force({particles(), 2});
    for (Index s = 0; s < options_.substeps; ++s) {
      forces(x, force);
      for (Index i = 0; i < moving(); ++i)
        for (Index d = 0; d < 2; ++d) {
          double& p = x[4 * i + d];
          p = kept * (p + dt * force(i, d));
          x[4 * i + 2 + d] += dt * p;
        }
    }
  }

  /// Kinetic energy and that of the springs.
  double energy(const Tensor<double>& x) const {
    double sum = 0;
    for (Index i = 0; i < particles(); ++i)
      sum += (x[4 * i] * x[4 * i] + x[4 * i + 1] * x[4 * i + 1]) / 2;
    for (const Spring& s : springs_) {
      const double longer = std::hypot(across(x, s, 0), across(x, s, 1)) - s.length;
      sum += options_.stiffness * longer * longer / 2;
    }
    return sum;
  }

 private:
  Shape shape() const { return {options_.rows, options_.columns, 4}; }
  Index particles() const { return options_.rows * options_.columns; }
  /// Particles that move are the first ones.
  Index moving() const { return particles() - (options_.hung ? options_.columns : 0); }

  /// A spring from (r, c) to the neighbour so far away, if there is one.
  void join(Index r, Index c, Index down, Index right) {
    const Index row = r + down, column = c + right;
    if (row >= options_.rows || column < 0 || column >= options_.columns) return;
    const auto x = static_cast<double>(right), y = static_cast<double>(down);
    springs_.push_back(
        {r * options_.columns + c, row * options_.columns + column, x, y, std::hypot(x, y)});
  }

  /// Along an axis, from one end of a spring to the other.
  static double across(const Tensor<double>& x, const Spring& s, Index axis) {
    return (axis == 0 ? s.x : s.y) + x[4 * s.b + 2 + axis] - x[4 * s.a + 2 + axis];
  }

  void forces(const Tensor<double>& x, Tensor<double>& force) const {
    force.fill(0);
    for (const Spring& s : springs_) {
      const double dx = across(x, s, 0), dy = across(x, s, 1), length = std::hypot(dx, dy);
      // two particles in one place do not pull each other anywhere
      const double pull = length > 0 ? options_.stiffness * (length - s.length) / length : 0;
      force(s.a, 0) += pull * dx, force(s.a, 1) += pull * dy;
      force(s.b, 0) -= pull * dx, force(s.b, 1) -= pull * dy;
    }
  }

  Options options_;
  std::vector<Spring> springs_;
};

}  // namespace foglift::inline v0::forecast
