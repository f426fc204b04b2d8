#pragma once

#include "foglift/autograd/tape.hpp"
#include "foglift/core/rng.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <ostream>
#include <span>
#include <string>
#include <vector>

namespace foglift::inline v0 {

/// How a gradient is compared with finite differences.
struct GradcheckOptions {
  /// Central differences of 2 points have error h^2 f'''/6 + eps |f| / h: about 1e-10 at h = 1e-5.
  /// With 4 points, h^4 f'''''/30 + eps |f| / h: for steep functions, with a step near 1e-3.
  int points = 2;
  double step = 1e-5;
  /// At most this many entries of each input are perturbed, drawn at random; 0 is all of them.
  Index max_entries = 0;
  /// Seeds the projection of the output and the choice of entries.
  std::uint64_t seed = 1;
};

/// The worst entry of a gradient check; a test asks for a small max_error.
struct GradcheckReport {
  /// max |analytic - numeric| / max(1, |analytic|, |numeric|); infinite where either is not finite.
  double max_error = 0;
  std::string input;  ///< which input or parameter
  Index entry = -1;   ///< flat index in it
  double analytic = 0, numeric = 0;
  Index checked = 0;  ///< number of entries compared

  friend std::ostream& operator<<(std::ostream& out, const GradcheckReport& r) {
    out << "max error " << r.max_error << " over " << r.checked << " entries";
    if (r.entry >= 0)
      out << "; at " << r.input << '[' << r.entry << "]: analytic " << r.analytic << ", numeric "
          << r.numeric;
    return out;
  }
};

namespace detail {

/// <y, r> for fixed standard normal r: one number that depends on every element of the output.
inline double project(const Tensor<double>& y, const Tensor<double>& r) {
  double sum = 0;
  for (Index i = 0; i < y.size(); ++i) sum += y[i] * r[i];
  return sum;
}

/// The fixed direction that outputs of a shape are projected on.
inline Tensor<double> projection(const Shape& shape, const GradcheckOptions& options) {
  auto r = Tensor<double>::uninitialized(shape);
  Rng(options.seed).fill_normal(r.span(), 0, 0);
  return r;
}

/// d f / d at, by central differences; f reads the perturbed number.
template <class F>
double central_difference(double& at, const F& f, const GradcheckOptions& options) {
  const double x = at, h = options.step;
  const auto difference = [&](double d) {
    at = x + d;
    const double up = f();
    at = x - d;
    const double down = f();
    at = x;
    return (up - down) / (2 * d);
  };
  if (options.points == 2) return difference(h);
  return (4 * difference(h) - difference(2 * h)) / 3;  // Richardson: the h^2 term cancels
}

/// Compares `analytic` (nullptr is zero) with differences of f over entries of x.
template <class F>
void check_entries(GradcheckReport& report, const std::string& name, Tensor<double>& x,
                   const Tensor<double>* analytic, const F& f, const GradcheckOptions& options) {
  const bool all = options.max_entries <= 0 || options.max_entries >= x.size();
  const Rng pick = Rng(options.seed).stream(2);
  for (Index i = 0, n = all ? x.size() : options.max_entries; i < n; ++i) {
    const Index e = all ? i
                        : pick.index(x.size(), static_cast<std::uint64_t>(i),
                                     static_cast<std::uint32_t>(report.checked));
    const double a = analytic ? (*analytic)[e] : 0;
    const double d = central_difference(x[e], f, options);
    double error = std::abs(a - d) / std::max({1.0, std::abs(a), std::abs(d)});
    if (!std::isfinite(a) || !std::isfinite(d)) error = std::numeric_limits<double>::infinity();
    if (error > report.max_error || report.entry < 0) {
      report.max_error = error;
      report.input = name;
      report.entry = e;
      report.analytic = a;
      report.numeric = d;
    }
    ++report.checked;
  }
}

inline void check_options(const GradcheckOptions& options) {
  if ((options.points != 2 && options.points != 4) || !(options.step > 0))
    raise<ArgumentError>("gradcheck: ", options.points, " points and step ", options.step,
                         ", needed are 2 or 4 points and a positive step");
}

}  // namespace detail

/// Compares the gradients of f with central differences at `inputs`, in double. f maps a
/// std::span<const Var<double>> (one variable an input, all on one tape) to a Var<double>, and must
/// be deterministic; an output of any shape is projected on a fixed random tensor first.
/// Throws ArgumentError for options out of range.
///
///   auto f = [](std::span<const Var<double>> in) { return silu(in[0]) * in[1]; };
///   const double error = gradcheck(f, {rng.normal<double>({4, 3}),
///   rng.normal<double>({3})}).max_error;
template <class F>
GradcheckReport gradcheck(const F& f, std::vector<Tensor<double>> inputs,
                          const GradcheckOptions& options = {}) {
  detail::check_options(options);
  const auto on = [&](Tape<double>& tape, bool differentiate) {
    std::vector<Var<double>> vars;
    for (const Tensor<double>& x : inputs)
      vars.push_back(differentiate ? tape.variable(x) : tape.constant(x));
    return vars;
  };
  Tape<double> tape;
  const std::vector<Var<double>> vars = on(tape, true);
  const Var<double> y = f(std::span<const Var<double>>(vars));
  const Tensor<double> r = detail::projection(y.shape(), options);
  const Gradients<double> gradients = tape.backward(y, r);

  const auto value = [&] {
    Tape<double> scratch;
    const std::vector<Var<double>> constants = on(scratch, false);
    return detail::project(f(std::span<const Var<double>>(constants)).value(), r);
  };
  GradcheckReport report;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    detail::check_entries(report, "input " + std::to_string(i), inputs[i], gradients.find(vars[i]),
                          value, options);
  return report;
}

}  // namespace foglift::inline v0
