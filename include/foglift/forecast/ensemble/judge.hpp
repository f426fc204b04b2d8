#pragma once

#include "foglift/forecast/calibrate/conformal.hpp"
#include "foglift/forecast/combine/weights.hpp"

namespace foglift {
inline namespace v0 {
namespace forecast {

/// What windows of parts say of their combination.
struct Judgement {
  Combination chosen;       ///< by the validation; what the backtest is drawn with
  Tensor<double> combined;  ///< [backtest windows, S, H], not calibrated
  Tensor<double> paths;     ///< the same, each calibrated by what was known before it
  Combination combination;  ///< by all windows; what comes next is drawn with it
  Stretch stretch;          ///< by all windows
};

struct JudgeOptions {
  bool combine = true;    ///< else all weight is given to the best part
  bool calibrate = true;  ///< else the stretch is empty
  WeightOptions weights = {};
  ConformalOptions conformal = {};
};

namespace detail {
/// Of each window the typical CRPS of the parts in its series, so that series count the same.
inline std::vector<double> series_scales(std::span<const Tensor<double>> parts,
                                         const Tensor<double>& actual,
                                         std::span<const Index> series) {
  const std::vector<double> ones(series.size(), 1.0);
  const Index most = series.empty() ? 0 : *std::max_element(series.begin(), series.end());
  std::vector<double> scale(static_cast<std::size_t>(most + 1), 1.0);
  std::vector<std::vector<double>> losses;
  for (const Tensor<double>& part : parts) losses.push_back(window_losses(part, actual, ones));
  for (Index s = 0; s <= most; ++s) {
    std::vector<double> of_part;
    for (const auto& loss : losses) {
      std::vector<double> own;
      for (std::size_t w = 0; w < series.size(); ++w)
        if (series[w] == s) own.push_back(loss[w]);
      if (const double mean = mean_of_known(own); mean > 0) of_part.push_back(mean);
    }
    std::sort(of_part.begin(), of_part.end());
    if (!of_part.empty()) scale[static_cast<std::size_t>(s)] = of_part[of_part.size() / 2];
  }
  std::vector<double> out;
  for (const Index s : series) out.push_back(scale[static_cast<std::size_t>(s)]);
  return out;
}

inline Combination chosen_weights(std::span<const Tensor<double>> parts,
                                  const Tensor<double>& actual, std::span<const Index> series,
                                  const JudgeOptions& o) {
  Combination out = fit_weights(parts, actual, series_scales(parts, actual, series), o.weights);
  if (o.combine) return out;
  const auto best = std::min_element(out.loss.begin(), out.loss.end()) - out.loss.begin();
  out.weights.assign(parts.size(), 0);
  out.weights[static_cast<std::size_t>(best)] = 1;
  out.order = best;
  return out;
}
}  // namespace detail

/// Judges parts [W, S, H] at windows of which the first `validation` choose and the others are the
/// backtest: actual values [W, H], NaN where nothing is known, the series of each window, and its
/// turn in the backtest: a window of a later turn may know what came in those of earlier ones.
/// Without validation windows, weights are equal and nothing is calibrated. Throws what fit_weights
/// and Conformal do.
inline Judgement judge(std::span<const Tensor<double>> parts, const Tensor<double>& actual,
                       Index validation, std::span<const Index> series, std::span<const Index> turn,
                       const JudgeOptions& o = {}) {
  detail::require_parts(parts, "judge");
  const Index W = parts[0].dim(0), B = W - validation, H = parts[0].dim(2);
  if (validation < 0 || B < 0 || actual.shape() != Shape{W, H} || std::ssize(series) != W ||
      std::ssize(turn) != W)
    raise<ShapeError>("judge: ", parts[0].shape(), " with ", validation,
                      " windows of validation, actual values ", actual.shape(), ", ", series.size(),
                      " series and ", turn.size(), " turns");
  std::vector<Tensor<double>> before;
  for (const Tensor<double>& part : parts) before.push_back(part.rows(0, validation));
  Judgement out;
  out.chosen = detail::chosen_weights(before, actual.rows(0, validation),
                                      series.first(static_cast<std::size_t>(validation)), o);
  out.combination = detail::chosen_weights(parts, actual, series, o);

  // Walks the backtest turn by turn; the windows of one turn do not know each other.
  const auto walk = [&](const Tensor<double>& combined, Tensor<double>* calibrated) {
    Conformal conformal(H, o.conformal);
    for (Index w = 0; w < validation; ++w) conformal.observe(combined, actual, w);
    const Index turns = B > 0 ? *std::max_element(turn.begin() + validation, turn.end()) + 1 : 0;
    for (Index t = 0; t < turns; ++t) {
      const Stretch now = conformal.stretch();
      for (Index w = validation; w < W; ++w)
        if (calibrated && turn[static_cast<std::size_t>(w)] == t) now.apply(*calibrated, w);
      for (Index w = validation; w < W; ++w)
        if (turn[static_cast<std::size_t>(w)] == t) conformal.follow(combined, actual, w);
    }
    return conformal.stretch();
  };
  const Tensor<double> chosen = out.chosen(parts);
  Tensor<double> calibrated = chosen;
  if (o.calibrate) {
    walk(chosen, &calibrated);
    out.stretch = walk(out.combination(parts), nullptr);
  }
  out.combined = chosen.rows(validation, B);
  out.paths = calibrated.rows(validation, B);
  return out;
}

}  // namespace forecast
}  // namespace v0
}  // namespace foglift
