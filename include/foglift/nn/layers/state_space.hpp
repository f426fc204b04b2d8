#pragma once

#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/autograd/ops/reduce.hpp"
#include "foglift/autograd/ops/scan.hpp"
#include "foglift/nn/layers/init.hpp"
#include "foglift/nn/module.hpp"

#include <cmath>
#include <numbers>
#include <optional>

namespace foglift::inline v0::nn {

struct StateSpaceOptions {
  Index channels = 0;
  Index modes = 32;                    ///< N a channel; complex ones stand for conjugate pairs
  bool complex = true;                 ///< S4D-Lin; else S4D-Real
  double dt_min = 1e-3, dt_max = 0.1;  ///< steps at the start, drawn log-uniform for each channel
};

/// What a state-space layer returns.
template <Value X>
struct StateSpaceOutput {
  X sequence;  ///< [B, L, channels]
  X state;     ///< [B, parts * channels * modes], to go on from
};

/// Diagonal state-space layer (S4D; Gu et al. 2022, "On the parameterization and initialization of
/// diagonal state space models"): each channel u is the input of N modes h' = A h + u, discretized
/// by a zero-order hold with a learned step, and y = 2 Re(C h) + D u, or C h + D u for real modes.
/// A = -exp(log_a) + i a_im starts at -1/2 + i pi n (S4D-Lin) or -(n + 1) (S4D-Real). It runs as a
/// recurrence (linear_scan), over any length, and goes on from the state of an earlier call.
template <Scalar T = float>
class StateSpace : public Layer<T, StateSpaceOptions> {
 public:
  Parameter<T> log_dt;               ///< [channels]
  Parameter<T> log_a;                ///< [channels, modes]
  std::optional<Parameter<T>> a_im;  ///< [channels, modes]
  Parameter<T> c;                    ///< [parts, channels, modes]
  Parameter<T> d;                    ///< [channels]

  /// Throws ArgumentError for an extent that is not positive, or steps that are not 0 < dt_min <=
  /// dt_max.
  explicit StateSpace(const StateSpaceOptions& o, Rng& rng) : options_(o) {
    detail::need_positive("StateSpace", {{"channels", o.channels}, {"modes", o.modes}});
    if (!(o.dt_min > 0 && o.dt_max >= o.dt_min))
      raise<ArgumentError>("StateSpace: steps from ", o.dt_min, " to ", o.dt_max,
                           ", needed is 0 < dt_min <= dt_max");
    const double low = std::log(o.dt_min), high = std::log(o.dt_max);
    log_dt = uniform_parameter<T>({o.channels}, 1, rng);
    for (T& v : log_dt.value)
      v = static_cast<T>(low + (high - low) * (static_cast<double>(v) + 1) / 2);
    const Shape modes{o.channels, o.modes};
    log_a = Parameter<T>(Tensor<T>(modes));
    if (o.complex) a_im = Parameter<T>(Tensor<T>(modes));
    for (Index i = 0; i < modes.size(); ++i) {
      const auto n = static_cast<double>(i % o.modes);
      log_a.value[i] = static_cast<T>(o.complex ? std::log(0.5) : std::log(n + 1));
      if (a_im) a_im->value[i] = static_cast<T>(std::numbers::pi * n);
    }
    // Re and Im of variance 1/2 each, so that |C| is 1 on average.
    c = normal_parameter<T>({parts(), o.channels, o.modes}, std::sqrt(1.0 / double(parts())), rng);
    d = normal_parameter<T>({o.channels}, 1, rng);
  }

  /// x [B, L, channels], L > 0; the state [B, parts * channels * modes] is zero when not given.
  /// Throws ShapeError where they do not fit.
  template <ValueOf<T> X>
  StateSpaceOutput<X> operator()(const X& x, const X* state = nullptr) const {
    const Shape& s = value_of(x).shape();
    const Index P = parts(), H = options_.channels, N = options_.modes;
    if (s.rank() != 3 || s[2] != H || s[1] == 0)
      raise<ShapeError>("StateSpace: input ", s, ", expected [batch, length > 0, ", H, "]");
    const Index B = s[0], L = s[1];
    X a = reshape(neg(exp(use(log_a, x))), {1, H, N});
    if (a_im) a = concat({a, reshape(use(*a_im, x), {1, H, N})}, 0);
    const X held = zoh(exp(use(log_dt, x)), a);
    const X u = reshape(x, {B, L, 1, H, 1}) * reshape(slice(held, 0, 1, 1), {P, H, N});
    const X h = linear_scan(reshape(slice(held, 0, 0, 1), {P * H * N}),
                            reshape(u, {B, L, P * H * N}), state, {.complex = options_.complex});
    // Re(C h) = Re C Re h - Im C Im h, twice for a mode and its conjugate.
    X weights = use(c, x);
    if (options_.complex) weights = weights * constant(Tensor<T>({2, 1, 1}, {T(2), T(-2)}), x);
    const X y = sum(sum(reshape(h, {B, L, P, H, N}) * weights, 4), 2);
    return {y + x * use(d, x), reshape(slice(h, 1, L - 1, 1), {B, P * H * N})};
  }

  FOGLIFT_CHILDREN(log_dt, log_a, a_im, c, d);

 private:
  Index parts() const { return options_.complex ? 2 : 1; }

  StateSpaceOptions options_;
};

}  // namespace foglift::inline v0::nn
