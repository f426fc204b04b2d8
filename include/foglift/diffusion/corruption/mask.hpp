#pragma once

#include "foglift/autograd/ops/loss.hpp"
#include "foglift/autograd/ops/shape_ops.hpp"
#include "foglift/diffusion/corruption/batch.hpp"
#include "foglift/diffusion/schedule/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace foglift::inline v0::corruption {

/// Places that are masked one by one: tokens, codes or classes 0 ... classes - 1, and `classes` for
/// the mask (the absorbing process of Austin et al. 2021, "D3PM"; Sahoo et al. 2024, "MDLM"). A
/// place is still there with the probability alpha of the level; sigma is not read.
/// schedule::Flow, alpha = 1 - t, masks them evenly. The estimate is logits [..., classes] of the
/// data [...]; those of places that are still there do not matter.
template <Scalar T = float>
struct Mask {
  using State = Tensor<Index>;
  using Estimate = Tensor<T>;
  static constexpr const char* name = "mask";

  Index classes = 2;

  Index mask() const { return classes; }

  State prior(const Shape& shape, const Level&, const StepRng&) const {
    return State(shape, mask());
  }

  /// Throws ArgumentError for data outside of [0, classes) and an alpha outside of [0, 1].
  State corrupt(State clean, const Levels& levels, const StepRng& rng) const {
    const Index rows = levels.rows(clean.rank() ? clean.dim(0) : 1, clean.row_size(), name);
    const Tensor<T> u = rng.uniform<T>(clean.shape());
    for (Index r = 0, i = 0; r < rows; ++r) {
      const double kept = share(levels[r]);
      for (Index end = (r + 1) * (clean.size() / rows); i < end; ++i) {
        if (!(clean[i] >= 0 && clean[i] < classes))
          raise<ArgumentError>("mask: class ", clean[i], " among ", classes);
        if (!(static_cast<double>(u[i]) < kept)) clean[i] = mask();
      }
    }
    return clean;
  }

  /// Each masked place comes back with the probability (alpha' - alpha) / (1 - alpha), as a draw
  /// from its logits; the others stay (Sahoo et al. 2024, eq. 7). Exact for each place, and for all
  /// together as far as few come back in one step: places of one step do not know of each other.
  /// Throws ShapeError for logits of another shape, NumericError for logits that are no law, and
  /// ArgumentError for another place than the classes and the mask, and unless 0 <= alpha <=
  /// alpha' <= 1.
  State back(State x, const Estimate& logits, const Level& from, const Level& to,
             const StepRng& rng) const {
    check_logits(logits.shape(), x.shape());
    const double kept = share(from), next = share(to);
    if (!(kept <= next))
      raise<ArgumentError>("mask: from ", from, " to ", to, ", needed an alpha that does not fall");
    const double returns = kept < 1 ? (next - kept) / (1 - kept) : 1;
    const Tensor<T> u = rng.uniform<T>(x.shape(), 0), v = rng.uniform<T>(x.shape(), 1);
    for (Index i = 0; i < x.size(); ++i) {
      if (!(x[i] >= 0 && x[i] <= mask()))
        raise<ArgumentError>("mask: state ", x[i], " of ", classes, " classes and the mask");
      if (x[i] == mask() && static_cast<double>(u[i]) < returns)
        x[i] = draw(logits.data() + i * classes, static_cast<double>(v[i]));
    }
    return x;
  }

  /// The weight of the cross entropy at a time, -alpha'(t) / (1 - alpha(t)), with which the loss is
  /// a bound of the negative log-likelihood of the data (Sahoo et al. 2024, eq. 10) where times are
  /// even in (0, 1).
  template <DifferentiableSchedule S>
  double weight(const S& schedule, double t) const {
    return -schedule.derivative(t).alpha / (1 - share(schedule.at(t)));
  }

  /// The mean over all places of weight * cross entropy, in nats, which counts where there is a
  /// mask: with the weights of batch(), the bound for each place. Shape [].
  template <Value X>
  X loss(const X& logits, const CorruptedBatch<Mask>& batch) const {
    check_logits(logits.shape(), batch.x.shape());
    const Index n = batch.x.size(), each = batch.x.row_size();
    std::vector<double> weight(static_cast<std::size_t>(n));
    for (Index i = 0; i < n; ++i)
      if (batch.x[i] == mask())
        weight[static_cast<std::size_t>(i)] = batch.weights[static_cast<std::size_t>(i / each)];
    return cross_entropy(reshape(logits, {n, classes}), batch.clean.span(), weight);
  }

 private:
  double share(const Level& level) const {
    if (!(level.alpha >= 0 && level.alpha <= 1))
      raise<ArgumentError>("mask: level ", level, ", needed alpha in [0, 1]");
    return level.alpha;
  }
  void check_logits(const Shape& logits, const Shape& x) const {
    if (logits.rank() != x.rank() + 1 || logits.slice(0, x.rank()) != x ||
        logits.dim(-1) != classes)
      raise<ShapeError>("mask: logits ", logits, " for places ", x, " of ", classes, " classes");
  }
  /// The class at the share u of the softmax of logits.
  Index draw(const T* logits, double u) const {
    const double top = static_cast<double>(*std::max_element(logits, logits + classes));
    double total = 0;
    for (Index k = 0; k < classes; ++k) total += std::exp(static_cast<double>(logits[k]) - top);
    if (!(total >= 1 && std::isfinite(total)))
      raise<NumericError>("mask: logits whose softmax is not a law, the largest ", top);
    double rest = u * total;
    Index last = 0;  // the last class that can be
    for (Index k = 0; k < classes; ++k) {
      const double p = std::exp(static_cast<double>(logits[k]) - top);
      if (p > 0) last = k;
      if (rest < p) return k;
      rest -= p;
    }
    return last;
  }
};

}  // namespace foglift::inline v0::corruption
