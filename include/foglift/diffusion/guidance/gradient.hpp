#pragma once

#include "foglift/autograd/tape.hpp"
#include "foglift/diffusion/guidance/guidance.hpp"
#include "foglift/diffusion/pullback.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace foglift::inline v0::guide {

/// The gradient, as a function of a Tensor, of a function that is written on Vars: of f(x), or of
/// f(x, levels). What f returns is summed; a sample's summands must depend on that sample alone.
///
///   const auto pull = guide::GradientOf([&](const auto& x0) { return square(x0 - target(x0)); });
template <class F>
class GradientOf {
 public:
  explicit GradientOf(F f) : f_(std::move(f)) {}

  template <Scalar T, class... More>
    requires requires(const F& f, const Var<T>& x, const More&... more) {
      { f(x, more...) } -> std::convertible_to<Var<T>>;
    }
  Tensor<T> operator()(const Tensor<T>& x, const More&... more) const {
    Tape<T> tape;
    const Var<T> at = tape.variable(x);
    const Var<T> value = f_(at, more...);
    Gradients<T> gradients = tape.backward(value, Tensor<T>(value.shape(), T(1)));
    const Tensor<T>* g = gradients.find(at);
    return g ? *g : Tensor<T>(x.shape());  // without a path from x to the value: 0
  }

 private:
  F f_;
};

struct GradientOptions {
  double weight = 1;
  /// Most that sigma^2 / alpha may be: what stands before the gradient grows without limit at high
  /// noise, and with it the errors of a gradient that is not exact.
  double max_gain = std::numeric_limits<double>::infinity();

  /// weight sigma^2 / alpha; 0 at alpha = 0, where x says nothing: the gradient is 0 there, and the
  /// quotient can not be told from it.
  double gain(const Level& l) const {
    return l.alpha > 0 ? weight * std::min(l.sigma * l.sigma / l.alpha, max_gain) : 0.0;
  }
  void check(const char* where) const {
    if (!(std::isfinite(weight) && max_gain >= 0))
      raise<ArgumentError>(where, ": weight = ", weight, ", max_gain = ", max_gain,
                           ", needed a finite weight and max_gain >= 0");
  }
};

namespace detail {
/// A guidance that differentiates the denoiser.
struct ThroughDenoiser {
  template <class D>
  static constexpr void check() {
    static_assert(DifferentiableDenoiser<D, float> || DifferentiableDenoiser<D, double>,
                  "guidance through the denoiser: the denoiser must be differentiable, callable as "
                  "(const Var<T>& x, const Levels&) -> Var<T>; guide::DirectGradient in place of "
                  "LossGradient and guide::Projection in place of Constraint take any");
  }
};

/// A gradient and how it shifts x0.
template <class Gradient>
class GradientShift {
 public:
  using Options = GradientOptions;

 protected:
  GradientShift(const char* name, Gradient gradient, const GradientOptions& options)
      : gradient_(std::move(gradient)), name_(name), options_(options) {
    options_.check(name);
  }

  /// Whether nothing is shifted at these levels.
  bool idle(const Levels& levels) const { return levels.shared() && options_.gain(levels[0]) == 0; }
  /// x0 + sign gain(level) gradient.
  template <Scalar T>
  Tensor<T> shifted(Tensor<T> x0, const Tensor<T>& gradient, const Levels& levels,
                    double sign) const {
    if (gradient.shape() != x0.shape())
      raise<ShapeError>(name_, ": gradient ", gradient.shape(), " for a state ", x0.shape(),
                        "; the same shape is needed");
    return affine(std::move(x0), gradient, levels, name_,
                  [&](const Level& l) { return Mix{1, sign * options_.gain(l)}; });
  }

  Gradient gradient_;

 private:
  const char* name_;
  GradientOptions options_;
};
}  // namespace detail

