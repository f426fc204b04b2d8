#include "scores.hpp"

#include <algorithm>
#include <cmath>

namespace tool {

std::string shown(double v, const char* format) { return std::isfinite(v) ? text(format, v) : "-"; }

std::vector<double> crps_by_step(const Tensor<double>& paths, const Tensor<double>& actual) {
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

std::string verdict(const std::vector<forecast::Score>& scores) {
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

std::vector<std::string> remarks(const Backtest& b) {
  std::vector<std::string> out = b.notes;
  for (const forecast::Score& s : b.scores)
    if (!s.undefined.empty() && std::find(out.begin(), out.end(), s.undefined) == out.end())
      out.push_back(s.undefined);
  return out;
}

}  // namespace tool
