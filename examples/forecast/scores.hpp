#pragma once

#include "foglift/forecast/score/backtest.hpp"
#include "words.hpp"

#include <array>
#include <string>
#include <vector>

namespace tool {

namespace forecast = foglift::forecast;
using foglift::Index;
using foglift::Tensor;

/// What the model, its parts and the whole said of the last windows.
struct Backtest {
  std::vector<forecast::Origin> origins;  ///< oldest first in every series
  Tensor<double> actual;                  ///< [W, H], NaN where it is missing
  Tensor<double> paths;                   ///< [W, S, H] of the whole
  std::vector<forecast::Score> scores;    ///< of the parts, the whole last
  std::vector<std::vector<forecast::Score>> of_series;
  std::vector<std::string> parts;  ///< that were weighed
  std::vector<double> weights;     ///< in the forecast of what comes next
  std::vector<std::string> notes;
  /// CRPS of the model alone, and with each covariate that is known ahead held at its mean.
  std::vector<double> effects;

  const forecast::Score& whole() const { return scores.back(); }
};

/// Ends of the 95, 80 and 50 % bands around the median, of pictures.
inline constexpr std::array<double, 7> band_levels{.025, .1, .25, .5, .75, .9, .975};

/// "-" where a metric is undefined.
std::string shown(double v, const char* format);

/// CRPS of each step of the horizon; NaN where nothing is known.
std::vector<double> crps_by_step(const Tensor<double>& paths, const Tensor<double>& actual);

/// The part of the least CRPS that is neither the model nor the whole.
inline const forecast::Score* best_baseline(const std::vector<forecast::Score>& scores) {
  const forecast::Score* best = nullptr;
  for (const forecast::Score& s : scores)
    if (std::isfinite(s.crps) && s.name.find(" model") == s.name.npos &&
        s.name.rfind("forecast", 0) != 0 && (!best || s.crps < best->crps))
      best = &s;
  return best;
}

/// The whole against the best of the baselines.
std::string verdict(const std::vector<forecast::Score>& scores);

/// Why metrics are undefined, and what was done otherwise, each once.
std::vector<std::string> remarks(const Backtest& b);

}  // namespace tool
