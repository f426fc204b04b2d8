#pragma once

#include "foglift/forecast/ensemble.hpp"
#include "foglift/forecast/methods/linear.hpp"
#include "foglift/io/checkpoint.hpp"
#include "foglift/train/callbacks/every.hpp"
#include "foglift/train/callbacks/pace.hpp"
#include "foglift/train/callbacks/stop_when.hpp"
#include "foglift/train/interrupt.hpp"
#include "methods.hpp"
#include "support/progress.hpp"

namespace tool {

using namespace foglift;

/// Scores of paths at the backtest's origins, over all series and of each.
inline void add_scores(Backtest& b, const std::string& name, const Tensor<double>& paths,
                       const std::vector<forecast::Series>& series, Index season) {
  b.scores.push_back(forecast::score(name, paths, series, b.origins, season));
  b.of_series.resize(series.size());
  for (std::size_t s = 0; s < series.size(); ++s) {
    const auto [rows, own] =
        forecast::detail::rows_of_series(paths, b.origins, static_cast<Index>(s));
    if (!own.empty()) b.of_series[s].push_back(forecast::score(name, rows, series, own, season));
  }
}

/// A model of one method.
template <class M>
class ModelOf final : public Model {
 public:
  ModelOf(std::string name, const typename M::Options& method,
          const forecast::EnsembleOptions& options)
      : name_(std::move(name)), method_(method), whole_(method, options) {}

  std::string description() const override {
    return name_ + " of " + std::to_string(nn::parameter_count(whole_.state().model)) + " weights";
  }
  Index step() const override { return whole_.state().step; }

  Index affordable_steps(const std::vector<forecast::Series>& series,
                         double minutes) const override {
    const auto& options = whole_.options();
    forecast::ForecasterOptions training = options.training;
    training.patience = 0;  // there are no validations to be patient with
    forecast::Forecaster<M> trial(method_, training);
    train::callback::Pace pace(seconds_now);
    try {
      trial.fit(series, pace, train::callback::StopWhen([&] {
                  return pace.steps() >= 3 && pace.seconds() > std::min(4.0, 6 * minutes);
                }));
    } catch (const Error&) {  // the whole will do without the model, and say why
      return 1;
    }
    constexpr double validations = 1.05;  // their share of the time
    const double left = 60 * minutes - pace.seconds();
    const auto steps = static_cast<Index>(left / (pace.each() * validations * (1 + options.refit)));
    if constexpr (std::is_same_v<M, forecast::Linear>) {
      // A dozen passes over the windows bring a linear model to its optimum.
      Index cells = 0;
      for (const forecast::Series& s : series) cells += s.size();
      return std::clamp(steps, Index{50},
                        std::max<Index>(800, 12 * cells / options.training.batch));
    }
    constexpr Index enough = 1000;  // more gain nothing on hourly bicycle hires; see docs
    return std::clamp(steps, Index{50}, enough);
  }

  int train(const std::vector<forecast::Series>& series, const std::string& config,
            const Show& show, const Save& save) override {
    const train::Interrupt interrupt;
    const auto keep = [&](const auto& state) { save(io::checkpoint_bytes(state, config)); };
    const auto tell = [&](const train::FitProgress& p) {
      show({nullptr, whole_.refitting(), p.step, p.steps, p.smoothed_loss,
            whole_.state().best_metric});
    };
    whole_.on_drawn([&](const char* what, Index done, Index all) {
      show({.judged = what, .step = done, .steps = all});
    });
    const train::FitEnd end =
        whole_.fit(series, tell, train::callback::Every(200, keep), interrupt);
    if (end != train::FitEnd::stopped) return 0;
    keep(whole_.state());
    return interrupt.signal();
  }

  Backtest report() const override {
    const forecast::EnsembleReport& r = whole_.report();
    Backtest b{r.origins, r.actual,  r.paths, r.scores, r.of_series,
               r.parts,   r.weights, r.notes, r.effects};
    const auto rename = [](std::vector<forecast::Score>& scores) {
      for (forecast::Score& score : scores)
        if (score.name == "combination") score.name = "forecast, uncalibrated";
      if (!scores.empty()) scores.back().name = "forecast";
    };
    rename(b.scores);
    for (auto& own : b.of_series) rename(own);
    if (r.refit_steps > 0)
      b.notes.push_back("the validation chose the weights after " +
                        std::to_string(r.trained_steps) + " steps; " +
                        std::to_string(r.refit_steps) + " more on all data followed");
    return b;
  }

  Backtest judge(const std::vector<forecast::Series>& series) const override {
    const auto& options = whole_.options();
    const forecast::FrameOptions& frame = whole_.framer().options();
    const forecast::TrimmedPanel panel(series);
    const auto windows = forecast::Windows::of(panel, frame.horizon, options.windows);
    Backtest b;
    for (const forecast::Origin& o : windows.backtest) b.origins.push_back(panel.there(o));
    if (b.origins.empty()) return b;
    b.actual = forecast::actual_values(series, b.origins, frame.horizon);
    b.paths = whole_.paths(series, b.origins, options.paths);
    const forecast::ClassicalParts classical(
        panel, windows.backtest,
        {.draws = {.horizon = frame.horizon, .paths = options.paths, .seasons = frame.seasons},
         .seed = options.training.seed,
         .mask_outliers = options.mask_outliers});
    for (forecast::Part& part : classical.draw([](std::size_t) { return true; })) {
      if (part.paths.empty()) {
        b.notes.push_back(part.name + " was left out: " + part.reason);
        continue;
      }
      options.bounds.apply(part.paths);
      add_scores(b, part.name, part.paths, series, frame.season());
    }
    add_scores(b, "forecast", b.paths, series, frame.season());
    return b;
  }

  Tensor<double> paths(const std::vector<forecast::Series>& series,
                       std::span<const forecast::Origin> origins, Index paths) const override {
    return whole_.paths(series, origins, paths);
  }
  std::string checkpoint(const std::string& config) const override {
    return io::checkpoint_bytes(whole_.state(), config);
  }
  void restore(const io::Checkpoint& saved) override { saved.restore(whole_.state()); }
  void begin_with(const io::Checkpoint& saved) override {
    saved.weights(whole_.state().model);
    whole_.state().ema = whole_.state().model;
  }

 private:
  std::string name_;
  typename M::Options method_;
  forecast::Ensemble<M> whole_;
};

}  // namespace tool
