#include "commands.hpp"
#include "console.hpp"
#include "foglift/core/parallel.hpp"
#include "foglift/forecast/impute/classical.hpp"
#include "foglift/forecast/impute/gaps.hpp"
#include "foglift/forecast/score/point.hpp"
#include "imputing.hpp"
#include "session.hpp"
#include "tables.hpp"

#include <iostream>

namespace tool {

namespace {

/// Series with known cells hidden, and where.
struct Trial {
  std::vector<forecast::Series> series;
  std::vector<std::vector<std::size_t>> cells;  ///< of each series
  std::size_t count = 0;
};

/// Hides a tenth of the known values in gaps of the lengths of the file's, 400 at most.
Trial hide(const std::vector<forecast::Series>& series, std::uint64_t seed) {
  std::vector<forecast::Gap> like;
  for (const forecast::Series& s : series)
    for (const forecast::Gap& gap : forecast::find_gaps(s.values)) like.push_back(gap);
  Trial out{series, std::vector<std::vector<std::size_t>>(series.size())};
  const Index most = std::max<Index>(10, 400 / std::ssize(series));
  for (std::size_t s = 0; s < series.size(); ++s)
    for (const forecast::Gap& gap : forecast::gaps_to_hide(
             series[s].values, like, 0.1, most, foglift::Rng(seed).stream(0x41D).stream(s)))
      for (Index t = gap.first; t < gap.first + gap.length; ++t) {
        out.cells[s].push_back(static_cast<std::size_t>(t));
        out.series[s].values[static_cast<std::size_t>(t)] = NAN;
        ++out.count;
      }
  return out;
}

struct Filler {
  std::string name;
  std::vector<Tensor<double>> paths;  ///< [paths, cells] of each series
};

Tensor<double> one_path(const std::vector<double>& values) {
  return {{1, std::ssize(values)}, values};
}

/// A row for each way to fill: what it says of the hidden values.
Json judge(const std::vector<Filler>& fillers, const std::vector<forecast::Series>& series,
           const Trial& trial) {
  Json out = Json::array();
  for (const Filler& f : fillers) {
    const auto n = static_cast<Index>(trial.count), paths = f.paths.front().dim(0);
    Tensor<double> drawn({n, paths, 1}), came({n, 1});
    Index row = 0;
    for (std::size_t s = 0; s < series.size(); ++s)
      for (const std::size_t t : trial.cells[s]) {
        came(row, 0) = series[s].values[t];
        for (Index p = 0; p < paths; ++p) drawn(row, p, 0) = f.paths[s](p, static_cast<Index>(t));
        ++row;
      }
    out.push_back({{"name", f.name},
                   {"crps", number(forecast::crps(drawn, came))},
                   {"mae", number(forecast::mae(drawn, came))},
                   {"coverage_80",
                    paths > 1 ? number(forecast::coverage(drawn, came, 0.8)) : Json(nullptr)}});
  }
  return out;
}

void print_judged(const Json& rows, std::size_t count) {
  std::cout << "\n  " << padded(counted(static_cast<Index>(count), "hidden value"), 32)
            << "      CRPS        MAE  80 % holds\n";
  for (const Json& row : rows) {
    const auto cell = [&](const char* name, const char* format, double factor) {
      return row[name].is_null() ? std::string("-")
                                 : text(format, factor * row[name].get<double>());
    };
    std::cout << "  " << padded(row["name"].get<std::string>(), 32)
              << text(" %9s  %9s  %10s\n", cell("crps", "%.4g", 1).c_str(),
                      cell("mae", "%.4g", 1).c_str(), cell("coverage_80", "%.0f %%", 100).c_str());
  }
  const Json& best = *std::min_element(rows.begin(), rows.end(), [](const Json& a, const Json& b) {
    return a["crps"].get<double>() < b["crps"].get<double>();
  });
  std::cout << "  Of the least error (CRPS; of a single value the MAE): "
            << best["name"].get<std::string>() << "\n\n";
}

/// filled.csv: every cell, and at filled ones the quantiles of several paths.
data::CsvTable table_of(const Input& in, const std::vector<Tensor<double>>& filled,
                        const std::vector<double>& levels) {
  std::vector<std::string> name, time;
  std::vector<double> value, flag;
  const bool several = filled.front().dim(0) > 1;
  std::vector<std::vector<double>> columns(several ? levels.size() : 0);
  for (std::size_t s = 0; s < in.series().size(); ++s) {
    const forecast::Series& series = in.series()[s];
    std::vector<double> members(static_cast<std::size_t>(filled[s].dim(0)));
    for (Index t = 0; t < series.size(); ++t) {
      for (Index p = 0; p < filled[s].dim(0); ++p)
        members[static_cast<std::size_t>(p)] = filled[s](p, t);
      const bool known = !std::isnan(series.value(t)), is = !known && !std::isnan(members[0]);
      std::sort(members.begin(), members.end());
      name.push_back(series.name);
      time.push_back(series.time.text(t));
      value.push_back(known ? series.value(t) : is ? forecast::quantile_linear(members, 0.5) : NAN);
      flag.push_back(is);
      for (std::size_t q = 0; q < columns.size(); ++q)
        columns[q].push_back(is ? forecast::quantile_linear(members, levels[q]) : NAN);
    }
  }
  data::CsvTable out("filled");
  if (in.series().size() > 1) out.add_texts("series", std::move(name));
  out.add_texts("time", std::move(time));
  out.add(in.unit(), std::move(value));
  out.add("filled", std::move(flag));
  for (std::size_t q = 0; q < columns.size(); ++q)
    out.add("q" + data::format_number(levels[q]), std::move(columns[q]));
  return out;
}

}  // namespace

int impute(const Words& words) {
  CLI::App app{
      "Fills missing values between known ones. classical: the season is taken off, straight lines "
      "are drawn, the season is put back. model: a diffusion model, trained in a minute or two on "
      "known values that it hides from itself, draws what stood there, with quantiles. Says how "
      "large the errors are where known values are hidden. Values before the first and behind the "
      "last stay missing.",
      "forecast impute"};
  app.footer(
      "Examples:\n"
      "  forecast impute load.csv --out whole      whole/filled.csv\n"
      "  forecast impute load.csv --season 168\n"
      "  forecast impute load.csv --method model   with quantiles of what is filled");
  Options o;
  o.out = "foglift-impute";
  o.method = "classical";
  o.steps = 1000;
  std::string config;
  app.add_option("file", o.file, "CSV with a column of dates and one of numbers");
  app.add_option("--method", o.method, "classical, or model")
      ->capture_default_str()
      ->check(CLI::IsMember({"classical", "model"}));
  app.add_option("--season", o.season, "steps of the season (default: found out)")
      ->check(CLI::Range(1, 100000))
      ->allow_extra_args(false);
  app.add_option("--steps", o.steps, "of the model's training")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000000));
  app.add_option("--samples", o.samples, "paths of the model")
      ->capture_default_str()
      ->check(CLI::Range(10, 10000));
  app.add_option("--quantiles", o.quantiles, "levels in filled.csv, of the model")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0))
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--seed", o.seed, "of everything random")->capture_default_str();
  add(app, o, Part::reading);
  add(app, o, Part::holidays);
  describe_app(app, o, config);
  parse_with_config(app, words, config);
  if (o.threads > 0) foglift::set_threads(o.threads);
  std::sort(o.quantiles.begin(), o.quantiles.end());
  Input in = read_input(o);
  add_holidays(in, o, 0, {});
  RunFolder::require(o.out, {"filled.csv", "run.toml"}, o.force,
                     "add --force to overwrite it, or choose another --out");
  const bool found = o.season.empty();
  if (found) o.season = {in.seasons.empty() ? 1 : in.seasons.front()};
  const Index season = o.season.front();
  in.read.guesses.push_back({season > 1 ? "season " + span(in.step(), season) : "no season",
                             found ? "as the values show" : "", "--season"});
  if (!o.quiet) describe(in);

  const Trial trial = hide(in.series(), o.seed);
  std::vector<Filler> fillers = {{"straight lines", {}}, {"classical (season and lines)", {}}};
  std::vector<Tensor<double>> filled;
  for (std::size_t s = 0; s < in.series().size(); ++s) {
    const std::vector<double>& known = trial.series[s].values;
    fillers[0].paths.push_back(one_path(forecast::straight_lines(known)));
    fillers[1].paths.push_back(one_path(forecast::seasonal_fill(known, season).values));
    filled.push_back(one_path(forecast::seasonal_fill(in.series()[s].values, season).values));
  }
  if (o.method == "model") {
    Imputed drawn = impute_by_model({in.series(), trial.series, season, o});
    if (drawn.signal != 0) {
      std::cerr << "Stopped; nothing was written.\n";
      return 128 + drawn.signal;
    }
    fillers.push_back({"diffusion model", std::move(drawn.hidden)});
    filled = std::move(drawn.whole);
  }
  const RunFolder folder(o.out);
  const data::CsvTable table = table_of(in, filled, o.quantiles);
  folder.write("filled.csv", data::csv_text(table));
  Json options = stored_options(o);
  for (auto it = options.begin(); it != options.end();)
    it = it.key() != "file" && !app.get_option_no_throw("--" + it.key()) ? options.erase(it)
                                                                         : std::next(it);
  folder.write("run.toml",
               "# forecast impute --config run.toml --force  here gives the same results.\n" +
                   config::toml(options));
  const std::vector<std::string> names = folder.commit({});

  const auto& flags = table.numbers("filled");
  const auto& values = table.numbers(in.unit());
  const auto count = std::count(flags.begin(), flags.end(), 1.0);
  const auto left =
      std::count_if(values.begin(), values.end(), [](double v) { return std::isnan(v); });
  std::cout << counted(count, "value") << " filled, " << left
            << " left missing (before the first or behind the last)\n";
  if (trial.count > 0)
    print_judged(judge(fillers, in.series(), trial), trial.count);
  else
    std::cout << "No known stretch is long enough to hide values in, so the error is not known\n";
  print_written(o.out, names);
  return 0;
}

}  // namespace tool
