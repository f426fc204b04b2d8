#pragma once

#include "foglift/autograd/value.hpp"
#include "foglift/kernels/attention/softmax.hpp"
#include "foglift/kernels/pointwise/broadcast.hpp"

#include <algorithm>
#include <cmath>
#include <span>

namespace foglift::inline v0 {
namespace detail {

// A loss is scale * sum of value(i) over elements i, in double and in an order that depends on
// their number alone; slope(i) is the derivative of value(i) in its prediction.

template <Scalar T, class F>
Tensor<T> total_loss(Index n, double scale, const F& value) {
  return Tensor<T>(Shape{}, static_cast<T>(scale * kernels::sum_over(n, value)));
}

template <Scalar T, class F>
Tensor<T> loss_gradient(const Shape& shape, const Tensor<T>& dy, double scale, const F& slope) {
  auto dx = Tensor<T>::uninitialized(shape);
  const double k = scale * static_cast<double>(dy.item());
  kernels::for_blocks(dx.size(), [&](Index first, Index count) {
    for (Index i = first; i < first + count; ++i) dx[i] = static_cast<T>(k * slope(i));
  });
  return dx;
}

inline void check_not_empty(const char* op, const Shape& shape) {
  if (shape.size() == 0) raise<ShapeError>(op, ": no elements in shape ", shape);
}

inline void check_same_shape(const char* op, const Shape& pred, const Shape& target) {
  check_not_empty(op, pred);
  if (pred != target)
    raise<ShapeError>(op, ": prediction ", pred, " and target ", target, " differ in shape");
}

template <Scalar T>
auto difference(const Tensor<T>& pred, const Tensor<T>& target) {
  return [p = pred.data(), t = target.data()](Index i) {
    return static_cast<double>(p[i]) - static_cast<double>(t[i]);
  };
}

/// The mean of law.value(pred - target).
template <Scalar T, class Law>
Tensor<T> mean_loss(const char* op, const Tensor<T>& pred, const Tensor<T>& target,
                    const Law& law) {
  check_same_shape(op, pred.shape(), target.shape());
  const auto d = difference(pred, target);
  return total_loss<T>(pred.size(), 1 / static_cast<double>(pred.size()),
                       [&](Index i) { return law.value(d(i)); });
}
template <Scalar T, class Law>
Var<T> mean_loss(const char* op, const Var<T>& pred, const Tensor<T>& target, const Law& law) {
  return pred.tape().record(
      mean_loss(op, pred.value(), target, law), {pred},
      [pred, target, law](const Tensor<T>& dy, const auto& grad) {
        const auto d = difference(pred.value(), target);
        grad(pred, loss_gradient(pred.shape(), dy, 1 / static_cast<double>(pred.size()),
                                 [&](Index i) { return law.slope(d(i)); }));
      });
}

struct SquaredError {
  double value(double d) const { return d * d; }
  double slope(double d) const { return 2 * d; }
};
struct AbsoluteError {
  double value(double d) const { return std::abs(d); }
  double slope(double d) const { return d > 0 ? 1 : d < 0 ? -1 : d; }  // not a number stays
};
struct HuberError {
  double delta;
  double value(double d) const {
    const double a = std::abs(d);
    return a <= delta ? 0.5 * d * d : delta * (a - 0.5 * delta);
  }
  double slope(double d) const { return d > delta ? delta : d < -delta ? -delta : d; }
};

/// Weights repeated to the shape of the prediction, and 1 / their sum (0 if all are 0).
template <Scalar T>
struct Weights {
  Tensor<T> each;
  double scale;

