#pragma once

#include "foglift/forecast/score/backtest.hpp"
#include "words.hpp"

#include <algorithm>
#include <array>
#include <cmath>
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

  const forecast::Score& whole() const { return scores.back(); }
};

/// Ends of the 95, 80 and 50 % bands around the median, of pictures.
inline constexpr std::array<double, 7> band_levels{.025, .1, .25, .5, .75, .9, .975};

/// "-" where a metric is undefined.
inline std::string shown(double v, const char* format) {
  return std::isfinite(v) ? text(format, v) : "-";
}

/// CRPS of each step of the horizon; NaN where nothing is known.
inline std::vector<double> crps_by_step(const Tensor<double>& paths, const Tensor<double>& actual) {
  std::vector<double> out, members;
  for (Index h = 0; h < actual.dim(1); ++h) {
    double sum = 0, count = 0;
    for (Index w = 0; w < actual.dim(0); ++w) {
      if (std::isnan(actual(w, h))) continue;
      members.clear();
      for (Index p = 0; p < paths.dim(1); ++p) members.push_back(paths(w, p, h));
      sum += forecast::crps(members, actual(w, h));
      ++count;
    }
    out.push_back(count > 0 ? sum / count : NAN);
  }
  return out;
}

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
inline std::string verdict(const std::vector<forecast::Score>& scores) {
  if (scores.empty()) return "The series is too short to judge the forecast by its past.";
  const forecast::Score& whole = scores.back();
  const forecast::Score* best = best_baseline(scores);
  if (!std::isfinite(whole.crps)) return "The forecast can not be judged: " + whole.undefined + '.';
  if (!best) return "There is no baseline to compare with.";
  if (best->crps == 0) return "The best baseline, " + best->name + ", makes no error at all.";
  const double percent = 100 * (1 - whole.crps / best->crps);
  if (percent > 0)
    return text("The forecast beats the best single baseline, %s, by %.1f %% in CRPS.",
                best->name.c_str(), percent);
  return text(
      "The forecast does not beat the best single baseline, %s: its CRPS is %.1f %% higher.",
      best->name.c_str(), -percent);
}

/// Why metrics are undefined, and what was done otherwise, each once.
inline std::vector<std::string> remarks(const Backtest& b) {
  std::vector<std::string> out = b.notes;
  for (const forecast::Score& s : b.scores)
    if (!s.undefined.empty() && std::find(out.begin(), out.end(), s.undefined) == out.end())
      out.push_back(s.undefined);
  return out;
}

}  // namespace tool
