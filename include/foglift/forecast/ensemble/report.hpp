#pragma once

#include "foglift/autograd/ops/shape_ops.hpp"
#include "foglift/forecast/bounds.hpp"
#include "foglift/forecast/ensemble/classical.hpp"
#include "foglift/forecast/ensemble/judge.hpp"
#include "foglift/forecast/score/backtest.hpp"

namespace foglift::inline v0::forecast {

/// A gross outlier of a panel, that training and forecasts took for missing.
struct MaskedValue {
  Index series = 0;
  Outlier outlier;  ///< its cell counts from the first of the series, as it was given
};

/// What a backtest says of an ensemble and its parts, and what was decided.
struct EnsembleReport {
  std::vector<Origin> origins;           ///< of the backtest, oldest first in every series
  Tensor<double> actual;                 ///< [origins, H], NaN where it is missing or an outlier
  Tensor<double> paths;                  ///< [origins, paths, H] of the whole
  std::vector<std::string> parts;        ///< the model's name first
  std::vector<double> weights;           ///< of the forecast of what comes next
  std::vector<double> backtest_weights;  ///< chosen by the validation alone
  Tensor<double> stretch;                ///< [calibrated_intervals, H], 1: calibrated as it was
  /// Over all series: of the parts that could be drawn, "combination", "combination, calibrated".
  std::vector<Score> scores;
  std::vector<std::vector<Score>> of_series;  ///< the same of each series
  std::vector<MaskedValue> masked;
  std::vector<std::string> notes;  ///< what was left out or done otherwise, and why
  Index early_windows = 0;         ///< before the validation, by which baselines are judged
  Index validation_windows = 0;
  Index trained_steps = 0;  ///< those that the validation chose; 0: not trained
  Index refit_steps = 0;
  /// CRPS of the method alone on some windows of the backtest, as given, and then with each
  /// covariate that is known ahead held at its mean; empty if not asked for, or not trained.
  std::vector<double> effects;

