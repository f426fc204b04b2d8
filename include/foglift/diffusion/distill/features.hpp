#pragma once

#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/autograd/ops/reduce.hpp"
#include "foglift/autograd/ops/softmax.hpp"
#include "foglift/diffusion/distill/lesson.hpp"

namespace foglift::inline v0::distill {

/// Classifier-based feature distillation (RCFD; Sun et al. 2023): the student is compared with its
/// lesson in what a trained classifier sees, the Kullback-Leibler divergence of the softmax of its
/// features from that of the lesson's, sharpened by a temperature below 1:
///   mean over samples of sum p (ln p - ln q),  p = softmax(f(x0) / temperature), q =
///   softmax(f(said)).
/// features(X) -> X [B, K], of Tensors and Vars, its weights frozen. Added to lesson.loss(), as
/// they do, it keeps elements in place. Throws ShapeError for features of other shapes.
///
///   const auto lesson = distill::progressive(denoise, x0, grid, rng, {.step = step});
///   const Var<float> said = denoise.of(net)(tape.constant(lesson.x), Levels(lesson.levels));
///   const auto features = [&](const auto& x) { return encoder(x, time); };
///   const Var<float> loss = lesson.loss(said) + distill::feature_loss(lesson, said, features);
template <Scalar T, Value X, class F>
X feature_loss(const Lesson<T>& lesson, const X& said, const F& features,
               double temperature = 0.9) {
  foglift::detail::positive(temperature, "feature_loss: temperature");
  const Tensor<T> log_p = log_softmax(div(features(lesson.x0), temperature));
  const X log_q = log_softmax(features(said));
  if (log_p.rank() != 2 || log_q.shape() != log_p.shape())
    raise<ShapeError>("feature_loss: features ", log_q.shape(), " of the student and ",
                      log_p.shape(), " of the lesson, needed one shape [B, K]");
  const X apart = sub(constant(log_p, said), log_q);
  return div(sum(mul(constant(exp(log_p), said), apart)), static_cast<double>(log_p.dim(0)));
}

}  // namespace foglift::inline v0::distill
