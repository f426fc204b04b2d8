#pragma once

#include "foglift/forecast/ensemble/ensemble_options.hpp"
#include "foglift/forecast/ensemble/report.hpp"
#include "foglift/forecast/frame/best_center.hpp"

#include <functional>
#include <optional>

namespace foglift::inline v0::forecast {

/// A forecast from end to end: a method M trained on a panel, beside the classical `baselines`,
/// combined and calibrated by what they said of windows that they had not seen. Three stretches of
/// every series follow each other (Windows): training, validation, backtest.
///   1. M is trained until the validation stops improving.
///   2. Parts are weighed, and their combination calibrated, on the validation; the backtest
///      judges, and each of its windows may calibrate those after it.
///   3. With the backtest too, weights and calibration are found once more, and M goes on for a few
///      steps on all data, for what comes next.
/// Nothing of 1 and 2 that was fitted before a backtest window depends on a value in it or after
/// it. Series of one channel; series too short for M are left to the classical parts.
///
///   using Model = forecast::Ensemble<forecast::HorizonDiffusion<>>;
///   Model model({.frame = {.context = 168, .seasons = {24}}});
///   model.fit(series);
///   auto paths = model.paths(series, origins, 100);  // [origins, 100, horizon]
///   auto& report = model.report();
///   io::save_checkpoint("model.safetensors", model.state(), "");
template <Method M>
class Ensemble {
 public:
  using State = typename Forecaster<M>::State;

  /// Throws what Forecaster does.
  explicit Ensemble(const typename M::Options& method, const EnsembleOptions& options = {})
      : method_(method), options_(options), model_(method, training(0)) {
    if (options.windows < 0 || options.paths < 2 || !(options.refit >= 0))
      raise<ArgumentError>("Ensemble: windows ", options.windows, ", paths ", options.paths,
                           ", refit ", options.refit,
                           "; needed at least 0 windows, 2 paths, and a refit of 0 or more");
    std::string names;
    for (const Baseline& b : baselines) names += (names.empty() ? "" : ", ") + std::string(b.name);
    model_.state().made_for["ensemble"] = names;
  }

  const EnsembleOptions& options() const { return options_; }
  const Framer& framer() const { return model_.framer(); }
  /// All that training and choosing have become: what a checkpoint keeps, and puts back before
  /// `fit`, which goes on from there, or before `paths`.
  State& state() { return model_.state(); }
  const State& state() const { return model_.state(); }
  /// True once the backtest is over, and what is trained is the model for what comes next.
  bool refitting() const { return state().fitted.count(weights_key) > 0; }
  /// told(what, done, all) as `fit` draws windows between its trainings, which can take as long:
  /// "the model", "the model without a covariate", "the baselines". By one thread at a time.
  void on_drawn(std::function<void(const char*, Index, Index)> told) { told_ = std::move(told); }
  /// What the last `fit` found. Throws ArgumentError before it.
  const EnsembleReport& report() const {
    if (!report_) raise<ArgumentError>("Ensemble: no report; call fit");
    return *report_;
  }

  /// Does all three steps; callbacks are those of train::fit, in both trainings. Returns why it
  /// ended: FitEnd::stopped leaves a state to go on from with the same panel. A panel on which M
  /// can not be trained is forecast by the classical parts alone, and the report says why. Throws
  /// ArgumentError for several channels, or a series without a value, and what train::fit does.
  template <class... On>
  train::FitEnd fit(const Panel& panel, On&&... on) {
    const TrimmedPanel data(panel);
    const Windows windows = Windows::of(data, horizon(), options_.windows);
    const std::vector<Origin> all = windows.all();
    std::string untrained;
    if (!refitting()) {
      try {
        if (const auto end = train(data, windows, untrained, on...); end == train::FitEnd::stopped)
          return end;
      } catch (const NumericError& e) {
        untrained = e.what();
      }
      state().fitted.erase(model_key);
      if (untrained.empty()) {
        state().fitted[model_key] = model_paths(data, std::span(all).subspan(windows.early.size()),
                                                options_.paths, telling("the model"));
        if (options_.effects && panel.columns().known > 0 && !windows.backtest.empty())
          state().fitted[effects_key] = effects(data, windows.backtest, panel.columns().known);
      }
    }
    judge_windows(data, windows, untrained);
    return refit(data, on...);
  }

