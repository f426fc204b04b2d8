#pragma once

#include "foglift/diffusion/solver/parts/between.hpp"
#include "foglift/diffusion/solver/parts/phi.hpp"
#include "foglift/diffusion/solver/parts/quadrature.hpp"

namespace foglift::inline v0::solver {

/// Steps that are exact for an output that is a polynomial in lambda = ln(alpha / sigma), of the
/// probability-flow ODE (eta = 0) and of the reverse SDEs with its marginals, eta times as noisy as
/// the time reversal. With h the length of the step in lambda, k = 1 + eta, q = e^{-h}:
///   data    x' = (sigma'/sigma) q^eta x + alpha' k int e^{-k (lambda' - l)} x0(l) dl
///                + sigma' sqrt(1 - q^(2 eta)) z                  (Lu et al. 2022b, eq. 8, 18)
///   noise   x' = (alpha'/alpha) x - k sigma' int e^{lambda' - l} eps(l) dl
///                + (sigma'/q) sqrt(eta (1 - q^2)) z              (Lu et al. 2022a, eq. 3.4)
/// so with z = -k h or h the moments are |z| n! phi_{n+1}(z). The published rules, DPM-Solver and
/// DPM-Solver++ in single and many steps, their SDE forms, DEIS in log rho, UniPC, RES and
/// SA-Solver, differ in the outputs they take and, some, in Weights.
struct Exponential {
  Prediction prediction = Prediction::data;
  Weights weights = Weights::midpoint;
  double eta = 0;

  /// Throws ArgumentError unless eta is finite, at least 0, and 0 in a step towards noise.
  Quadrature over(const Level& from, const Level& to) const {
    if (!(eta >= 0 && std::isfinite(eta)))
      raise<ArgumentError>("solver::Exponential: eta = ", eta, ", needed finite, at least 0");
    // q > 1 is a step towards noise, as encoding takes it: h and dl are negative, and the moments'
    // kernel is the other one.
    const double q = correlation(from, to), h = -std::log(q);
    const bool back = q > 1;
    if (back && eta != 0)
      raise<ArgumentError>("solver::Exponential: eta = ", eta,
                           " in a step towards noise, needed 0");
    Quadrature out;
    out.form = weights;
    out.endless = q == 0 || std::isinf(q);
    if (prediction == Prediction::noise && !out.endless) {
      const double scale = to.alpha * from.sigma / from.alpha;  // sigma' / q, finite at sigma' = 0
      out.prediction = Prediction::noise;
      out.keep = to.alpha / from.alpha;
      out.gain = back ? to.sigma : -(1 + eta) * scale;
      out.noise = scale * std::sqrt(eta * -std::expm1(-2 * h));
      out.moments = exponential_moments<most_nodes>(h);
      out.length = back ? -h : h * q;
    } else {
      out.keep = to.sigma / from.sigma * std::pow(q, eta);
      out.gain = back ? -from.alpha * to.sigma / from.sigma : to.alpha;
      out.noise = eta == 0 ? 0 : to.sigma * std::sqrt(-std::expm1(-2 * eta * h));
      out.moments = exponential_moments<most_nodes>(-(1 + eta) * h);
      out.length = back ? -h / q : (1 + eta) * h;
    }
    return out;
  }

  /// Where an output made at `at` stands on the step.
  double position(const Level& at, std::size_t, const Level& from, const Level& to) const {
    return std::log(correlation(at, from)) / -std::log(correlation(from, to));
  }

  /// A step of its own, from the output m0 at `from` alone, in stages: see DpmSingle, of order
  /// min(Order, 3). Without noise, whatever eta.
  template <int Order, Scalar T, class D>
  Tensor<T> single(Tensor<T> x, const Tensor<T>& m0, const Level& from, const Level& to,
                   const D& denoise) const;
};

/// Where the stages of a step ask the denoiser, as parts of its length in lambda.
struct Stages {
  double r1 = 0.5, r2 = 2.0 / 3;

