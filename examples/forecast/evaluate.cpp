#include "commands.hpp"
#include "console.hpp"
#include "evaluate_rows.hpp"
#include "foglift/forecast/score/calibration.hpp"
#include "foglift/forecast/score/multivariate.hpp"
#include "foglift/forecast/score/point.hpp"
#include "session.hpp"
#include "tables.hpp"

#include <iostream>

namespace tool {

namespace {

/// Scores of quantiles; each metric by what its levels tell of it.
forecast::Score score_quantiles(const Rows& rows) {
  const std::size_t levels = rows.levels.size();
  double pinball = 0, size = 0, count = 0, inside = 0, scaled = 0, scaled_count = 0;
  const auto at = [&](double level) {
    for (std::size_t q = 0; q < levels; ++q)
      if (std::abs(rows.levels[q] - level) < 1e-9) return &rows.columns[q];
    return static_cast<const std::vector<double>*>(nullptr);
  };
  const auto *low = at(0.1), *high = at(0.9), *median = at(0.5);
  for (std::size_t i = 0; i < rows.actual.size(); ++i) {
    const double y = rows.actual[i];
    if (std::isnan(y)) continue;
    for (std::size_t q = 0; q < levels; ++q) {
      const double error = y - rows.columns[q][i];
      pinball += std::max(rows.levels[q] * error, (rows.levels[q] - 1) * error);
    }
    size += std::abs(y);
    ++count;
    if (low && high) inside += (*low)[i] <= y && y <= (*high)[i];
    if (median && rows.scale[i] > 0)
      scaled += std::abs((*median)[i] - y) / rows.scale[i], ++scaled_count;
  }
  const auto n = static_cast<double>(levels);
  forecast::Score s{.name = "forecast"};
  const auto undefined = [&](const char* why) {
    s.undefined += std::string(s.undefined.empty() ? "" : "; ") + why;
  };
  s.crps = 2 * pinball / n / count;
  if (size > 0)
    s.quantile_loss = 2 * pinball / n / size;
  else
    undefined("wQL: every actual value is 0");
  if (low && high)
    s.coverage = inside / count;
  else
    undefined("80 % holds: needs the quantiles 0.1 and 0.9");
  if (median && scaled_count > 0)
    s.mase = scaled / scaled_count;
  else
    undefined(median ? "MASE: no past that changes before the forecast"
                     : "MASE: needs the quantile 0.5");
  return s;
}

forecast::Score score_paths(const Rows& rows) {
  const auto n = std::ssize(rows.actual), paths = std::ssize(rows.columns);
  Tensor<double> drawn({n, paths, 1}), came({n, 1});
  for (Index i = 0; i < n; ++i) {
    const auto row = static_cast<std::size_t>(i);
    came(i, 0) = rows.actual[row];
    for (Index p = 0; p < paths; ++p)
      drawn(i, p, 0) = rows.columns[static_cast<std::size_t>(p)][row];
  }
  Tensor<double> scaled = came;  // where the past changes
  std::vector<double> scales = rows.scale;
  bool any = false;
  for (Index i = 0; i < n; ++i) {
    double& scale = scales[static_cast<std::size_t>(i)];
    if (!(scale > 0)) scale = 1, scaled(i, 0) = NAN;
    any = any || !std::isnan(scaled(i, 0));
  }
  forecast::Score s{.name = "forecast", .crps = forecast::crps(drawn, came)};
  s.coverage = forecast::coverage(drawn, came, 0.8);
  if (std::any_of(came.begin(), came.end(), [](double v) { return v != 0 && !std::isnan(v); }))
    s.quantile_loss = forecast::mean_weighted_quantile_loss(drawn, came);
  if (any)
    s.mase = forecast::mase(drawn, scaled, scales);
  else
    s.undefined = "MASE: no past that changes before the forecast";
  return s;
}

/// Scores of points and of calibration, by name; NaN where one is undefined.
std::vector<std::pair<const char*, double>> more_scores(const Rows& rows) {
  const auto n = std::ssize(rows.actual);
  std::vector<const std::vector<double>*> columns;
  for (std::size_t q = 0; q < rows.columns.size(); ++q)
    if (rows.levels.empty() || std::abs(rows.levels[q] - 0.5) < 1e-9)
      columns.push_back(&rows.columns[q]);
  if (columns.empty()) return {};
  Tensor<double> drawn({n, std::ssize(columns), 1}), came({n, 1});
  for (Index i = 0; i < n; ++i) {
    came(i, 0) = rows.actual[static_cast<std::size_t>(i)];
    for (std::size_t p = 0; p < columns.size(); ++p)
      drawn(i, static_cast<Index>(p), 0) = (*columns[p])[static_cast<std::size_t>(i)];
  }
  const auto score = [&](const auto& metric) -> double {
    try {
      return metric(drawn, came);
    } catch (const foglift::Error&) {
      return NAN;
    }
  };
  std::vector<std::pair<const char*, double>> out = {
      {"MAE of the median", score([](auto& x, auto& y) { return forecast::mae(x, y); })},
      {rows.levels.empty() ? "RMSE of the mean" : "RMSE of the median",
       score([](auto& x, auto& y) { return forecast::rmse(x, y); })},
      {"sMAPE, %", score([](auto& x, auto& y) { return forecast::smape(x, y); })},
      {"ND", score([](auto& x, auto& y) { return forecast::normalized_deviation(x, y); })}};
  if (!rows.levels.empty()) return out;
  out.emplace_back("QICE, %", score([](auto& x, auto& y) { return forecast::qice(x, y); }));
  out.emplace_back("coverage error",
                   score([](auto& x, auto& y) { return forecast::coverage_error(x, y); }));
  out.emplace_back("spread over skill",
                   score([](auto& x, auto& y) { return forecast::spread_skill(x, y).ratio; }));
  // Of whole windows: what steps have to do with each other, which no score of single cells sees.
  double energy = 0, variogram = 0, windows = 0;
  for (std::size_t w = 0; w < rows.windows.size(); ++w) {
    const auto first = static_cast<Index>(rows.windows[w]);
    const Index end = w + 1 < rows.windows.size() ? static_cast<Index>(rows.windows[w + 1]) : n;
    const Index H = end - first, P = drawn.dim(1);
    Tensor<double> paths({1, P, H}), actual({1, H});
    for (Index h = 0; h < H; ++h) {
      actual(0, h) = came(first + h, 0);
      for (Index p = 0; p < P; ++p) paths(0, p, h) = drawn(first + h, p, 0);
    }
    if (std::all_of(actual.begin(), actual.end(), [](double v) { return std::isnan(v); })) continue;
    energy += forecast::energy_score(paths, actual);
    variogram += forecast::variogram_score(paths, actual);
    ++windows;
  }
  out.emplace_back("energy score", windows > 0 ? energy / windows : NAN);
  out.emplace_back("variogram score", windows > 0 ? variogram / windows : NAN);
  return out;
}

/// How often what came was at most each quantile.
void print_reliability(const Rows& rows) {
  if (rows.levels.empty()) return;
  std::cout << "  quantile   share of actual values at or below it\n";
  for (std::size_t q = 0; q < rows.levels.size(); ++q) {
    double below = 0, count = 0;
    for (std::size_t i = 0; i < rows.actual.size(); ++i)
      if (!std::isnan(rows.actual[i])) below += rows.actual[i] <= rows.columns[q][i], ++count;
    std::cout << text("  %8g   %.3f\n", rows.levels[q], below / count);
  }
}

}  // namespace

int evaluate(const Words& words) {
  CLI::App app{
      "Judges any forecast file with columns of quantiles or of sample paths by what came.",
      "forecast evaluate"};
  Options o;
  std::string path, time, config, json_path;
  Index season = 1;
  app.add_option("forecast", path,
                 "CSV with a date column and quantiles (q0.1, p10, lo-80 ...) or paths (path1 ...)")
      ->required();
  app.add_option("actual", o.file, "CSV with what came, and best with what was before it")
      ->required();
  app.add_option("--time", time, "column of dates in the forecast (default: time, or the last)");
  app.add_option("--season", season, "steps of the season, for MASE")->check(CLI::Range(1, 100000));
  app.add_option("--json", json_path, "file to write the scores into");
  add(app, o, Part::reading);
  app.add_option("--config", config, "options in a file, TOML or JSON");
  app.footer(
      "Examples:\n"
      "  forecast evaluate monday/forecast.csv load.csv\n"
      "  forecast evaluate other_tool.csv sales.csv --target revenue --season 7 --json "
      "scores.json");
  parse_with_config(app, words, config);
  const Input actual = read_input(o);
  const Rows rows = read_rows(path, actual, time, season);
  if (std::all_of(rows.actual.begin(), rows.actual.end(), [](double v) { return std::isnan(v); }))
    foglift::raise<foglift::ArgumentError>(path, ": no row has an actual value in ", o.file);
  const forecast::Score s = rows.levels.empty() ? score_paths(rows) : score_quantiles(rows);
  const auto known = std::count_if(rows.actual.begin(), rows.actual.end(),
                                   [](double v) { return !std::isnan(v); });
  std::cout << path << ": " << rows.actual.size() << " rows, " << known << " with an actual value; "
            << rows.columns.size() << (rows.levels.empty() ? " paths\n" : " quantiles\n");
  print_table({s});
  if (!s.undefined.empty()) std::cout << "  - " << s.undefined << '\n';
  if (!rows.levels.empty())
    std::cout << "  - CRPS and wQL from " << rows.levels.size() << " quantiles\n";
  const auto more = more_scores(rows);
  for (const auto& [name, value] : more)
    std::cout << "  " << padded(name, 20) << ' ' << shown(value, "%.4g") << '\n';
  print_reliability(rows);
  if (json_path.empty()) return 0;
  Json out = {{"forecast", path},
              {"actual", o.file},
              {"rows", rows.actual.size()},
              {"known", known},
              {"scores", json(std::vector<forecast::Score>{s})}};
  for (const auto& [name, value] : more) out["scores"][0][name] = number(value);
  try {
    foglift::write_file(json_path, out.dump(2, ' ', false, Json::error_handler_t::replace) + '\n');
  } catch (const foglift::FormatError& error) {
    throw RunFolder::Unwritable(error.what());
  }
  return 0;
}

}  // namespace tool
