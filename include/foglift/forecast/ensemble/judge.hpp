#pragma once

#include "foglift/forecast/calibrate/conformal.hpp"
#include "foglift/forecast/combine/weights.hpp"

namespace foglift::inline v0::forecast {

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

/// The weights that windows call for. The first part, a model, is not known at the `early` ones:
/// the others are weighed by all windows, then the model and their combination by the rest.
inline Combination chosen_weights(std::span<const Tensor<double>> parts,
                                  const Tensor<double>& actual, std::span<const Index> series,
                                  Index early, const JudgeOptions& o) {
  const auto fit = [&](std::span<const Tensor<double>> some, const Tensor<double>& came,
                       std::span<const Index> of, const WeightOptions& by) {
    Combination out = fit_weights(some, came, series_scales(some, came, of), by);
    if (o.combine) return out;
    const auto best = std::min_element(out.loss.begin(), out.loss.end()) - out.loss.begin();
    out.weights.assign(some.size(), 0);
    out.weights[static_cast<std::size_t>(best)] = 1;
    out.order = best;
    return out;
  };
  if (early == 0 || parts.size() == 1) return fit(parts, actual, series, o.weights);
  WeightOptions by = o.weights;
  if (!by.shares.empty()) by.shares.erase(by.shares.begin());
  const Combination others = fit(parts.subspan(1), actual, series, by);
  const Index W = actual.dim(0) - early;
  const Tensor<double> two[] = {parts[0].rows(early, W), others(parts.subspan(1)).rows(early, W)};
  double good = 0;  // the shares of those that weigh something: the model counts as one of them
  for (std::size_t k = 0; k < others.weights.size(); ++k)
    if (others.weights[k] > 0) good += by.shares.empty() ? 1 : by.shares[k];
  by.shares = {o.weights.shares.empty() ? 1 : o.weights.shares[0], good};
  Combination out =
      fit(two, actual.rows(early, W), series.subspan(static_cast<std::size_t>(early)), by);
  const double model = out.weights[0];
  out.weights = {model};
  for (const double w : others.weights) out.weights.push_back((1 - model) * w);
  out.loss.resize(1);
  out.loss.insert(out.loss.end(), others.loss.begin(), others.loss.end());
  out.order = std::max_element(out.weights.begin(), out.weights.end()) - out.weights.begin();
  return out;
}
}  // namespace detail

/// What windows are, in their order: early ones, validation, backtest.
struct JudgedWindows {
  Index early = 0;  ///< at which the first part was not drawn; its paths there are not read
  Index validation = 0;
  std::vector<Index> series;  ///< of each window
  std::vector<Index> turn;    ///< of each: in the backtest, a later turn may know what came before
};

/// Judges parts [W, S, H] by actual values [W, H], NaN where nothing is known. Without windows
/// before the backtest, weights are equal and nothing is calibrated at first. Throws what
/// fit_weights and Conformal do.
inline Judgement judge(std::span<const Tensor<double>> parts, const Tensor<double>& actual,
                       const JudgedWindows& windows, const JudgeOptions& o = {}) {
  detail::require_parts(parts, "judge");
  const Index W = parts[0].dim(0), H = parts[0].dim(2), before = windows.early + windows.validation;
  const Index B = W - before;
  if (windows.early < 0 || windows.validation < 0 || B < 0 || actual.shape() != Shape{W, H} ||
      std::ssize(windows.series) != W || std::ssize(windows.turn) != W)
    raise<ShapeError>("judge: ", parts[0].shape(), " with ", windows.early, " and ",
                      windows.validation, " windows before the backtest, actual values ",
                      actual.shape(), ", ", windows.series.size(), " series and ",
                      windows.turn.size(), " turns");
  std::vector<Tensor<double>> known;
  for (const Tensor<double>& part : parts) known.push_back(part.rows(0, before));
  const std::span<const Index> series = windows.series, turn = windows.turn;
  Judgement out;
  out.chosen =
      detail::chosen_weights(known, actual.rows(0, before),
                             series.first(static_cast<std::size_t>(before)), windows.early, o);
  out.combination = detail::chosen_weights(parts, actual, series, windows.early, o);

  // Walks the backtest turn by turn; the windows of one turn do not know each other.
  const auto walk = [&](const Combination& by, const Tensor<double>& combined,
                        Tensor<double>* calibrated) {
    Conformal conformal(H, o.conformal);
    for (Index w = by.weights[0] > 0 ? windows.early : 0; w < before; ++w)
      conformal.observe(combined, actual, w);
    const Index turns = B > 0 ? *std::max_element(turn.begin() + before, turn.end()) + 1 : 0;
    for (Index t = 0; t < turns; ++t) {
      const Stretch now = conformal.stretch();
      for (Index w = before; w < W; ++w)
        if (calibrated && turn[static_cast<std::size_t>(w)] == t) now.apply(*calibrated, w);
      for (Index w = before; w < W; ++w)
        if (turn[static_cast<std::size_t>(w)] == t) conformal.follow(combined, actual, w);
    }
    return conformal.stretch();
  };
  const Tensor<double> chosen = out.chosen(parts);
  Tensor<double> calibrated = chosen;
  if (o.calibrate) {
    walk(out.chosen, chosen, &calibrated);
    out.stretch = walk(out.combination, out.combination(parts), nullptr);
  }
  out.combined = chosen.rows(before, B);
  out.paths = calibrated.rows(before, B);
  return out;
}

}  // namespace foglift::inline v0::forecast