  /// By how much more the state at r2 counts the slope from r1 than its integral, r2^2 / 2, says.
  /// With weights b1, b2 of m1, m2 the states' errors of order h^2 enter the step by
  ///   b1 r1^2 / 2 + b2 (1 - lead) r2^2 / 2,
  /// which order 3 needs to vanish (Hochbruck & Ostermann 2005, section 5.2); for short
  /// steps b1 = (r2 / 2 - 1/3) / (r1 (r2 - r1)), b2 = (1/3 - r1 / 2) / (r2 (r2 - r1)). 1 for r2 =
  /// 2/3, where b1 is 0; without bound at r1 = 2/3, where b2 is.
  double lead() const {
    return std::abs(r2 - 2.0 / 3) <= 1e-12 ? 1 : 2 * (r2 - r1) / (r2 * (2 - 3 * r1));
  }
};
template <int Order>
inline constexpr Stages default_stages = Order >= 3 ? Stages{1.0 / 3, 2.0 / 3} : Stages{};

/// One step of order 1, 2 or 3 of the probability-flow ODE with that many evaluations, the first of
/// which is m0 at `from` (Lu et al. 2022a, algorithms 1 and 2; 2022b, algorithm 1):
///   2   m1 at r1; weights of {m0, m1}
///   3   m1 at r1; m2 at r2 from {m0, m1}, see Stages::lead; weights of {m0, m2} where they are not
///       exact, which needs r2 = 2/3, and of {m0, m1, m2} where they are
/// Needs a `from` with signal and a `to` with noise.
template <int Order, Scalar T, class D>
Tensor<T> single_step(Exponential rule, Tensor<T> x, const Tensor<T>& m0, const Level& from,
                      const Level& to, const D& denoise, const Stages& stages) {
  static_assert(Order >= 1 && Order <= 3, "single_step: orders 1 to 3");
  rule.eta = 0;
  const double first = from.lambda(), h = -std::log(correlation(from, to));
  const auto at = [&](double r) { return between(from, to, first + r * h); };
  using Outputs2 = std::array<const Tensor<T>*, 2>;
  const Quadrature whole = rule.over(from, to);
  if constexpr (Order == 1) {
    return apply(whole, std::move(x), std::array{0.0}, std::array{&m0});
  } else {
    const Level l1 = at(stages.r1);
    const Tensor<T> x1 = apply(rule.over(from, l1), x, std::array{0.0}, std::array{&m0});
    const Tensor<T> m1 = output(rule.prediction, x1, denoise, l1);
    if constexpr (Order == 2) {
      return apply(whole, std::move(x), std::array{0.0, stages.r1}, Outputs2{&m0, &m1});
    } else {
      const bool three = rule.weights == Weights::exact;
      rule.weights = Weights::exact;
      const Level l2 = at(stages.r2);
      Quadrature second = rule.over(from, l2);
      second.moments[1] *= stages.lead();
      const Tensor<T> x2 =
          apply(second, x, std::array{0.0, stages.r1 / stages.r2}, Outputs2{&m0, &m1});
      const Tensor<T> m2 = output(rule.prediction, x2, denoise, l2);
      const Quadrature last = rule.over(from, to);
      if (!three) return apply(last, std::move(x), std::array{0.0, stages.r2}, Outputs2{&m0, &m2});
      return apply(last, std::move(x), std::array{0.0, stages.r1, stages.r2},
                   std::array<const Tensor<T>*, 3>{&m0, &m1, &m2});
    }
  }
}

template <int Order, Scalar T, class D>
Tensor<T> Exponential::single(Tensor<T> x, const Tensor<T>& m0, const Level& from, const Level& to,
                              const D& denoise) const {
  constexpr int own = Order < 3 ? Order : 3;
  return single_step<own>(*this, std::move(x), m0, from, to, denoise, default_stages<own>);
}

}  // namespace foglift::inline v0::solver
