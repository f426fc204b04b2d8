#pragma once

#include "foglift/autograd/ops.hpp"
#include "foglift/forecast/method.hpp"
#include "foglift/nn/layers/linear.hpp"

namespace foglift::inline v0::forecast {

/// Of Linear.
struct LinearOptions {
  FrameOptions frame = {};
};

/// A linear forecaster with Gaussian paths: what any other must beat. The scaled targets y [N] of
/// the horizon, N = H K, have a mean that is linear in the inputs x, and what is left of each is
/// linear in what is left of those before it, up to normal noise of its own:
///   r = y - x W - b,   r_j = sum_(i < j) r_i A_ij + exp(s_j) z_j,   z ~ N(0, I).
/// Trained on the exact likelihood, whose maximum is least squares for W and b, and the Cholesky
/// factor of the residuals' covariance for A and s. Inputs: the scaled context, the calendar at the
/// first step (any later one is linear in it), covariates and statics; what is missing is 0, its
/// mean. A target that is missing counts as its mean, r = 0, for those after it.
class Linear : public FrameMethod<LinearOptions> {
 public:
  /// Throws what FrameOptions::check does. `reach` and `lead` are chosen here.
  Linear(const Options& o, Rng& rng)
      : FrameMethod(complete(o)),
        mean_({.in = inputs(), .out = outputs(), .zero = true}, rng),
        mix_(Tensor<float>({outputs(), outputs()})),
        log_scale_(Tensor<float>({outputs()})) {}

  /// Number of inputs x.
  Index inputs() const {
    const Columns& n = frame().columns;
    return frame().context * (n.channels + n.past) + frame().calendar.channels() +
           horizon() * n.known + n.statics;
  }
  /// Number N of targets.
  Index outputs() const { return horizon() * channels(); }

  /// The negative log-likelihood of the targets that are there, a mean over them, without the
  /// constant log(2 pi) / 2.
  template <class... On>
  auto loss(const Frame& frame, const LossKeys&, On&... tape) const {
    const Shape cells{frame.size(), outputs()};
    const auto x = recorded(input(frame), tape...);
    const auto there = constant(frame.target_mask.reshaped(cells), x);
    const auto r = there * (constant(frame.scaled_target().reshaped(cells), x) - mean_(x));
    const auto s = use(log_scale_, x);
    const auto z = (r - linear(r, use(mix_, x) * constant(earlier(), x))) * exp(-s);
    double count = 0;
    for (const float m : frame.target_mask) count += static_cast<double>(m);
    return sum(there * (0.5F * square(z) + s)) * static_cast<float>(1 / std::max(1.0, count));
  }

  Tensor<float> draw(const Frame& frame, const PathKeys& paths) const {
    const Index N = outputs();
    const Tensor<float> mean = mean_(input(frame));
    Tensor<float> y =
        paths.rng.normal<float>({paths.count, N}, static_cast<std::uint64_t>(paths.first));
    for (Index p = 0; p < paths.count; ++p)
      for (Index j = 0; j < N; ++j) {  // y holds r before j, z from j on
        y(p, j) *= std::exp(log_scale_.value[j]);
        for (Index i = 0; i < j; ++i) y(p, j) += y(p, i) * mix_.value(i, j);
      }
    for (Index i = 0; i < y.size(); ++i) y[i] += mean[i % N];
    return std::move(y).reshaped({paths.count, frame.horizon(), frame.channels()});
  }

  FOGLIFT_PRIVATE_CHILDREN(mean, mix, log_scale);

 private:
  static Options complete(Options o) {
    o.frame.check("Linear");
    o.frame.reach = o.frame.lead = 0;
    return o;
  }

  /// [B, inputs()].
  Tensor<float> input(const Frame& frame) const {
    const Index B = frame.size();
    const auto flat = [&](Tensor<float> x, const Tensor<float>& mask) {
      for (Index i = 0; i < x.size(); ++i)
        if (mask[i] == 0) x[i] = 0;
      return std::move(x).reshaped({B, x.row_size()});
    };
    return concat({frame.scaled_context().reshaped({B, frame.context.row_size()}),
                   flat(frame.past, frame.past_mask),
                   slice(frame.time, 1, 0, 1).reshaped({B, frame.time.dim(2)}),
                   flat(frame.known, frame.known_mask), frame.statics},
                  1);
  }

  /// [N, N], 1 where i < j.
  Tensor<float> earlier() const {
    Tensor<float> out({outputs(), outputs()});
    for (Index i = 0; i < outputs(); ++i)
      for (Index j = i + 1; j < outputs(); ++j) out(i, j) = 1;
    return out;
  }

  nn::Linear<float> mean_;
  Parameter<float> mix_, log_scale_;
};

}  // namespace foglift::inline v0::forecast
