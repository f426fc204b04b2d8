#include "results.hpp"

#include "foglift/forecast/baselines/list.hpp"
#include "support/progress.hpp"

namespace tool {

namespace {

/// Model::paths with a bar, a few windows at a time.
Tensor<double> drawn(const Model& model, const Input& in,
                     const std::vector<forecast::Origin>& origins, const Options& o,
                     const char* task) {
  Progress bar(task, o.quiet);
  const std::span<const forecast::Origin> all(origins);
  Tensor<double> out;
  constexpr std::size_t at_once = 4;
  for (std::size_t w = 0; w < all.size(); w += at_once) {
    const Tensor<double> some =
        model.paths(in.series(), all.subspan(w, std::min(at_once, all.size() - w)), o.samples);
    if (w == 0) out = Tensor<double>({std::ssize(all), some.dim(1), some.dim(2)});
    std::copy(some.begin(), some.end(), out.data() + std::ptrdiff_t(w) * out.row_size());
    bar.update(std::ssize(all.subspan(0, std::min(all.size(), w + at_once))), std::ssize(all),
               "windows");
  }
  return out;
}

}  // namespace

Future forecast_next(const Model& model, const Input& in, const Options& o) {
  Future f;
  for (Index s = 0; s < std::ssize(in.series()); ++s)
    f.origins.push_back({s, in.series()[static_cast<std::size_t>(s)].size()});
  f.paths = drawn(model, in, f.origins, o, "drawing the forecast");
  return f;
}

Judged windows_of(const Input& in, const std::vector<forecast::Origin>& origins, const Plan& plan) {
  Judged j;
  j.actual = forecast::actual_values(in.series(), origins, plan.horizon);
  for (const forecast::Origin& origin : origins) {
    const auto& values = in.series()[static_cast<std::size_t>(origin.series)].values;
    const auto past = std::span(values).first(static_cast<std::size_t>(origin.at));
    j.scales.push_back(forecast::seasonal_error(past, plan.season()));
    j.of_series.push_back(origin.series);
  }
  return j;
}

Backtest backtest(const Model& model, const Input& in, const Plan& plan, const Options& o) {
  Backtest b;
  b.origins = forecast::rolling_origins(in.series(), plan.horizon, plan.windows);
  b.model = windows_of(in, b.origins, plan);
  b.model.paths = drawn(model, in, b.origins, o, "drawing the backtest");
  const Index series = std::ssize(in.series());
  b.scores.push_back(score(plan.method + " model", b.model, series));
  Progress bar("baselines", o.quiet);
  const forecast::BaselineOptions options{
      .horizon = plan.horizon, .paths = o.samples, .seasons = plan.seasons};
  const foglift::Rng rng = foglift::Rng(o.seed).stream(0xBA5E);
  for (const forecast::Baseline& each : forecast::baselines) {
    bar.update(std::ssize(b.scores) - 1, std::ssize(forecast::baselines), each.name);
    Judged judged = b.model;
    try {
      judged.paths =
          forecast::baseline_paths(in.series(), b.origins, options, rng,
                                   [&](std::span<const double> past, const foglift::Rng& own) {
                                     return each.draw(past, options, own);
                                   });
    } catch (const foglift::Error& error) {
      b.scores.push_back({.name = each.name, .failed = error.what()});
      continue;
    }
    if (plan.non_negative)  // what the model is told, the baselines are told too
      for (double& v : judged.paths) v = std::max(v, 0.0);
    b.scores.push_back(score(each.name, judged, series));
  }
  return b;
}

}  // namespace tool
