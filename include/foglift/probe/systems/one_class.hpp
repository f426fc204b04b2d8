#pragma once

#include "foglift/probe/noise_error.hpp"

#include <cmath>
#include <utility>
#include <vector>

namespace foglift::inline v0::probe {

/// Says how strange an example is to a denoiser that was trained on normal ones alone: the mean
/// over levels of its error of noise in standard deviations of what normal examples have at that
/// level. No chain is run (AnoDDPM, Wyatt et al. 2022, reconstructs by one): one call a level. Each
/// level so counts by how well it tells examples apart, not by the size of its errors.
class OneClass {
 public:
  /// Learns the levels' means and deviations from normal examples [n, ...] that the denoiser was
  /// not trained on, n >= 2. Throws as noise_error, ArgumentError where a level has no deviation.
  template <class D, Scalar T, NoisePolicy P>
  OneClass(const D& denoise, const Tensor<T>& normal, ErrorPlan plan, const P& policy,
           const ErrorOptions& o = {})
      : plan_(std::move(plan)) {
    const Tensor<double> errors = noise_error(denoise, normal, plan_, policy, o);
    if (errors.dim(0) < 2) raise<ShapeError>("OneClass: ", errors.dim(0), " normal examples");
    const auto n = static_cast<double>(errors.dim(0));
    for (Index l = 0; l < errors.dim(1); ++l) {
      double mean = 0, square = 0;
      for (Index i = 0; i < errors.dim(0); ++i) mean += errors(i, l) / n;
      for (Index i = 0; i < errors.dim(0); ++i)
        square += (errors(i, l) - mean) * (errors(i, l) - mean) / (n - 1);
      if (!(square > 0)) raise<ArgumentError>("OneClass: all errors of level ", l, " are ", mean);
      means_.push_back(mean);
      deviations_.push_back(std::sqrt(square));
    }
  }

  /// One score an example, about 0 for normal ones and the larger the stranger. The examples' noise
  /// is by their numbers, o.first_sample on. Throws as noise_error.
  template <class D, Scalar T, NoisePolicy P>
  std::vector<double> scores(const D& denoise, const Tensor<T>& x0, const P& policy,
                             const ErrorOptions& o = {}) const {
    const Tensor<double> errors = noise_error(denoise, x0, plan_, policy, o);
    std::vector<double> out(static_cast<std::size_t>(errors.dim(0)));
    for (Index i = 0; i < errors.dim(0); ++i)
      for (std::size_t l = 0; l < means_.size(); ++l)
        out[static_cast<std::size_t>(i)] += (errors(i, static_cast<Index>(l)) - means_[l]) /
                                            (deviations_[l] * static_cast<double>(means_.size()));
    return out;
  }

 private:
  ErrorPlan plan_;
  std::vector<double> means_, deviations_;
};

}  // namespace foglift::inline v0::probe
