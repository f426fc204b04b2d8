#pragma once

#include "foglift/diffusion/solver/parts/multistep.hpp"
#include "foglift/diffusion/solver/parts/solver.hpp"

#include <array>
#include <cmath>

namespace foglift::inline v0::solver {

/// Extended reverse-time SDE solvers (Cui et al. 2023, algorithm 1, "ER-SDE-Solver") of 1 to 3
/// stages, one evaluation a step: the SDE whose noise is set by phi(s) = s (e^(s^0.3) + 10), s =
/// sigma / alpha, its linear part solved exactly and x0 interpolated in s. With r = phi(s') /
/// phi(s) and z = x / alpha,
///   z' = r z + int_{s'}^{s} phi(s') phi'(u) / phi(u)^2 x0(u) du + sqrt(s'^2 - s^2 r^2) noise.
/// The interpolation is that of all past outputs used; printed code estimates the slope at three
/// stages by two of them. phi >= 10 s keeps the root real; r < s' / s. A step to clean data or
/// from pure noise is of first order.
template <int Stages = 3>
struct ErSde {
  static_assert(Stages >= 1 && Stages <= 3, "ErSde: 1 to 3 stages");
  Ending end = Ending::full_order;

  static constexpr const char* name = "er-sde";
  static constexpr int order = always_noisy, weak_order = Stages < 2 ? 1 : 2, evaluations = 1;

  template <Scalar T>
  auto start(const TimeGrid& grid) const {
    return start_multistep<Stages, 0, T>(grid);
  }
  template <Scalar T, Denoiser<T> D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise,
                 const StepRng& rng, MultistepMemory<T, std::size_t{Stages}>& memory) const {
    return multistep<Stages>(Rule{}, {Start::lower_order, end, Outputs::all}, std::move(x), from,
                             to, denoise, rng, memory);
  }

  /// ln phi(s), and its derivative in ln s.
  struct Scale {
    double log, slope;
    explicit Scale(double s) {
      const double power = std::pow(s, 0.3),
                   rest = 10 * std::exp(-power);  // phi / s = e^power + 10
      log = std::log(s) + power + std::log1p(rest);
      slope = 1 + 0.3 * power / (1 + rest);
    }
  };

 private:
  struct Rule {
    Quadrature over(const Level& from, const Level& to) const {
      Quadrature out;
      out.gain = to.alpha;
      out.endless = from.alpha == 0 || to.sigma == 0;
      if (out.endless) {  // r = 0
        out.keep = 0;
        out.noise = to.sigma;
        return out;
      }
      const double s = from.ratio(), last = to.ratio();
      const double log_last = Scale(last).log, log_r = log_last - Scale(s).log;
      const double r = std::exp(log_r), ratio = r * s / last;
      out.keep = to.alpha / from.alpha * r;
      out.noise = to.sigma * std::sqrt((1 - ratio) * (1 + ratio));
      out.moments[0] = -std::expm1(log_r);
      integrate(s, last, log_last, out.moments);
      return out;
    }

    /// moments[n] = int phi(s') phi'(u) / phi(u)^2 w^n du, w = (s - u) / (s - s'), for the n > 0
    /// that are used, in v = ln u: by Gauss's rule of 8 points on panels shorter than 1, where it
    /// has an error of rounding.
    static void integrate(double s, double last, double log_last,
                          std::array<double, most_nodes>& moments) {
      constexpr std::array x{0.1834346424956498, 0.5255324099163290, 0.7966664774136267,
                             0.9602898564975363};
      constexpr std::array weight{0.3626837833783620, 0.3137066458778873, 0.2223810344533745,
                                  0.1012285362903763};
      const double span = std::log(s / last), panels = std::ceil(span), half = 0.5 * span / panels;
      for (double panel = 0; panel < panels; ++panel)
        for (std::size_t i = 0; i < 2 * x.size(); ++i) {
          const double at = i % 2 ? x[i / 2] : -x[i / 2];
          const double u = last * std::exp(half * (2 * panel + 1 + at)), w = (s - u) / (s - last);
          const Scale scale(u);
          double term = half * weight[i / 2] * scale.slope * std::exp(log_last - scale.log);
          for (std::size_t n = 1; n < Stages; ++n) moments[n] += term *= w;
        }
    }

    double position(const Level& at, std::size_t, const Level& from, const Level& to) const {
      const double s = from.ratio();
      return (at.ratio() - s) / (to.ratio() - s);
    }
  };
};

}  // namespace foglift::inline v0::solver