/// Classifier guidance (Dhariwal & Nichol 2021, algorithm 2) with any gradient(x, levels) of log
/// p(y | x), shape of x: by Tweedie's formula the posterior mean given y is
///   x0 + weight sigma^2 / alpha grad_x log p(y | x),
/// which is eps - weight sigma grad in eps. The gradient is taken at the state, where the formula
/// holds; programs that take it at the mean of the next state solve another problem.
///
///   auto guided = denoise | guide::Classifier{guide::GradientOf(log_p), {.weight = 2}};
/// One that takes a Level and no Levels serves batches at one level.
template <class Gradient>
class Classifier : public detail::GradientShift<Gradient> {
 public:
  /// Throws ArgumentError for a weight that is not finite or a negative max_gain.
  explicit Classifier(Gradient gradient, const GradientOptions& options = {})
      : Classifier::GradientShift("guide::Classifier", std::move(gradient), options) {}

  template <class D, Scalar T, class L>
    requires(Answers<D, Tensor<T>, L> && Answers<Gradient, Tensor<T>, L>)
  Tensor<T> apply(const D& denoise, const Tensor<T>& x, const L& levels) const {
    Tensor<T> x0 = ask(denoise, x, levels);
    if (this->idle(levels)) return x0;
    return this->shifted(std::move(x0), Tensor<T>(this->gradient_(x, levels)), levels, 1);
  }
};

/// Guidance down the gradient of any loss of x0, through the denoiser:
///   x0 - weight sigma^2 / alpha J^T gradient(x0),  J = d x0 / d x,
/// with gradient(x0) = d loss / d x0, shape of x0. With the loss |y - A x0|^2 / (2 r^2) it is
/// reconstruction guidance (Ho et al. 2022, "Video Diffusion Models", eq. 7), with the output of a
/// readout head a property of the sample; exact where exp(-loss(x0(x))) is p(y | x). Each call runs
/// the denoiser forward and backward once.
///
///   auto guided = denoise | guide::LossGradient{guide::GradientOf(loss), {.weight = 0.5}};
template <class Gradient>
class LossGradient : public detail::GradientShift<Gradient>, public detail::ThroughDenoiser {
 public:
  /// Throws ArgumentError for a weight that is not finite or a negative max_gain.
  explicit LossGradient(Gradient gradient, const GradientOptions& options = {})
      : LossGradient::GradientShift("guide::LossGradient", std::move(gradient), options) {}

  template <class D, Scalar T, class L>
    requires DifferentiableDenoiser<D, T>
  Tensor<T> apply(const D& denoise, const Tensor<T>& x, const L& levels) const {
    if (this->idle(levels)) return ask(denoise, x, levels);
    Pulled<T> pulled = pullback(denoise, x, Levels(levels), this->gradient_);
    return this->shifted(std::move(pulled.x0), pulled.gradient, levels, -1);
  }
};

/// The same without a pass backwards: x0 - weight gradient(x0), as if the posterior covariance of
/// x0, which is sigma^2 / alpha J, were the identity (He et al. 2024, "Manifold Preserving Guided
/// Diffusion", eq. 8). For any denoiser; the same at every level.
template <class Gradient>
class DirectGradient {
 public:
  /// Throws ArgumentError for a weight that is not finite.
  explicit DirectGradient(Gradient gradient, double weight = 1)
      : gradient_(std::move(gradient)), weight_(weight) {
    GradientOptions{.weight = weight}.check("guide::DirectGradient");
  }

  template <class D, Scalar T, class L>
    requires Answers<D, Tensor<T>, L>
  Tensor<T> apply(const D& denoise, const Tensor<T>& x, const L& levels) const {
    Tensor<T> x0 = ask(denoise, x, levels);
    const Tensor<T> gradient = gradient_(std::as_const(x0));
    return affine(1, std::move(x0), -weight_, gradient);
  }

 private:
  Gradient gradient_;
  double weight_;
};

}  // namespace foglift::inline v0::guide
