#pragma once

#include "foglift/core/text.hpp"
#include "foglift/diffusion/affine.hpp"
#include "foglift/diffusion/level.hpp"

#include <cmath>

namespace foglift::inline v0::predict {

/// f = eps (Ho et al. 2020). At alpha = 0 the noise says nothing about x0, and x0 = 0, the mean of
/// standardized data, is returned.
struct Epsilon {
  static constexpr bool needs_signal = true;
  Mix target(const Level&) const { return {0, 1}; }
  Mix x0(const Level& l) const {
    return l.alpha > 0 ? Mix{1 / l.alpha, -l.sigma / l.alpha} : Mix{0, 0};
  }
  Mix eps(const Level&) const { return {0, 1}; }
  std::string description() const { return "epsilon"; }
};

/// f = x0. At sigma = 0 there is no noise to tell, and eps = 0 is returned.
struct X0 {
  Mix target(const Level&) const { return {1, 0}; }
  Mix x0(const Level&) const { return {0, 1}; }
  Mix eps(const Level& l) const {
    return l.sigma > 0 ? Mix{1 / l.sigma, -l.alpha / l.sigma} : Mix{0, 0};
  }
  std::string description() const { return "x0"; }
};

/// f = v = alpha eps - sigma x0 (Salimans & Ho 2022), finite in both directions at every level.
struct Velocity {
  Mix target(const Level& l) const { return {-l.sigma, l.alpha}; }
  Mix x0(const Level& l) const {
    const double square = l.alpha * l.alpha + l.sigma * l.sigma;
    return {l.alpha / square, -l.sigma / square};
  }
  Mix eps(const Level& l) const {
    const double square = l.alpha * l.alpha + l.sigma * l.sigma;
    return {l.sigma / square, l.alpha / square};
  }
  std::string description() const { return "velocity"; }
};

/// f = the score, the gradient of the log density of x, -eps / sigma for one sample of it (Song et
/// al. 2021). As a target it has no limit at sigma = 0, where 0 stands for it; at alpha = 0 it says
/// nothing about x0, and 0 is returned, as by Epsilon.
struct Score {
  static constexpr bool needs_signal = true;
  Mix target(const Level& l) const { return {0, l.sigma > 0 ? -1 / l.sigma : 0}; }
  Mix x0(const Level& l) const {
    return l.alpha > 0 ? Mix{1 / l.alpha, l.sigma * l.sigma / l.alpha} : Mix{0, 0};
  }
  Mix eps(const Level& l) const { return {0, -l.sigma}; }
  std::string description() const { return "score"; }
};

}  // namespace foglift::inline v0::predict
