#pragma once

#include "foglift/autograd/ops/reduce.hpp"
#include "foglift/autograd/tape.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace foglift::inline v0::probe {

/// d score_b / d x_b of each sample of x [B, ...]; score(x) is a Var [B] of a Var, of each sample
/// by itself. Throws ShapeError for a score of another shape.
template <Scalar T, class F>
Tensor<T> score_gradient(const F& score, const Tensor<T>& x) {
  Tape<T> tape;
  const Var<T> at = tape.variable(x);
  const Var<T> s = score(at);
  if (s.shape() != Shape{x.dim(0)})
    raise<ShapeError>("score_gradient: scores ", s.shape(), " of x ", x.shape(), ", needed [",
                      x.dim(0), "]");
  const Gradients<T> gradients = tape.backward(sum(s));
  const Tensor<T>* g = gradients.find(at);
  return g ? *g : Tensor<T>(x.shape());
}

/// |d score / d x| (Simonyan et al. 2014): where the score is sensitive.
template <Scalar T, class F>
Tensor<T> saliency(const F& score, const Tensor<T>& x) {
  Tensor<T> g = score_gradient(score, x);
  for (T& v : g) v = std::abs(v);
  return g;
}

/// x d score / d x (Shrikumar et al. 2016): for a linear score what each element adds to it.
template <Scalar T, class F>
Tensor<T> gradient_times_input(const F& score, const Tensor<T>& x) {
  Tensor<T> g = score_gradient(score, x);
  for (Index i = 0; i < x.size(); ++i) g[i] *= x[i];
  return g;
}

/// What each element of x [B, ...] adds to the score on the straight way from a baseline of the
/// same shape: (x - baseline) times the mean gradient along it (Sundararajan et al. 2017, eq. 1),
/// by the middles of `steps` parts. Their sum over a sample is score(x) - score(baseline), up to
/// the rule's error of order steps^-2: completeness, which incomplete() measures. Throws ShapeError
/// for other shapes, ArgumentError for steps < 1.
template <Scalar T, class F>
Tensor<T> integrated_gradients(const F& score, const Tensor<T>& x, const Tensor<T>& baseline,
                               Index steps = 32) {
  if (x.shape() != baseline.shape())
    raise<ShapeError>("integrated_gradients: x ", x.shape(), ", baseline ", baseline.shape());
  if (steps < 1) raise<ArgumentError>("integrated_gradients: ", steps, " steps");
  Tensor<T> sum(x.shape()), at(x.shape());
  for (Index k = 0; k < steps; ++k) {
    const T part = static_cast<T>((static_cast<double>(k) + 0.5) / static_cast<double>(steps));
    for (Index i = 0; i < x.size(); ++i) at[i] = baseline[i] + part * (x[i] - baseline[i]);
    const Tensor<T> g = score_gradient(score, at);
    for (Index i = 0; i < x.size(); ++i) sum[i] += g[i];
  }
  for (Index i = 0; i < x.size(); ++i) sum[i] *= (x[i] - baseline[i]) / static_cast<T>(steps);
  return sum;
}

/// The largest difference over samples between the sum of attributions [B, ...] and what they
/// explain, score(x) - score(baseline): scores are Tensors [B]. Near 0 for what keeps completeness
/// (integrated gradients) or efficiency (Shapley values).
template <Scalar T>
double incomplete(const Tensor<T>& attributions, const Tensor<T>& score, const Tensor<T>& base) {
  if (score.shape() != base.shape() || score.shape() != Shape{attributions.dim(0)})
    raise<ShapeError>("incomplete: attributions ", attributions.shape(), ", scores ", score.shape(),
                      " and ", base.shape());
  double worst = 0;
  for (Index b = 0; b < score.size(); ++b) {
    double sum = static_cast<double>(base[b]) - static_cast<double>(score[b]);
    for (Index i = 0; i < attributions.row_size(); ++i)
      sum += static_cast<double>(attributions[b * attributions.row_size() + i]);
    worst = std::max(worst, std::abs(sum));
  }
  return worst;
}

/// max(0, sum_k w_k h_k) over channels k of an activation h [B, ..., K], w_k the mean over
/// positions of d score / d h_k (Selvaraju et al. 2017, eq. 1 and 2, Grad-CAM): [B, ...]. A hook
/// records h as a Var, and the tape knows its gradient. Throws ShapeError for other shapes.
template <Scalar T>
Tensor<T> grad_cam(const Tensor<T>& h, const Tensor<T>& gradient) {
  if (h.shape() != gradient.shape() || h.rank() < 3)
    raise<ShapeError>("grad_cam: activation ", h.shape(), ", gradient ", gradient.shape(),
                      ", needed both [B, ..., K]");
  const Index B = h.dim(0), K = h.dim(-1), positions = h.row_size() / K;
  std::vector<Index> extents(h.shape().begin(), h.shape().end() - 1);
  Tensor<T> out(Shape(extents.data(), extents.size()));
  for (Index b = 0; b < B; ++b)
    for (Index p = 0; p < positions; ++p) {
      double sum = 0;
      for (Index k = 0; k < K; ++k) {
        double w = 0;
        for (Index q = 0; q < positions; ++q)
          w += static_cast<double>(gradient[(b * positions + q) * K + k]);
        sum += w / static_cast<double>(positions) *
               static_cast<double>(h[(b * positions + p) * K + k]);
      }
      out[b * positions + p] = static_cast<T>(std::max(0.0, sum));
    }
  return out;
}

}  // namespace foglift::inline v0::probe
