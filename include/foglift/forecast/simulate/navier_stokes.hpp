#pragma once

#include "foglift/forecast/simulate/fourier.hpp"
#include "foglift/forecast/simulate/simulator.hpp"

#include <utility>

namespace foglift::inline v0::forecast {

struct NavierStokesOptions {
  Index points = 32;  ///< along each side of the torus [0, 2 pi)^2; a power of 2
  double viscosity = 1e-2;
  double forcing = 0;      ///< amplitude of a force on the vorticity, cos(forced y)
  Index forced = 4;        ///< its wave number
  double interval = 0.25;  ///< time between snapshots
  Index substeps = 10;     ///< a time step times the fastest speed should be below the spacing
  Index modes = 4;         ///< of initial states: wave numbers up to this
  double vorticity = 1;    ///< root of its mean square in initial states, on average
};

/// The flow of a fluid in two dimensions by its vorticity, w_t + u . grad w = nu lap w + force:
/// states [points, points, 1], first y and then x; the mean velocity is 0. Derivatives are exact
/// for the wave numbers below a third of the points, beyond which states are cut (Orszag 1971), so
/// that energy and enstrophy are kept without viscosity but for the time step; in time the
/// classical rule of Runge and Kutta behind the exact decay by viscosity (an integrating factor).
class NavierStokes {
 public:
  using Options = NavierStokesOptions;

  /// Throws ArgumentError for options out of range.
  explicit NavierStokes(const Options& o) : options_(o), fourier_(o.points) {
    const Index most = (o.points - 1) / 3;
    if (!(o.viscosity >= 0 && std::isfinite(o.forcing) && o.forced >= 1 && o.forced <= most &&
          o.interval > 0 && o.substeps >= 1 && o.modes >= 1 && o.modes <= most && o.vorticity > 0))
      raise<ArgumentError>("NavierStokes: points ", o.points, ", viscosity ", o.viscosity,
                           ", forcing ", o.forcing, " of wave number ", o.forced, ", interval ",
                           o.interval, ", substeps ", o.substeps, ", modes ", o.modes,
                           ", vorticity ", o.vorticity,
                           "; needed finite numbers that are not negative, wave numbers from 1 to ",
                           most, ", and positive steps");
    const double dt = o.interval / static_cast<double>(o.substeps);
    for (Index y = 0; y < o.points; ++y)
      for (Index x = 0; x < o.points; ++x) {
        const double ky = wave(y), kx = wave(x), square = kx * kx + ky * ky;
        const auto limit = static_cast<double>(most);
        const bool kept = std::abs(kx) <= limit && std::abs(ky) <= limit && square > 0;
        gradients_.emplace_back(kept ? Complex(kx, ky) : Complex());
        decays_.push_back(std::exp(-o.viscosity * square * dt / 2));
      }
  }

  const Options& options() const { return options_; }

  /// Waves of normal weights, each wave number as likely as any.
  Tensor<double> initial(const Rng& rng, std::uint64_t sample) const {
    const Index n = options_.points, width = options_.modes;
    const Tensor<double> z = rng.normal<double>({1, (2 * width + 1) * (2 * width + 1), 2}, sample);
    Field w(static_cast<std::size_t>(n * n));
    Index used = 0, at = 0;
    for (Index ky = -width; ky <= width; ++ky)
      for (Index kx = -width; kx <= width; ++kx, ++at) {
        const bool inside = kx * kx + ky * ky <= width * width && (kx != 0 || ky != 0);
        if (!inside) continue;
        w[static_cast<std::size_t>((ky + n) % n * n + (kx + n) % n)] = {z(0, at, 0), z(0, at, 1)};
        ++used;
      }
    fourier_.back(w);
    // the real part of each wave of normal weights has the variance 1
    const double scale =
        options_.vorticity * static_cast<double>(n * n) / std::sqrt(static_cast<double>(used));
    Tensor<double> out({n, n, 1});
    for (Index i = 0; i < out.size(); ++i) out[i] = scale * w[static_cast<std::size_t>(i)].real();
    return out;
  }

