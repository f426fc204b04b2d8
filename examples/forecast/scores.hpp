#pragma once

#include "foglift/forecast/score/backtest.hpp"
#include "words.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

namespace tool {

/// A metric, or why it is undefined.
struct Metric {
  std::optional<double> value = {};
  std::string why = {};

  bool operator<(const Metric& other) const {
    return value.value_or(INFINITY) < other.value.value_or(INFINITY);
  }
  /// "-" where it is undefined.
  std::string shown(const char* format) const { return value ? text(format, *value) : "-"; }
};

template <class F>
Metric measured(const F& f) {
  try {
    return {f()};
  } catch (const foglift::Error& error) {
    return {std::nullopt, error.what()};
  }
}

/// The numbers that forecasts of some windows are judged by.
struct Score {
  std::string name;
  Metric crps = {}, quantile_loss = {}, coverage = {}, mase = {};
  std::vector<Metric> by_step = {};    ///< CRPS of each step of the horizon
  std::vector<Metric> by_series = {};  ///< CRPS of each series
  std::string failed = {};             ///< why there is no forecast
};

/// Paths of some windows with what came, one window a row.
struct Judged {
  foglift::Tensor<double> paths, actual;  ///< [W, S, H], [W, H]
  std::vector<double> scales;             ///< seasonal errors before each window, for MASE
  std::vector<foglift::Index> of_series;  ///< the series of each window
};

/// MASE over the windows before which something changed.
inline Metric mase_where_defined(const Judged& j) {
  foglift::Tensor<double> actual = j.actual;
  std::vector<double> scales = j.scales;
  foglift::Index left_out = 0;
  for (std::size_t w = 0; w < scales.size(); ++w) {
    if (scales[w] > 0 && std::isfinite(scales[w])) continue;
    scales[w] = 1;
    ++left_out;
    for (foglift::Index h = 0; h < actual.dim(1); ++h)
      actual(static_cast<foglift::Index>(w), h) = NAN;
  }
  Metric m = measured([&] { return foglift::forecast::mase(j.paths, actual, scales); });
  if (left_out > 0)
    m.why = left_out == std::ssize(scales) ? "the past of no window changes over a season"
                                           : text("without %s whose past does not change",
                                                  counted(left_out, "window").c_str());
  return m;
}

/// CRPS of every step of the horizon, and of every series.
inline void crps_of_parts(const Judged& j, foglift::Index series, Score& s) {
  using foglift::Index;
  struct Mean {
    double sum = 0, count = 0;
    Metric metric() const {
      return count > 0 ? Metric{sum / count} : Metric{std::nullopt, "no actual value"};
    }
  };
  std::vector<Mean> step(static_cast<std::size_t>(j.actual.dim(1)));
  std::vector<Mean> each(static_cast<std::size_t>(series));
  std::vector<double> members;
  for (Index w = 0; w < j.actual.dim(0); ++w)
    for (Index h = 0; h < j.actual.dim(1); ++h) {
      if (std::isnan(j.actual(w, h))) continue;
      members.clear();
      for (Index p = 0; p < j.paths.dim(1); ++p) members.push_back(j.paths(w, p, h));
      const double crps = foglift::forecast::crps(members, j.actual(w, h));
      const auto own = static_cast<std::size_t>(j.of_series[static_cast<std::size_t>(w)]);
      for (Mean* mean : {&step[static_cast<std::size_t>(h)], &each[own]})
        mean->sum += crps, ++mean->count;
    }
  for (const Mean& mean : step) s.by_step.push_back(mean.metric());
  for (const Mean& mean : each) s.by_series.push_back(mean.metric());
}

/// All scores of forecasts.
inline Score score(std::string name, const Judged& j, foglift::Index series) {
  Score s{
      std::move(name), measured([&] { return foglift::forecast::crps(j.paths, j.actual); }),
      measured([&] { return foglift::forecast::mean_weighted_quantile_loss(j.paths, j.actual); }),
      measured([&] { return foglift::forecast::coverage(j.paths, j.actual, 0.8); }),
      mase_where_defined(j)};
  crps_of_parts(j, series, s);
  return s;
}

/// The baseline of the least CRPS, where one has one; the model comes first among the scores.
inline const Score* best_baseline(const std::vector<Score>& scores) {
  if (scores.size() < 2) return nullptr;
  const auto best = std::min_element(scores.begin() + 1, scores.end(),
                                     [](const auto& a, const auto& b) { return a.crps < b.crps; });
  return best->crps.value ? &*best : nullptr;
}

/// The model against the best of the baselines.
inline std::string verdict(const std::vector<Score>& scores) {
  const Score& model = scores.front();
  const Score* best = best_baseline(scores);
  if (!model.crps.value) return "The backtest can not be judged: " + model.crps.why + '.';
  if (!best) return "There is no baseline to compare with.";
  const double percent = 100 * (1 - *model.crps.value / *best->crps.value);
  if (!std::isfinite(percent))
    return "The best baseline, " + best->name + ", makes no error at all.";
  if (percent > 0)
    return text("The %s beats the best baseline, %s, by %.1f %% in CRPS.", model.name.c_str(),
                best->name.c_str(), percent);
  return text("The %s does not beat the best baseline, %s: its CRPS is %.1f %% higher.",
              model.name.c_str(), best->name.c_str(), -percent);
}

/// Why metrics are undefined or partial, each once.
inline std::vector<std::string> remarks(const std::vector<Score>& scores) {
  std::vector<std::string> out;
  const auto add = [&](const std::string& what, const std::string& why) {
    const std::string line = what + ": " + why;
    if (!why.empty() && std::find(out.begin(), out.end(), line) == out.end()) out.push_back(line);
  };
  for (const Score& s : scores) {
    if (!s.failed.empty()) {
      add(s.name, s.failed);
      continue;
    }
    add("CRPS", s.crps.why);
    add("wQL9", s.quantile_loss.why);
    add("80 % holds", s.coverage.why);
    add("MASE", s.mase.why);
  }
  return out;
}

}  // namespace tool
