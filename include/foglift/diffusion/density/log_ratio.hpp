#pragma once

#include "foglift/diffusion/density/normal.hpp"
#include "foglift/diffusion/density/time.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace foglift::inline v0::density {

/// Densities of l = ln(s), s = sigma / alpha the noise in units of the data: NoiseDensity each.

/// l is normal (Karras et al. 2022, table 1: P_mean, P_std).
class LogNormal {
 public:
  static constexpr bool of_log_ratio = true;
  struct Options {
    double mean = -1.2, std = 1.2;
  };
  LogNormal() : LogNormal(Options{}) {}
  /// Throws ArgumentError unless std > 0.
  explicit LogNormal(Options o)
      : mean_(foglift::detail::finite(o.mean, "density::LogNormal: mean")),
        std_(foglift::detail::positive(o.std, "density::LogNormal: std")) {}
  double quantile(double u) const { return mean_ + std_ * normal_quantile(u); }
  double cdf(double l) const { return normal_cdf((l - mean_) / std_); }
  double pdf(double l) const { return normal_pdf((l - mean_) / std_) / std_; }

 private:
  double mean_, std_;
};

/// l is normal on each side of its mode, with a standard deviation for each and a density without a
/// jump (k-diffusion's rand_split_log_normal).
class SplitLogNormal {
 public:
  static constexpr bool of_log_ratio = true;
  struct Options {
    double mode = -1.2, std_below = 1.2, std_above = 1.2;
  };
  /// Throws ArgumentError unless both deviations are positive.
  explicit SplitLogNormal(Options o)
      : mode_(foglift::detail::finite(o.mode, "density::SplitLogNormal: mode")),
        below_(foglift::detail::positive(o.std_below, "density::SplitLogNormal: std_below")),
        above_(foglift::detail::positive(o.std_above, "density::SplitLogNormal: std_above")),
        share_(below_ / (below_ + above_)) {}
  double quantile(double u) const {
    return u < share_ ? mode_ + below_ * normal_quantile(0.5 * u / share_)
                      : mode_ - above_ * normal_quantile(0.5 * (1 - u) / (1 - share_));
  }
  double cdf(double l) const {
    return l < mode_ ? 2 * share_ * normal_cdf((l - mode_) / below_)
                     : 1 - 2 * (1 - share_) * normal_cdf((mode_ - l) / above_);
  }
  double pdf(double l) const {
    return 2 / (below_ + above_) * normal_pdf((l - mode_) / (l < mode_ ? below_ : above_));
  }

 private:
  double mode_, below_, above_, share_;
};

/// l is logistic: s is log-logistic (k-diffusion's rand_log_logistic).
class LogLogistic {
 public:
  static constexpr bool of_log_ratio = true;
  struct Options {
    double location = 0, scale = 1;
  };
  LogLogistic() : LogLogistic(Options{}) {}
  /// Throws ArgumentError unless scale > 0.
  explicit LogLogistic(Options o)
      : location_(foglift::detail::finite(o.location, "density::LogLogistic: location")),
        scale_(foglift::detail::positive(o.scale, "density::LogLogistic: scale")) {}
  double quantile(double u) const { return location_ + scale_ * (std::log(u) - std::log1p(-u)); }
  double cdf(double l) const { return 1 / (1 + std::exp((location_ - l) / scale_)); }
  double pdf(double l) const {
    const double e = std::exp(-std::abs(l - location_) / scale_);
    return e / (scale_ * (1 + e) * (1 + e));
  }

 private:
  double location_, scale_;
};

/// Smallest and largest sigma / alpha of a density.
struct RatioRange {
  double min = 1e-3, max = 1e3;

  /// Throws ArgumentError unless 0 < min < max < inf.
  void check(const char* where) const {
    if (!(min > 0 && min < max && std::isfinite(max)))
      raise<ArgumentError>(where, ": ratios from ", min, " to ", max, ", needed 0 < min < max");
  }
};

/// l is uniform between the logarithms of the range.
class LogUniform {
 public:
  static constexpr bool of_log_ratio = true;
  explicit LogUniform(RatioRange range = {}) {
    range.check("density::LogUniform");
    first_ = std::log(range.min);
    width_ = std::log(range.max) - first_;
  }
  double quantile(double u) const { return first_ + width_ * u; }
  double cdf(double l) const { return std::clamp((l - first_) / width_, 0.0, 1.0); }
  double pdf(double l) const { return l >= first_ && l <= first_ + width_ ? 1 / width_ : 0; }

