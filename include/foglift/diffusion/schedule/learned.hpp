#pragma once

#include "foglift/autograd/ops/activation.hpp"
#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/autograd/ops/linear.hpp"
#include "foglift/autograd/ops/pointwise.hpp"
#include "foglift/autograd/ops/shape_ops.hpp"
#include "foglift/autograd/value.hpp"
#include "foglift/core/rng.hpp"
#include "foglift/diffusion/schedule/log_snr.hpp"

#include <algorithm>
#include <cmath>
#include <concepts>
#include <utility>

namespace foglift::inline v0::schedule {

/// lambda(t) learned by gradient (Kingma et al. 2021, appendix H): with weights made positive by
/// abs,
///   raw(t) = |a| t + sum_k |v_k| sigmoid(|u_k| t + c_k)
/// rises, and lambda = first + (last - first) (raw(t) - raw(0)) / (raw(1) - raw(0)) goes from the
/// parameter `first` at t = 0 to `last` at t = 1. It begins close to a straight line. A Module, and
/// a LogSnrCurve as long as training keeps first > last:
///   schedule::LogSnr schedule(curve);    a copy to sample with
template <Scalar T = float>
class LearnedCurve {
 public:
  using value_type = T;
  Parameter<T> ends;                        // [2, 1]: lambda at t = 0 and at t = 1
  Parameter<T> straight, in, in_bias, out;  // [1, 1], [1, K], [K], [K, 1]

  struct Options {
    double min = -2.5, max = 6.65;
    Index width = 128;
  };
  /// Throws ArgumentError unless max > min, both finite, and width > 0.
  LearnedCurve(Options o, Rng& rng) {
    detail::checked(LogSnrRange{o.min, o.max}, "schedule::LearnedCurve");
    if (o.width < 1) raise<ArgumentError>("schedule::LearnedCurve: width ", o.width);
    ends.value = Tensor<T>({2, 1}, {static_cast<T>(o.max), static_cast<T>(o.min)});
    straight.value = Tensor<T>({1, 1}, T(1));
    // Sigmoids that turn anywhere in [0, 1], together a tenth of the straight part.
    const auto u = rng.split().template uniform<double>({3, o.width});
    in.value = Tensor<T>({1, o.width});
    in_bias.value = Tensor<T>(Shape{o.width});
    out.value = Tensor<T>({o.width, 1});
    for (Index k = 0; k < o.width; ++k) {
      const double steep = 2 + 10 * u(0, k);
      in.value[k] = static_cast<T>(steep);
      in_bias.value[k] = static_cast<T>(-steep * u(1, k));
      out.value[k] = static_cast<T>(0.1 * (0.5 + u(2, k)) / static_cast<double>(o.width));
    }
  }

  /// lambda at times t [B, 1], shape [B, 1], to be differentiated by the parameters (and by t).
  template <Value X>
    requires std::same_as<scalar_of<X>, T>
  X operator()(const X& t) const {
    const X zero = raw(constant(Tensor<T>({1, 1}, T(0)), t)),
            one = raw(constant(Tensor<T>({1, 1}, T(1)), t));
    const X part = (raw(t) - zero) / (one - zero);
    const X first = slice(use(ends, t), 0, 0, 1), last = slice(use(ends, t), 0, 1, 1);
    return first + (last - first) * part;
  }

  double lambda(double t) const {
    const double zero = raw_at(0).first;
    return end(0) + (end(1) - end(0)) * (raw_at(t).first - zero) / (raw_at(1).first - zero);
  }
  double slope(double t) const {
    return (end(1) - end(0)) * raw_at(t).second / (raw_at(1).first - raw_at(0).first);
  }
  double time(double value) const {
    return detail::falling_to(value, [&](double t) { return lambda(t); });
  }

  FOGLIFT_CHILDREN(ends, straight, in, in_bias, out);

 private:
  double end(Index i) const { return static_cast<double>(ends.value[i]); }

  template <class X>
  X raw(const X& t) const {
    const X bent = sigmoid(linear(t, abs(use(in, t)), use(in_bias, t)));
    return linear(t, abs(use(straight, t))) + linear(bent, abs(use(out, t)));
  }
  /// raw(t) and its derivative, in double.
  std::pair<double, double> raw_at(double t) const {
    double value = std::abs(double{straight.value[0]}) * t,
           slope = std::abs(double{straight.value[0]});
    for (Index k = 0; k < in.value.size(); ++k) {
      const double u = std::abs(double{in.value[k]}), v = std::abs(double{out.value[k]});
      const double s = 1 / (1 + std::exp(-(u * t + double{in_bias.value[k]})));
      value += v * s;
      slope += v * u * s * (1 - s);
    }
    return {value, slope};
  }
};

}  // namespace foglift::inline v0::schedule