  const Score& whole() const { return scores.back(); }
};

namespace detail {

/// Puts the mean of a column's known cells into them.
inline void hold_at_mean(Tensor<double>& table, Index column) {
  double sum = 0, count = 0;
  for (Index t = 0; t < table.dim(0); ++t)
    if (const double v = table(t, column); !std::isnan(v)) sum += v, ++count;
  for (Index t = 0; t < table.dim(0); ++t)
    if (double& v = table(t, column); !std::isnan(v)) v = sum / count;
}

/// The rows of paths [W, S, H] whose origins are of a series.
inline std::pair<Tensor<double>, std::vector<Origin>> rows_of_series(
    const Tensor<double>& paths, std::span<const Origin> origins, Index series) {
  std::vector<Index> rows;
  std::vector<Origin> own;
  for (std::size_t w = 0; w < origins.size(); ++w)
    if (origins[w].series == series) {
      rows.push_back(static_cast<Index>(w));
      own.push_back(origins[w]);
    }
  return {paths.rows(rows), own};
}

/// Scores of paths at origins over all series, and of each into `of_series`.
inline void add_scores(EnsembleReport& report, const std::string& name, const Tensor<double>& paths,
                       const std::vector<Series>& series, std::span<const Origin> origins,
                       Index season) {
  report.scores.push_back(score(name, paths, series, origins, season));
  report.of_series.resize(series.size());
  for (std::size_t s = 0; s < series.size(); ++s) {
    const auto [rows, own] = rows_of_series(paths, origins, static_cast<Index>(s));
    report.of_series[s].push_back(own.empty() ? Score{.name = name, .undefined = "no window"}
                                              : score(name, rows, series, own, season));
  }
}

/// The series up to `ends`, with what stands beside them, gross outliers missing if `mask`.
inline std::vector<Series> known_until(const TrimmedPanel& data, std::span<const Index> ends,
                                       bool mask) {
  std::vector<Series> out;
  for (Index s = 0; s < data.size(); ++s) {
    const Index end = ends[static_cast<std::size_t>(s)];
    out.push_back(cells_of(data[s], 0, end));
    out.back().values = data.history({s, end}, mask);
  }
  return out;
}

inline std::vector<Index> ends_of(const TrimmedPanel& data) {
  std::vector<Index> out;
  for (const Series& s : data.series()) out.push_back(s.size());
  return out;
}

}  // namespace detail

/// What an ensemble decides by its windows, and says of them.
struct EnsembleChoice {
  EnsembleReport report;
  std::vector<double> weights;  ///< of the model and every baseline, 0 where one was not drawn
};

/// Judges parts, the model's first, drawn at windows.all(): by judge(), within bounds.
inline EnsembleChoice choose(std::vector<Part> parts, const TrimmedPanel& data,
                             const Windows& windows, const ClassicalParts::Options& drawn,
                             const Bounds& bounds, JudgeOptions options) {
  EnsembleChoice out;
  EnsembleReport& report = out.report;
  out.weights.assign(parts.size(), 0);
  const auto note = [&](const std::string& text) { report.notes.push_back(text); };
  const std::vector<Origin> all = windows.all();
  report.validation_windows = std::ssize(windows.validation);
  report.early_windows = std::ssize(windows.early);
  const auto full = detail::known_until(data, detail::ends_of(data), drawn.mask_outliers);
  if (drawn.mask_outliers)
    for (Index s = 0; s < data.size(); ++s)
      for (Outlier bad : find_outliers(data[s].values)) {
        bad.cell = data.there({s, bad.cell}).at;
        report.masked.push_back({s, bad});
      }
  if (all.empty()) {
    note("too few values to judge by: the parts have equal weights, and nothing is calibrated");
    std::fill(out.weights.begin() + 1, out.weights.end(),
              1 / static_cast<double>(out.weights.size() - 1));
    report.stretch = Tensor<double>({std::ssize(calibrated_intervals), drawn.draws.horizon}, 1.0);
    return out;
  }

  std::vector<Tensor<double>> paths;
  std::vector<std::size_t> places;
  options.weights.shares.clear();
  for (std::size_t k = 0; k < parts.size(); ++k) {
    if (parts[k].paths.empty()) {
      note(parts[k].name + " was left out: " + parts[k].reason);
      continue;
    }
    bounds.apply(parts[k].paths);
    paths.push_back(std::move(parts[k].paths));
    report.parts.push_back(parts[k].name);
    options.weights.shares.push_back(k == 0 ? 1 : baselines[k - 1].share);
    places.push_back(k);
  }
  if (paths.empty()) {
    paths.push_back(ClassicalParts(data, all, drawn).last_value());
    report.parts.push_back("last value");
    options.weights.shares = {1};
    note("no part could be drawn: the last value is repeated");
  }

  // A model was trained on what came at the early windows; without one, they are as good as others.
  const Index E = std::ssize(windows.early), V = std::ssize(windows.validation);
  const Index B = std::ssize(windows.backtest);
  const bool model = !places.empty() && places[0] == 0;
  JudgedWindows judged_windows{model ? E : 0, model ? V : E + V, {}, {}};
  for (const Origin& o : all) judged_windows.series.push_back(o.series);
  judged_windows.turn.resize(static_cast<std::size_t>(E + V));
  for (const Origin& o : windows.backtest)  // counted from the end, which all series share
    judged_windows.turn.push_back(windows.each - (KnownCells::of(data[o.series]).last - o.at) /
                                                     drawn.draws.horizon);
  options.weights.independent = options.conformal.independent = windows.independent;
  const auto past = detail::known_until(data, windows.cut, drawn.mask_outliers);
  const auto before = std::span(all).first(static_cast<std::size_t>(E + V));
  const Tensor<double> came[] = {actual_values(past, before, drawn.draws.horizon),
                                 actual_values(full, windows.backtest, drawn.draws.horizon)};
  report.actual = came[1];
  Judgement judged = judge(paths, concat({came[0], came[1]}, 0), judged_windows, options);
  const ClassicalParts still(data, windows.backtest, drawn);
  for (Tensor<double>* t : {&judged.combined, &judged.paths}) {
    if (!windows.backtest.empty()) still.replace_stopped(*t);
    bounds.apply(*t);
  }
  for (std::size_t k = 0; k < places.size(); ++k)
    out.weights[places[k]] = judged.combination.weights[k];
  report.weights = judged.combination.weights;
  report.backtest_weights = judged.chosen.weights;
  report.stretch =
      judged.stretch.factors.empty()
          ? Tensor<double>({std::ssize(calibrated_intervals), drawn.draws.horizon}, 1.0)
          : judged.stretch.factors;
  for (const Origin& o : windows.backtest) report.origins.push_back(data.there(o));
  if (windows.backtest.empty()) {
    note("too few values to judge by: there is no backtest");
    return out;
  }
  const auto add = [&](const std::string& name, const Tensor<double>& p) {
    detail::add_scores(report, name, p, full, windows.backtest, drawn.draws.season());
  };
  for (std::size_t k = 0; k < paths.size(); ++k) add(report.parts[k], paths[k].rows(E + V, B));
  add("combination", judged.combined);
  add("combination, calibrated", judged.paths);
  report.paths = std::move(judged.paths);
  return out;
}

}  // namespace foglift::inline v0::forecast