  /// Sample paths [origins, paths, horizon] of what follows each origin, combined, calibrated and
  /// within bounds. They depend on the state, the values before the origin, the origin among them
  /// and the number of paths, not on other origins or threads. Parts without weight are not drawn.
  /// Throws ArgumentError before the backtest was judged, by `fit` or in the state that was
  /// restored.
  Tensor<double> paths(const Panel& panel, std::span<const Origin> origins, Index paths) const {
    if (!refitting())
      raise<ArgumentError>("Ensemble: no weights; call fit, or restore a checkpoint of it");
    const TrimmedPanel data(panel);
    std::vector<Origin> here;
    for (const Origin& o : origins) here.push_back(data.here(o));
    std::vector<double> weights(state().fitted.at(weights_key).begin(),
                                state().fitted.at(weights_key).end());
    const ClassicalParts classical(data, here, classical_options(paths));
    std::vector<Part> parts = classical.draw([&](std::size_t k) { return weights.at(k + 1) > 0; });
    std::vector<Tensor<double>> drawn;
    std::vector<double> left;
    const auto add = [&](Tensor<double> p, double weight) {
      if (weight > 0 && !p.empty()) drawn.push_back(bounded(std::move(p))), left.push_back(weight);
    };
    if (weights[0] > 0) add(model_paths(data, here, paths), weights[0]);
    for (std::size_t k = 0; k < parts.size(); ++k) add(std::move(parts[k].paths), weights[k + 1]);
    if (drawn.empty()) add(classical.last_value(), 1);
    const double sum = std::accumulate(left.begin(), left.end(), 0.0);
    for (double& w : left) w = std::min(1.0, w / sum);
    Tensor<double> out =
        combine(drawn, left, std::max_element(left.begin(), left.end()) - left.begin());
    const Stretch stretch{state().fitted.at(stretch_key)};
    for (Index w = 0; w < out.dim(0); ++w) stretch.apply(out, w);
    classical.replace_stopped(out);
    return bounded(std::move(out));
  }

 private:
  static constexpr const char *weights_key = "ensemble.weights", *stretch_key = "ensemble.stretch",
                              *center_key = "ensemble.center",
                              *steps_key = "ensemble.steps",      // of the training, of the refit
                                  *model_key = "ensemble.model",  // its paths at all windows
                                      *effects_key = "ensemble.effects";
  static constexpr Index least_windows = 32;  // to train on

  Index horizon() const { return framer().options().horizon; }
  Index season() const { return framer().options().season(); }

  ForecasterOptions training(Index validation) const {
    ForecasterOptions o = options_.training;
    o.validation = validation;
    o.non_negative = false;
    if (validation == 0) o.patience = 0;
    return o;
  }
  /// The method with the center that was chosen.
  typename M::Options method() const {
    typename M::Options out = method_;
    if (const auto center = state().fitted.find(center_key); center != state().fitted.end())
      out.frame.center = static_cast<Center>(static_cast<int>(center->second[0]));
    return out;
  }
  /// The same state, trained in another way from now on.
  void train_by(const ForecasterOptions& o) {
    Forecaster<M> next(method(), o);
    next.state() = std::move(model_.state());
    model_ = std::move(next);
  }
  ClassicalParts::Options classical_options(Index paths) const {
    return {.draws = {.horizon = horizon(), .paths = paths, .seasons = framer().options().seasons},
            .seed = options_.training.seed,
            .mask_outliers = options_.mask_outliers};
  }
  Tensor<double> bounded(Tensor<double> paths) const {
    options_.bounds.apply(paths);
    return paths;
  }

  template <class... On>
  train::FitEnd train(const TrimmedPanel& data, const Windows& windows, std::string& untrained,
                      On&&... on) {
    const Index validation = windows.each * horizon();
    Index count = 0;  // windows with a value in them
    for (Index s = 0; s < data.size(); ++s)
      for (Index at = season(), end = windows.cut[static_cast<std::size_t>(s)] - validation,
                 last = -1;
           at + horizon() <= end; ++at) {
        for (Index t = std::max(last + 1, at); t < at + horizon(); ++t)
          if (!std::isnan(data[s].value(t))) last = t;
        count += last >= at ? 1 : 0;
      }
    if (count < least_windows) {
      untrained = "the series hold " + std::to_string(count) + " windows to train on, needed " +
                  std::to_string(least_windows);
      return train::FitEnd::steps;
    }
    const auto past = detail::known_until(data, windows.cut, options_.mask_outliers);
    if (options_.choose_center && state().fitted.count(center_key) == 0)
      state().fitted[center_key] = Tensor<double>(
          {1}, static_cast<double>(best_center(past, framer().options(), validation)));
    train_by(training(validation));
    return model_.fit(past, on...);
  }

  template <class... On>
  train::FitEnd refit(const TrimmedPanel& data, On&&... on) {
    const Index steps = report_->refit_steps;
    if (steps == 0) return train::FitEnd::steps;
    ForecasterOptions o = training(0);
    o.steps = steps;
    o.warm_up = std::min(o.warm_up, steps / 4);
    o.learning_rate *= 0.5;
    train_by(o);
    return model_.fit(detail::known_until(data, detail::ends_of(data), options_.mask_outliers),
                      on...);
  }

