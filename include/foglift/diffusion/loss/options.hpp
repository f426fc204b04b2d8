#pragma once

#include "foglift/core/tensor.hpp"
#include "foglift/diffusion/density/density.hpp"
#include "foglift/diffusion/level.hpp"
#include "foglift/diffusion/loss/penalty.hpp"
#include "foglift/diffusion/times.hpp"

#include <functional>
#include <vector>

namespace foglift::inline v0 {

/// Time and loss of each sample of a batch, as density::LossHistory takes them: the mean over the
/// sample's counted elements of level_weight * penalty, without the factor of `reweight`. Samples
/// without a counted element are left out.
struct SampleLosses {
  std::vector<double> time, loss;
};

template <Scalar T = float>
struct LossOptions {
  Times times = Times::stratified;
  /// Times are drawn between these.
  double t_min = 0, t_max = 1;
  /// Weight of the squared error at a level; empty: 1, the "simple" loss of the parameterization.
  /// weight::of_output(weight, parameterization) makes one.
  std::function<double(const Level&)> level_weight = {};
  /// Weight of each element, shape of x0; nullptr: all 1. An element of weight 0 does not count,
  /// and where it is not finite (a missing value) the network is shown noise around 0.
  const Tensor<T>* weight = nullptr;
  /// How times are spread between t_min and t_max; empty: evenly. `times` says how the numbers that
  /// become times are drawn.
  density::Any density = {};
  /// Multiplies each sample's loss by (uniform density) / (density) at its time: the expected loss
  /// is that of evenly spread times.
  bool reweight = false;
  Penalty penalty = {};
  /// The data's standard deviation that schedule and network are made for; 0: the
  /// parameterization's sigma_data, or 1. Data far beyond it (pixels in 0..255, say) train badly,
  /// and are an error; infinite: whatever the data.
  double data_scale = 0;
  /// Strength of a normal number that all positions of a channel (the last axis) share, added to
  /// the noise: "offset noise" (Guttenberg 2023). The covariance of eps becomes I + strength^2
  /// within a channel.
  double offset_noise = 0;
  /// What stands in place of the noise, shape of x0: the noise that a run leads to each of the data
  /// (distill::Couples), or other data, to which the process then is a bridge (bridge/). Not
  /// checked to be of unit variance. nullptr: normals.
  const Tensor<T>* noise = nullptr;
  /// Deals the batch's noises out among its samples so that they move least, see assign_noise. A
  /// sample's noise then depends on its batch.
  bool assign_noise = false;
  /// Where the samples' losses are told, if anywhere; replaced by each call. For one caller at a
  /// time.
  SampleLosses* samples = nullptr;
};

}  // namespace foglift::inline v0
