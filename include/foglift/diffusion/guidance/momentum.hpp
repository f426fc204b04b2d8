#pragma once

#include "foglift/diffusion/guidance/blend.hpp"

#include <limits>
#include <utility>
#include <vector>

namespace foglift::inline v0::guide {

/// The running difference of two models over the calls of one run, m = (c - u) + decay m_before,
/// for each sample. It belongs to the caller, is used by one run at a time, and starts anew by
/// itself: for a sample that is asked at a level that is not cleaner than its last one, and for
/// another shape of the state. So a run's result does not depend on the runs before it, and two
/// evaluations of a step (Heun's) count as two.
template <Scalar T = float>
class Momentum {
 public:
  /// Throws ArgumentError unless |decay| < 1. The published decay is negative, -0.75 for example.
  explicit Momentum(double decay) : decay_(decay) {
    if (!(decay > -1 && decay < 1))
      raise<ArgumentError>("guide::Momentum: decay = ", decay, ", must be in (-1, 1)");
  }

  /// Forgets.
  void reset() { running_ = Tensor<T>(); }

 private:
  template <class Rule, class U>
  friend class WithMomentum;

  /// Makes room for states of a shape.
  void begin(const Shape& batch) {
    if (running_.shape() == batch && !running_.empty()) return;
    running_ = Tensor<T>(batch);
    ratio_.assign(static_cast<std::size_t>(foglift::detail::batch_of(running_)), -1.0);
  }
  /// u becomes c - m, so that the rule's difference is m.
  void update(const Pair<T>& p) {
    double& last = ratio_[static_cast<std::size_t>(p.sample)];
    const double ratio = p.level.ratio();
    const T keep = static_cast<T>(ratio < last ? decay_ : 0.0);
    last = ratio;
    T* m = running_.data() + p.sample * static_cast<Index>(p.size());
    for (std::size_t i = 0; i < p.size(); ++i) {
      m[i] = (p.c[i] - p.u[i]) + keep * m[i];
      p.u[i] = p.c[i] - m[i];
    }
  }

  double decay_;
  Tensor<T> running_;
  std::vector<double> ratio_;  // sigma / alpha of each sample's last call
};

/// A rule on the running difference in place of c - u (Sadat et al. 2024, section 4, "reverse
/// momentum"). Refers to the memory, which must outlive it; denoisers of T only.
///
///   guide::Momentum<float> memory(-0.75);
///   auto guided = conditional | guide::ClassifierFree{unconditional, guide::WithMomentum{
///       guide::AdaptiveProjected{.weight = 7.5, .norm_limit = 15}, memory}};
template <class Rule, class T>
class WithMomentum {
 public:
  WithMomentum(Rule rule, Momentum<T>& memory) : rule_(std::move(rule)), memory_(&memory) {}

  void check() const { rule_.check(); }
  void begin(const Shape& batch) const { memory_->begin(batch); }
  void operator()(const Pair<T>& p) const {
    memory_->update(p);
    detail::use_rule(rule_, p);
  }

 private:
  Rule rule_;
  Momentum<T>* memory_;
};

}  // namespace foglift::inline v0::guide