 private:
  double first_ = 0, width_ = 1;
};

/// s = scale tan(pi u / 2): the cosine schedule's noise at uniform times (k-diffusion's
/// rand_v_diffusion, with sigma_data for the scale).
class Cosine {
 public:
  static constexpr bool of_log_ratio = true;
  struct Options {
    double scale = 1;
  };
  Cosine() : Cosine(Options{}) {}
  /// Throws ArgumentError unless scale > 0.
  explicit Cosine(Options o)
      : shift_(std::log(foglift::detail::positive(o.scale, "density::Cosine: scale"))) {}
  double quantile(double u) const {
    return shift_ + std::log(std::tan(0.5 * std::numbers::pi * u));
  }
  double cdf(double l) const { return 2 * std::numbers::inv_pi * std::atan(std::exp(l - shift_)); }
  /// d/dl of atan(e^l) is 1 / (2 cosh(l)).
  double pdf(double l) const { return std::numbers::inv_pi / std::cosh(l - shift_); }

 private:
  double shift_;
};

/// A cosine schedule's noise at uniform times u, shifted for images of `image` pixels across whose
/// details live at `noise_low` pixels at the noisy end and at `noise_high` at the clean one
/// (Hoogeboom et al. 2023, eq. 4-5; k-diffusion's rand_cosine_interpolated): with h = noise / image
/// the shifted schedule runs l(u; h) = ln tan(between atan(min h) and atan(max h)) - ln h, and l(u)
/// = u l(u; h_low) + (1 - u) l(u; h_high), from ln(min) to ln(max). Ratios are in units of
/// sigma_data.
class CosineInterpolated {
 public:
  static constexpr bool of_log_ratio = true;
  struct Options {
    double image = 64, noise_low = 32, noise_high = 64;
    double sigma_data = 1;
    RatioRange range = {};
  };
  /// Throws ArgumentError unless 0 < noise_low <= noise_high, which makes l grow with u, and the
  /// rest is positive.
  explicit CosineInterpolated(Options o) : log_data_(std::log(o.sigma_data)) {
    o.range.check("density::CosineInterpolated");
    if (!(o.image > 0 && o.noise_low > 0 && o.noise_low <= o.noise_high && o.sigma_data > 0 &&
          std::isfinite(o.noise_high / o.image) && std::isfinite(o.sigma_data)))
      raise<ArgumentError>("density::CosineInterpolated: image ", o.image, ", noise ", o.noise_low,
                           " to ", o.noise_high, ", sigma_data ", o.sigma_data,
                           ", needed positive, noise_low <= noise_high");
    const double lo = o.range.min / o.sigma_data, hi = o.range.max / o.sigma_data;
    low_ = Shifted(o.noise_low / o.image, lo, hi);
    high_ = Shifted(o.noise_high / o.image, lo, hi);
    first_ = std::log(o.range.min);
    last_ = std::log(o.range.max);
  }
  double quantile(double u) const {
    return std::clamp(log_data_ + u * low_.at(u) + (1 - u) * high_.at(u), first_, last_);
  }
  double cdf(double l) const {
    if (l <= first_ || l >= last_) return l <= first_ ? 0 : 1;
    return detail::inverse([this](double u) { return quantile(u); }, l, 0, 1);
  }
  double pdf(double l) const {
    if (!(l >= first_ && l <= last_)) return 0;
    const double u = cdf(l);
    return 1 / (low_.at(u) - high_.at(u) + u * low_.slope(u) + (1 - u) * high_.slope(u));
  }

 private:
  struct Shifted {
    double from = 0, width = 1, log_h = 0;
    Shifted() = default;
    Shifted(double h, double lo, double hi)
        : from(std::atan(lo * h)), width(std::atan(hi * h) - from), log_h(std::log(h)) {}
    double at(double u) const { return std::log(std::tan(from + width * u)) - log_h; }
    /// d/du ln tan(a) = 2 a' / sin(2 a).
    double slope(double u) const { return 2 * width / std::sin(2 * (from + width * u)); }
  };
  double log_data_, first_ = 0, last_ = 0;
  Shifted low_, high_;
};

}  // namespace foglift::inline v0::density
