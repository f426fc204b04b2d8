#pragma once

#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/nn/hook.hpp"

#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace foglift::inline v0::nn {
namespace hooks {

/// When the blocks of a call behind the first are not computed, and what stands in their place.
struct CacheOptions {
  /// Calls from one that is computed to the next that is; those between reuse (DeepCache, Ma et al.
  /// 2024). 0: no such rule.
  Index interval = 0;
  /// A call reuses if the first block's output has changed by less than this since the call that
  /// was computed, mean |change| / mean |output| ("first-block cache", Cheng 2024; TeaCache, Liu et
  /// al. 2025). 0: no such rule. With both rules a call reuses if both say so.
  double threshold = 0;
  /// 0: the last output of each block. 1: a straight line through the last two that were computed,
  /// over the numbers of the calls (Taylor extrapolation, Liu et al. 2025, "TaylorSeer").
  int order = 0;
};

/// Spares a run most of its network: what blocks said in an earlier call takes the place of what
/// they would say now. The first block is always computed, the rest only where the rules ask for
/// it. For one run of one network at a time; a call on another shape is computed, and reset()
/// forgets all. What it costs is measured by the run with and without.
///
///   nn::hooks::Cache<Tensor<float>> cache({.interval = 2, .order = 1});
///   const auto faster = denoise.of(nn::WithCall(net, nn::Call(cache)));
///   auto x = sample(solver::Ddim{}, faster, shape, grid, rng);
///   const double spared = double(cache.reused()) / double(cache.calls());
template <Value X>
class Cache {
 public:
  /// Throws ArgumentError unless there is a rule, none negative, and order is 0 or 1.
  explicit Cache(const CacheOptions& options) : options_(options) {
    if (!(options.interval >= 0 && options.threshold >= 0) ||
        (options.interval == 0 && options.threshold == 0) ||
        (options.order != 0 && options.order != 1))
      raise<ArgumentError>("hooks::Cache: interval ", options.interval, ", threshold ",
                           options.threshold, ", order ", options.order,
                           "; needed one of the first two positive, none negative, order 0 or 1");
  }

  void start(const Places& places) {
    first_ = places.blocks.front();
    reuse_ = false;
    ++calls_;
  }
  bool skip(const Place& at) const { return reuse_ && at.name != first_; }
  std::optional<X> block(const Place& at, const X& h) {
    if (at.name == first_) {
      reuse_ = may_reuse(h);
      if (reuse_) {
        ++reused_;
      } else {
        seen_first_ = h;
        before_ = std::exchange(last_, calls_);
      }
      return std::nullopt;
    }
    Seen& seen = seen_[at.name];
    if (reuse_) return guess(seen);
    seen.before = std::exchange(seen.last, h);
    return std::nullopt;
  }

  Index calls() const { return calls_; }
  Index reused() const { return reused_; }
  void reset() { *this = Cache(options_); }

 private:
  struct Seen {
    std::optional<X> last, before;
  };

  bool may_reuse(const X& h) const {
    if (!seen_first_ || seen_first_->shape() != h.shape() || seen_.empty()) return false;
    if (options_.interval > 0 && calls_ - last_ >= options_.interval) return false;
    return options_.threshold == 0 || change(h) < options_.threshold;
  }
  double change(const X& h) const {
    const auto &now = value_of(h), &then = value_of(*seen_first_);
    double moved = 0, size = 0;
    for (Index i = 0; i < now.size(); ++i) {
      moved += std::abs(static_cast<double>(now[i]) - static_cast<double>(then[i]));
      size += std::abs(static_cast<double>(then[i]));
    }
    return moved / size;
  }
  X guess(const Seen& seen) const {
    if (options_.order == 0 || !seen.before || seen.before->shape() != seen.last->shape())
      return *seen.last;
    const double ahead = static_cast<double>(calls_ - last_) / static_cast<double>(last_ - before_);
    return add(*seen.last, mul(sub(*seen.last, *seen.before), ahead));
  }

  CacheOptions options_;
  std::string first_;
  std::optional<X> seen_first_;
  std::map<std::string, Seen> seen_;
  Index calls_ = 0, reused_ = 0, last_ = 0, before_ = 0;  // calls that were computed, the latest
  bool reuse_ = false;
};

}  // namespace hooks
}  // namespace foglift::inline v0::nn
