#pragma once

#include "golden.hpp"

namespace golden {

/// Multistep rules that are exact for outputs m that are polynomials in lambda, one element at a
/// time, with the integrals by quadrature and the polynomial by Neville's scheme: with k = 1 + eta,
///   x0    x' = (sigma'/sigma) e^(-eta h) x + alpha' k int e^(-k (lambda' - l)) m(l) dl + noise
///   eps   x' = (alpha'/alpha) x - k sigma' int e^(lambda' - l) m(l) dl + noise.
/// A corrector takes a step once more, with the output made at its end for one more node and the
/// same noise, before the next step begins.
struct ExactSteps {
  std::size_t outputs = 2;
  bool data = true;
  double eta = 0;
  /// Fewer outputs in the last steps: ..., 3, 2, 1.
  bool lower_at_end = true;
  /// Outputs of the corrector, that at the end among them; 0: none.
  std::size_t corrector = 0;
  /// Weight of the second difference in (l - l0)^2, 1 for the exact integral, of three outputs.
  double third = 1;

  Tensor<double> run(const Case& c) const {
    const Index n = c.states.dim(1);
    Tensor<double> out(c.states.shape());
    for (Index j = 0; j < n; ++j) element(c, j, out);
    return out;
  }

 private:
  struct Output {
    double lambda, m;
  };

  void element(const Case& c, Index j, Tensor<double>& out) const {
    const Index n = c.states.dim(1), steps = c.states.dim(0) - 1;
    double x = c.states[j], before = 0;  // the state, and that at the step's start
    std::vector<Output> past;            // latest first
    std::size_t correct_with = 0;
    out[j] = x;
    for (Index i = 0; i < steps; ++i) {
      const Level &from = c.grid[static_cast<std::size_t>(i)],
                  &to = c.grid[static_cast<std::size_t>(i + 1)];
      const auto noise = [&](Index k) { return eta > 0 ? c.noise[k * n + j] : 0.0; };
      const double x0 = Mixture::at(x, from.alpha, from.sigma);
      past.insert(past.begin(), {from.lambda(), data ? x0 : (x - from.alpha * x0) / from.sigma});
      if (correct_with > 0)
        x = step(before, c.grid[static_cast<std::size_t>(i - 1)], from, past, correct_with,
                 noise(i - 1));
      const std::size_t left =
          lower_at_end ? static_cast<std::size_t>(steps - i) : std::size_t{1000};
      before = x;
      x = to.sigma == 0 ? past[0].m
                        : step(x, from, to, past, std::min({outputs, past.size(), left}), noise(i));
      if (corrector > 0) correct_with = std::min({corrector, past.size() + 1, left + 1});
      out[(i + 1) * n + j] = x;
    }
  }

  double step(double x, const Level& from, const Level& to, const std::vector<Output>& past,
              std::size_t count, double z) const {
    const double first = from.lambda(), last = to.lambda(), h = last - first, k = 1 + eta;
    double sum = 0;
    // Gauss & Legendre's five points on 100 equal parts: exact to rounding for these integrands.
    constexpr std::array<double, 5> nodes{0, 0.5384693101056831, -0.5384693101056831,
                                          0.9061798459386640, -0.9061798459386640},
        weights{0.5688888888888889, 0.4786286704993665, 0.4786286704993665, 0.2369268850561891,
                0.2369268850561891};
    for (int part = 0; part < 100; ++part)
      for (std::size_t g = 0; g < 5; ++g) {
        const double l = first + h * (part + 0.5 + 0.5 * nodes[g]) / 100;
        const double kernel = data ? std::exp(-k * (last - l)) : std::exp(last - l);
        sum += weights[g] * h / 200 * k * kernel * output(l, past, count);
      }
    if (data)
      return to.sigma / from.sigma * std::exp(-eta * h) * x + to.alpha * sum +
             to.sigma * std::sqrt(-std::expm1(-2 * eta * h)) * z;
    return to.alpha / from.alpha * x - to.sigma * sum +
           to.sigma * std::sqrt(eta * std::expm1(2 * h)) * z;
  }

  /// The polynomial through the latest `count` outputs, at l.
  double output(double l, const std::vector<Output>& past, std::size_t count) const {
    std::vector<double> p;
    for (std::size_t k = 0; k < count; ++k) p.push_back(past[k].m);
    for (std::size_t d = 1; d < count; ++d)
      for (std::size_t k = 0; k + d < count; ++k) {
        const double a = past[k].lambda, b = past[k + d].lambda;
        p[k] = ((l - b) * p[k] - (l - a) * p[k + 1]) / (a - b);
      }
    if (count != 3 || third == 1) return p[0];
    const auto slope = [&](std::size_t k) {
      return (past[k].m - past[k + 1].m) / (past[k].lambda - past[k + 1].lambda);
    };
    const double second = (slope(0) - slope(1)) / (past[0].lambda - past[2].lambda);
    return p[0] - (1 - third) * second * (l - past[0].lambda) * (l - past[0].lambda);
  }
};

}  // namespace golden