  /// CRPS of the method alone at 16 origins or fewer: as given, then with each known covariate held
  /// at its mean.
  Tensor<double> effects(const TrimmedPanel& data, const std::vector<Origin>& origins,
                         Index columns) const {
    std::vector<Origin> some;
    const std::size_t stride = (origins.size() + 15) / 16;
    for (std::size_t w = 0; w < origins.size(); w += stride) some.push_back(origins[w]);
    Tensor<double> out({columns + 1});
    const auto told = telling("the model without a covariate");
    const Index each = std::ssize(some);
    for (Index k = 0; k <= columns; ++k) {
      const auto own = [&](Index done, Index) {
        if (told) told(k * each + done, (columns + 1) * each);
      };
      const Tensor<double> drawn = bounded(model_paths(data, some, options_.paths, own, k - 1));
      out[k] = score("", drawn, data.series(), some, season()).crps;
    }
    return out;
  }

  /// Paths of the method alone, from the values before each origin; with a covariate `held` at its
  /// mean, if that is not negative.
  Tensor<double> model_paths(const TrimmedPanel& data, std::span<const Origin> origins, Index paths,
                             const std::function<void(Index, Index)>& told = {},
                             Index held = -1) const {
    std::vector<Series> series = data.series();
    for (Series& s : series)
      if (held >= 0) detail::hold_at_mean(s.known, held);
    Tensor<double> out({std::ssize(origins), paths, horizon()});
    Forecaster<M> model(method(), training(0));  // a state that was restored knows its center
    model.state() = state();
    for (std::size_t w = 0; w < origins.size(); ++w) {
      const Origin& o = origins[w];
      Series& own = series[static_cast<std::size_t>(o.series)];
      const std::vector<double> history = data.history(o, options_.mask_outliers);
      std::copy(history.begin(), history.end(), own.values.begin());
      const Tensor<double> one = model.paths(series, origins.subspan(w, 1), paths);
      std::copy(one.begin(), one.end(), out.data() + static_cast<Index>(w) * out.row_size());
      own.values = data[o.series].values;
      if (told) told(static_cast<Index>(w) + 1, std::ssize(origins));
    }
    return out;
  }

  /// Makes the report and, the first time, keeps what was chosen in the state and turns to the
  /// refit.
  void judge_windows(const TrimmedPanel& data, const Windows& windows,
                     const std::string& untrained) {
    auto& fitted = state().fitted;
    const std::vector<Origin> all = windows.all();
    std::vector<Part> parts = {{options_.name, {}, untrained}};
    if (const auto kept = fitted.find(model_key); kept != fitted.end()) {
      const Index early = std::ssize(windows.early), rest = std::ssize(all) - early;
      if (kept->second.shape() != Shape{rest, options_.paths, horizon()})
        raise<ArgumentError>("Ensemble::fit: the state was trained on another panel");
      parts[0].paths =
          concat({Tensor<double>({early, options_.paths, horizon()}), kept->second}, 0);
    }
    const bool trained = !parts[0].paths.empty();
    const ClassicalParts::Options drawn = classical_options(options_.paths);
    for (Part& part : ClassicalParts(data, all, drawn)
                          .draw([](std::size_t) { return true; }, telling("the baselines")))
      parts.push_back(std::move(part));
    EnsembleChoice choice =
        choose(std::move(parts), data, windows, drawn, options_.bounds, options_.judge);
    report_ = std::move(choice.report);
    if (!refitting()) {
      const double steps = static_cast<double>(state().best ? state().best_step : state().step);
      const double more = choice.weights[0] > 0 ? std::ceil(options_.refit * steps) : 0;
      fitted[weights_key] = Tensor<double>({std::ssize(choice.weights)}, choice.weights);
      fitted[stretch_key] = report_->stretch;
      fitted[steps_key] = Tensor<double>({2}, {trained ? steps : 0, trained ? more : 0});
      if (trained && more > 0) {
        Forecaster<M> next(method(), training(0));
        next.state().model = next.state().ema = M(state().result());
        next.state().fitted = fitted;
        next.state().made_for = state().made_for;
        model_ = std::move(next);
      }
    }
    const Tensor<double>& steps = state().fitted.at(steps_key);
    if (const auto kept = state().fitted.find(effects_key); kept != state().fitted.end())
      report_->effects.assign(kept->second.begin(), kept->second.end());
    report_->trained_steps = static_cast<Index>(steps[0]);
    report_->refit_steps = static_cast<Index>(steps[1]);
  }

  /// What tells of windows that are drawn by something; empty if nobody asked.
  std::function<void(Index, Index)> telling(const char* what) const {
    if (!told_) return {};
    return [this, what](Index done, Index all) { told_(what, done, all); };
  }

  typename M::Options method_;
  EnsembleOptions options_;
  Forecaster<M> model_;
  std::optional<EnsembleReport> report_;
  std::function<void(const char*, Index, Index)> told_;
};

}  // namespace foglift::inline v0::forecast
