#pragma once

#include "foglift/forecast/forecaster.hpp"
#include "foglift/forecast/methods/horizon_diffusion.hpp"
#include "foglift/forecast/methods/linear.hpp"
#include "forecast_settings.hpp"
#include "series_file.hpp"

#include <limits>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

/// How a series is split and modelled. Three parts in order: training, validation (chooses the
/// weights), backtest (judges them).
struct Plan {
  foglift::Index horizon, windows, samples;
  std::vector<foglift::Index> seasons;  ///< the main one first; at most two
  std::string method;                   ///< "diffusion" or "linear"
  foglift::forecast::HorizonDiffusion<>::Options diffusion;
  foglift::forecast::ForecasterOptions training;

  foglift::forecast::Linear::Options linear() const { return {diffusion.frame}; }
  foglift::Index season() const { return seasons.empty() ? 1 : seasons.front(); }
};

/// Throws ArgumentError, saying how much is needed, for a series too short for a horizon.
inline Plan make_plan(const SeriesFile& file, const Settings& settings) {
  using foglift::Index;
  const Index n = file.series.size();
  Plan plan{settings.horizon, 0, settings.samples, file.seasons, settings.method, {}, {}};
  if (settings.season > 0) {
    std::erase(plan.seasons, settings.season);
    plan.seasons.insert(plan.seasons.begin(), settings.season);
  }
  plan.seasons.resize(std::min<std::size_t>(plan.seasons.size(), 2));
  const auto [shortest, longest] = std::minmax_element(plan.seasons.begin(), plan.seasons.end());
  if (plan.horizon == 0) {  // two of the shortest season
    const Index wanted = plan.seasons.empty() ? 24 : std::clamp<Index>(2 * *shortest, 8, 96);
    plan.horizon = std::clamp<Index>(n / 20, std::min<Index>(wanted, 4), wanted);
  }
  const Index H = plan.horizon, season = plan.season();
  // A fifth of the series, at most 14 windows, for the backtest; as much for the validation.
  plan.windows = std::clamp<Index>(n / (5 * H), 1, 14);
  const Index held_out = 2 * plan.windows * H, least = held_out + 2 * std::max(season, H) + 2 * H;
  if (n < least)
    foglift::raise<foglift::ArgumentError>(
        file.path, ": ", n, " values are too few for a horizon of ", H, " and a season of ", season,
        "; at least ", least, " are needed, or a smaller --horizon");
  const auto& x = file.series.values;
  plan.diffusion.frame = {
      .horizon = H,
      .context = std::clamp<Index>(plan.seasons.empty() ? 2 * H : *longest, H, 4 * H),
      .seasons = plan.seasons,
      .calendar = foglift::forecast::Calendar::of(file.series.time.frequency, n - held_out)};
  plan.training.validation = plan.windows * H;
  plan.training.learning_rate = 2e-3;
  plan.training.weight_decay = 0.05;
  plan.training.non_negative =
      std::none_of(x.begin(), x.end() - plan.windows * H, [](double v) { return v < 0; });
  plan.training.seed = settings.seed;
  plan.diffusion.net = {.width = 24,
                        .multipliers = {1, 2, 2},
                        .blocks = 1,
                        .middle_attention = false,
                        .dropout = 0.3};
  return plan;
}

/// Steps after which a method learns nothing more: a dozen passes over the training windows bring a
/// linear one to its optimum; others take all the time there is.
inline foglift::Index most_steps(const SeriesFile& file, const Plan& plan) {
  if (plan.method != "linear") return std::numeric_limits<foglift::Index>::max();
  const foglift::Index windows =
      file.series.size() - plan.windows * plan.horizon - plan.training.validation;
  return std::max<foglift::Index>(800, 12 * windows / plan.training.batch);
}

/// Everything that decides the numbers of a run, as it stands in report.json and in the checkpoint.
inline nlohmann::ordered_json config(const SeriesFile& file, const Plan& plan) {
  nlohmann::ordered_json out = {{"sha256", file.sha256},
                                {"date", file.date},
                                {"target", file.target},
                                {"horizon", plan.horizon},
                                {"backtest_windows", plan.windows},
                                {"validation", plan.training.validation},
                                {"seasons", plan.seasons},
                                {"context", plan.diffusion.frame.context},
                                {"samples", plan.samples},
                                {"seed", plan.training.seed},
                                {"steps", plan.training.steps},
                                {"batch", plan.training.batch},
                                {"learning_rate", plan.training.learning_rate},
                                {"sampling_steps", plan.diffusion.sampling_steps},
                                {"non_negative", plan.training.non_negative},
                                {"width", plan.diffusion.net.width},
                                {"dropout", plan.diffusion.net.dropout}};
  if (plan.method != "diffusion") out["method"] = plan.method;  // runs of before had no choice
  if (!file.date_format.empty()) out["date_format"] = file.date_format;
  if (file.decimal != '\0') out["decimal"] = file.decimal == ',' ? "comma" : "point";
  return out;
}

/// Takes from a stored config what the user may have chosen, so that a run is resumed as it began.
inline void restore(Settings& settings, const std::string& stored) {
  const auto c = nlohmann::json::parse(stored);
  settings.date = c.at("date");
  settings.date_format = c.value("date_format", "");
  settings.decimal = c.value("decimal", "");
  settings.target = c.at("target");
  settings.horizon = c.at("horizon");
  settings.samples = c.at("samples");
  settings.method = c.value("method", "diffusion");
  settings.seed = c.at("seed");
  settings.steps = c.at("steps");
  const std::vector<foglift::Index> seasons = c.at("seasons");
  if (!seasons.empty()) settings.season = seasons.front();
}
