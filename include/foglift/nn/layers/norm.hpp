#pragma once

#include "foglift/autograd/ops/modulation.hpp"
#include "foglift/autograd/ops/norm.hpp"
#include "foglift/nn/layers/init.hpp"
#include "foglift/nn/module.hpp"

#include <optional>

namespace foglift::inline v0::nn {

struct GroupNormOptions {
  Index channels = 0;
  Index groups = 8;
  double eps = 1e-5;
};

/// Group normalization (Wu & He 2018) of x [B, ..., channels]: zero mean and unit variance over all
/// inner axes and the channels / groups channels of a group, then a gain and a shift a channel.
template <Scalar T = float>
class GroupNorm : public Layer<T, GroupNormOptions> {
 public:
  Parameter<T> weight, bias;

  /// Throws ArgumentError unless groups divides channels, or for a negative eps.
  explicit GroupNorm(const GroupNormOptions& o) : groups_(o.groups), eps_(o.eps) {
    detail::need_positive("GroupNorm", {{"channels", o.channels}, {"groups", o.groups}});
    if (o.channels % o.groups != 0)
      raise<ArgumentError>("GroupNorm: ", o.groups, " groups do not divide ", o.channels,
                           " channels");
    if (!(o.eps >= 0)) raise<ArgumentError>("GroupNorm: eps = ", o.eps, ", must not be negative");
    weight = Parameter<T>(Tensor<T>({o.channels}, T(1)));
    bias = Parameter<T>(Tensor<T>({o.channels}));
  }

  template <ValueOf<T> X>
  X operator()(const X& x) const {
    return group_norm(x, use(weight, x), use(bias, x), groups_, eps_);
  }

  Index groups() const { return groups_; }
  double eps() const { return eps_; }

  FOGLIFT_CHILDREN(weight, bias);

 private:
  Index groups_;
  double eps_;
};

struct LayerNormOptions {
  Index channels = 0;
  double eps = 1e-5;
  bool affine = true;  ///< learn a gain and a shift a channel
};

/// Layer normalization (Ba et al. 2016) of x [..., channels] over the last axis.
template <Scalar T = float>
class LayerNorm : public Layer<T, LayerNormOptions> {
 public:
  std::optional<Parameter<T>> weight, bias;

  explicit LayerNorm(const LayerNormOptions& o) : eps_(o.eps) {
    detail::need_positive("LayerNorm", "channels", o.channels);
    if (!o.affine) return;
    weight = Parameter<T>(Tensor<T>({o.channels}, T(1)));
    bias = Parameter<T>(Tensor<T>({o.channels}));
  }

  template <ValueOf<T> X>
  X operator()(const X& x) const {
    if (weight) return layer_norm(x, use(*weight, x), use(*bias, x), eps_);
    return layer_norm(x, eps_);
  }
  /// Without gain and shift of its own: the normalized x (1 + scale) + shift, with those parts of a
  /// modulation m [B or 1, parts * channels].
  template <ValueOf<T> X>
  X operator()(const X& x, const X& m, Index shift, Index scale) const {
    return modulated_norm(x, m, shift, scale, eps_);
  }

  FOGLIFT_CHILDREN(weight, bias);

 private:
  double eps_;
};

struct RmsNormOptions {
  Index channels = 0;
  double eps = 1e-6;
};

/// Root-mean-square normalization (Zhang & Sennrich 2019) of x [..., channels] over the last axis.
template <Scalar T = float>
class RmsNorm : public Layer<T, RmsNormOptions> {
 public:
  Parameter<T> weight;

  explicit RmsNorm(const RmsNormOptions& o) : eps_(o.eps) {
    detail::need_positive("RmsNorm", "channels", o.channels);
    weight = Parameter<T>(Tensor<T>({o.channels}, T(1)));
  }

  template <ValueOf<T> X>
  X operator()(const X& x) const {
    return rms_norm(x, use(weight, x), eps_);
  }

  FOGLIFT_CHILDREN(weight);

 private:
  double eps_;
};

}  // namespace foglift::inline v0::nn