  Weights(const Shape& pred, const Tensor<T>& weight) {
    if (kernels::broadcast_shape("weighted_mse", pred, weight.shape()) != pred)
      raise<ShapeError>("weighted_mse: weight ", weight.shape(), " does not repeat to prediction ",
                        pred);
    for (const T w : weight)
      if (!(w >= 0) || std::isinf(w))
        raise<ArgumentError>("weighted_mse: weight ", w, ", must be finite and not negative");
    const Tensor<T> zeros(pred);
    each = Tensor<T>::uninitialized(pred);
    kernels::broadcast(pred, zeros.data(), pred, weight.data(), weight.shape(), each.data(),
                       [](auto, auto w) { return w; });
    const double total = kernels::sum(each.size(), each.data());
    scale = total > 0 ? 1 / total : 0;
  }
};

inline void check_levels(const Shape& pred, const Shape& target, std::span<const double> levels) {
  if (pred.rank() < 1 || pred.slice(0, pred.rank() - 1) != target ||
      pred.dim(-1) != static_cast<Index>(levels.size()))
    raise<ShapeError>("pinball: prediction ", pred, " for target ", target, " and ", levels.size(),
                      " levels, needed is the target's shape with the levels as last axis");
  check_not_empty("pinball", pred);
  for (const double q : levels)
    if (!(q > 0 && q < 1)) raise<ArgumentError>("pinball: level ", q, " outside of (0, 1)");
}

}  // namespace detail

// Losses give a mean of shape []. Prediction and target have the same shape unless said otherwise;
// targets and weights are data. They throw ShapeError for shapes that do not fit, and for none.

/// mean((pred - target)^2).
template <Value X>
X mse(const X& pred, const Tensor<scalar_of<X>>& target) {
  return detail::mean_loss("mse", pred, target, detail::SquaredError{});
}

/// mean(|pred - target|), with derivative 0 where they are equal.
template <Value X>
X l1(const X& pred, const Tensor<scalar_of<X>>& target) {
  return detail::mean_loss("l1", pred, target, detail::AbsoluteError{});
}

/// The mean of d^2 / 2 for |d| <= delta and delta (|d| - delta / 2) beyond, d = pred - target
/// (Huber 1964). Throws ArgumentError unless delta > 0.
template <Value X>
X huber(const X& pred, const Tensor<scalar_of<X>>& target, double delta = 1) {
  if (!(delta > 0)) raise<ArgumentError>("huber: delta = ", delta, ", must be positive");
  return detail::mean_loss("huber", pred, target, detail::HuberError{delta});
}

/// sum(w (pred - target)^2) / sum(w); weight >= 0 repeats to the shape of pred by NumPy's rules.
/// Elements of weight 0 do not count, whatever their target, which may be not a number: missing
/// values. 0 if all weights are 0. Throws ArgumentError for a weight that is negative or not
/// finite.
template <Scalar T>
Tensor<T> weighted_mse(const Tensor<T>& pred, const Tensor<std::type_identity_t<T>>& target,
                       const Tensor<std::type_identity_t<T>>& weight) {
  detail::check_same_shape("weighted_mse", pred.shape(), target.shape());
  const detail::Weights<T> w(pred.shape(), weight);
  const auto d = detail::difference(pred, target);
  return detail::total_loss<T>(pred.size(), w.scale, [&](Index i) {
    return w.each[i] > 0 ? static_cast<double>(w.each[i]) * d(i) * d(i) : 0;
  });
}
template <Scalar T>
Var<T> weighted_mse(const Var<T>& pred, const Tensor<std::type_identity_t<T>>& target,
                    const Tensor<std::type_identity_t<T>>& weight) {
  return pred.tape().record(
      weighted_mse(pred.value(), target, weight), {pred},
      [pred, target, weight](const Tensor<T>& dy, const auto& grad) {
        const detail::Weights<T> w(pred.shape(), weight);
        const auto d = detail::difference(pred.value(), target);
        grad(pred, detail::loss_gradient(pred.shape(), dy, w.scale, [&](Index i) {
               return w.each[i] > 0 ? 2 * static_cast<double>(w.each[i]) * d(i) : 0;
             }));
      });
}

/// The mean over rows of weight (log(sum(e^logits)) - logits[id]), for logits [n, K] and one id in
/// [0, K) a row; weights, one a row, are 1 where none are given, and a row of weight 0 is not
/// looked at. Throws ArgumentError for another id, and a weight that is negative or not finite.
template <Scalar T>
Tensor<T> cross_entropy(const Tensor<T>& logits, std::span<const Index> ids,
                        std::span<const double> weights = {}) {
  if (logits.rank() != 2 || logits.dim(0) != static_cast<Index>(ids.size()))
    raise<ShapeError>("cross_entropy: logits ", logits.shape(), " for ", ids.size(),
                      " ids, needed is [", ids.size(), ", classes]");
  detail::check_not_empty("cross_entropy", logits.shape());
  const Index n = logits.dim(0), classes = logits.dim(1);
  for (const Index id : ids)
    if (id < 0 || id >= classes)
      raise<ArgumentError>("cross_entropy: id ", id, " among ", classes, " classes");
  if (!weights.empty() && weights.size() != ids.size())
    raise<ShapeError>("cross_entropy: ", weights.size(), " weights for ", ids.size(), " ids");
  for (const double w : weights)
    if (!(w >= 0 && std::isfinite(w)))
      raise<ArgumentError>("cross_entropy: weight ", w, ", must be finite and not negative");
  return detail::total_loss<T>(n, 1 / static_cast<double>(n), [&](Index i) {
    const double weight = weights.empty() ? 1 : weights[static_cast<std::size_t>(i)];
    if (weight == 0) return 0.0;
    const T* row = logits.data() + i * classes;
    const T shift = kernels::largest(classes, row);
    const auto sum = static_cast<double>(kernels::sum_of_exp(classes, row, shift));
    const T at = row[ids[static_cast<std::size_t>(i)]];
    return weight * (std::log(sum) - (static_cast<double>(at) - static_cast<double>(shift)));
  });
}
template <Scalar T>
Var<T> cross_entropy(const Var<T>& logits, std::span<const Index> ids,
                     std::span<const double> weights = {}) {
  return logits.tape().record(
      cross_entropy(logits.value(), ids, weights), {logits},
      [logits, kept = pool::Vector<Index>(ids.begin(), ids.end()),
       by = pool::Vector<double>(weights.begin(), weights.end())](const Tensor<T>& dy,
                                                                  const auto& grad) {
        const Index n = logits.dim(0), classes = logits.dim(1);
        const T scale = dy.item() / static_cast<T>(n);
        auto dx = Tensor<T>::uninitialized(logits.shape());
        kernels::for_rows(n, classes, [&](Index i) {
          const auto at = static_cast<std::size_t>(i);
          T* row = dx.data() + i * classes;
          const T of_row = by.empty() ? scale : scale * static_cast<T>(by[at]);
          if (of_row == 0) {
            std::fill_n(row, classes, T(0));
            return;
          }
          kernels::softmax_row(classes, logits.value().data() + i * classes, row);
          row[kept[at]] -= T(1);
          kernels::map(classes, row, [&](auto v) { return v * of_row; }, row);
        });
        grad(logits, std::move(dx));
      });
}

/// The mean over all elements of max(q d, (q - 1) d), d = target - pred, for pred [..., Q] at the
/// quantile levels q in (0, 1) and target [...] (Koenker & Bassett 1978). Throws ArgumentError for
/// another level.
template <Scalar T>
Tensor<T> pinball(const Tensor<T>& pred, const Tensor<std::type_identity_t<T>>& target,
                  std::span<const double> levels) {
  detail::check_levels(pred.shape(), target.shape(), levels);
  const Index count = pred.dim(-1);
  return detail::total_loss<T>(pred.size(), 1 / static_cast<double>(pred.size()), [&](Index i) {
    const double d = static_cast<double>(target[i / count]) - static_cast<double>(pred[i]);
    const double q = levels[static_cast<std::size_t>(i % count)];
    return d >= 0 ? q * d : (q - 1) * d;
  });
}
template <Scalar T>
Var<T> pinball(const Var<T>& pred, const Tensor<std::type_identity_t<T>>& target,
               std::span<const double> levels) {
  return pred.tape().record(
      pinball(pred.value(), target, levels), {pred},
      [pred, target, kept = pool::Vector<double>(levels.begin(), levels.end())](const Tensor<T>& dy,
                                                                                const auto& grad) {
        const Index count = pred.dim(-1);
        const Tensor<T>& p = pred.value();
        grad(pred,
             detail::loss_gradient(p.shape(), dy, 1 / static_cast<double>(p.size()), [&](Index i) {
               const T t = target[i / count];
               const double q = kept[static_cast<std::size_t>(i % count)];
               return p[i] < t ? -q : p[i] > t ? 1 - q : 0;
             }));
      });
}

#define FOGLIFT_OPS_LOSS(linkage, X)                                                          \
  linkage X mse(const X&, const Tensor<scalar_of<X>>&);                                       \
  linkage X l1(const X&, const Tensor<scalar_of<X>>&);                                        \
  linkage X huber(const X&, const Tensor<scalar_of<X>>&, double);                             \
  linkage X weighted_mse(const X&, const Tensor<scalar_of<X>>&, const Tensor<scalar_of<X>>&); \
  linkage X cross_entropy(const X&, std::span<const Index>, std::span<const double>);         \
  linkage X pinball(const X&, const Tensor<scalar_of<X>>&, std::span<const double>)
FOGLIFT_FOR_VALUES(FOGLIFT_OPS_LOSS, extern template);

}  // namespace foglift::inline v0