  /// Throws ShapeError for a state of another shape.
  void advance(Tensor<double>& state) const {
    Field w = spectrum(state), a, b, c, at(w.size());
    for (Index s = 0; s < options_.substeps; ++s) step(w, a, b, c, at);
    fourier_.back(w);
    for (Index i = 0; i < state.size(); ++i) state[i] = w[static_cast<std::size_t>(i)].real();
  }

  /// Half of the mean square of the velocity.
  double energy(const Tensor<double>& state) const {
    const Field w = spectrum(state);
    double sum = 0;
    for (std::size_t i = 0; i < w.size(); ++i)
      if (const double square = std::norm(gradients_[i]); square > 0)
        sum += std::norm(w[i]) / square;
    const auto all = static_cast<double>(w.size());
    return sum / (2 * all * all);
  }

 private:
  using Complex = Fourier::Complex;
  using Field = pool::Vector<Complex>;

  double wave(Index i) const {
    return static_cast<double>(2 * i <= options_.points ? i : i - options_.points);
  }

  Field spectrum(const Tensor<double>& state) const {
    const Shape shape{options_.points, options_.points, 1};
    if (state.shape() != shape)
      raise<ShapeError>("NavierStokes: a state ", state.shape(), ", needed ", shape);
    Field w(state.begin(), state.end());
    fourier_.forward(w);
    for (std::size_t i = 0; i < w.size(); ++i)
      if (gradients_[i] == Complex()) w[i] = 0;
    return w;
  }

  /// One time step; the rest is memory.
  void step(Field& w, Field& a, Field& b, Field& c, Field& at) const {
    const double dt = options_.interval / static_cast<double>(options_.substeps);
    const std::size_t n = w.size();
    rate(w, a);
    for (std::size_t i = 0; i < n; ++i) at[i] = decays_[i] * (w[i] + dt / 2 * a[i]);
    rate(at, b);
    for (std::size_t i = 0; i < n; ++i) at[i] = decays_[i] * w[i] + dt / 2 * b[i];
    rate(at, c);
    for (std::size_t i = 0; i < n; ++i) {
      const double e = decays_[i];
      at[i] = e * (e * w[i] + dt * c[i]);
      w[i] = e * (e * (w[i] + dt / 6 * a[i]) + dt / 3 * (b[i] + c[i]));
    }
    rate(at, a);
    for (std::size_t i = 0; i < n; ++i) w[i] += dt / 6 * a[i];
  }

  /// out = force - u . grad w, of spectra. Two real fields travel as one complex one: with g = kx +
  /// i ky, u + i v has the spectrum g w / |g|^2, and w_x + i w_y has i g w.
  void rate(const Field& w, Field& out) const {
    const std::size_t n = w.size();
    out.resize(n);
    Field velocity(n);
    for (std::size_t i = 0; i < n; ++i) {
      const Complex g = gradients_[i];
      const Complex turned(g.real() * w[i].real() - g.imag() * w[i].imag(),
                           g.real() * w[i].imag() + g.imag() * w[i].real());
      const double square = std::norm(g);
      velocity[i] = square > 0 ? turned / square : 0;
      out[i] = {-turned.imag(), turned.real()};
    }
    fourier_.back(velocity);
    fourier_.back(out);
    for (std::size_t i = 0; i < n; ++i)
      out[i] = -(velocity[i].real() * out[i].real() + velocity[i].imag() * out[i].imag());
    fourier_.forward(out);
    for (std::size_t i = 0; i < n; ++i)
      if (gradients_[i] == Complex()) out[i] = 0;
    const double half = options_.forcing * static_cast<double>(n) / 2;
    out[static_cast<std::size_t>(options_.forced * options_.points)] += half;
    out[static_cast<std::size_t>((options_.points - options_.forced) * options_.points)] += half;
  }

  Options options_;
  Fourier fourier_;
  pool::Vector<Complex> gradients_;  // kx + i ky, 0 where states are cut
  pool::Vector<double> decays_;      // by viscosity in half a time step
};

}  // namespace foglift::inline v0::forecast
