#include "commands.hpp"
#include "console.hpp"
#include "foglift/core/parallel.hpp"
#include "foglift/forecast/score/quantile.hpp"
#include "foglift/forecast/stream/rolling_score.hpp"
#include "session.hpp"
#include "streaming.hpp"
#include "support/progress.hpp"
#include "tables.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <deque>
#include <iostream>

namespace tool {

namespace {

/// Rows of a stream: of each value that came, what is forecast for the next one, and how forecasts
/// of all steps ahead have done of late.
class Rows {
 public:
  Rows(const forecast::Series& series, const Options& o, Index window)
      : series_(series), o_(o), score_(window * o.horizon) {}

  std::string header() const {
    std::string out = "time,value,next";
    for (const double q : o_.quantiles) out += ",q" + data::format_number(q);
    return out + ",crps,coverage_80\n";
  }

  /// The first paths, before a value came.
  void begin(Tensor<double> paths) { drawn_.push_front(std::move(paths)); }
  /// Scores cell t by all paths that told it.
  void came(Index t, double value) {
    for (std::size_t h = 0; h < drawn_.size(); ++h)
      score_.add(members(drawn_[h], static_cast<Index>(h)), value);
    cell_ = t, value_ = value;
  }
  /// The row of the last value, with the paths of what follows.
  std::string row(Tensor<double> paths) {
    std::vector<double> next = members(paths, 0);
    std::sort(next.begin(), next.end());
    std::string out =
        series_.time.text(cell_) + "," + cell(value_) + "," + series_.time.text(cell_ + 1);
    for (const double q : o_.quantiles)
      out += "," + data::format_number(forecast::quantile_linear(next, q));
    out += "," + cell(score_.crps_mean()) + "," + cell(score_.coverage()) + "\n";
    drawn_.push_front(std::move(paths));
    if (std::ssize(drawn_) > o_.horizon) drawn_.pop_back();
    return out;
  }
  const forecast::RollingScore& score() const { return score_; }

 private:
  static std::string cell(double v) { return std::isnan(v) ? "" : data::format_number(v); }
  static std::vector<double> members(const Tensor<double>& paths, Index step) {
    std::vector<double> out;
    for (Index p = 0; p < paths.dim(0); ++p) out.push_back(paths(p, step));
    return out;
  }

  const forecast::Series& series_;
  const Options& o_;
  forecast::RollingScore score_;
  std::deque<Tensor<double>> drawn_;  // newest first
  Index cell_ = 0;
  double value_ = 0;
};

/// The next line of standard input: a number, or NaN for an empty one or NA. False at its end.
/// Throws FormatError for another line.
bool next_line(double& value) {
  std::string line;
  if (!std::getline(std::cin, line)) return false;
  if (!line.empty() && line.back() == '\r') line.pop_back();
  value = NAN;
  if (line.empty() || line == "NA") return true;
  const auto read = std::from_chars(line.data(), line.data() + line.size(), value);
  if (read.ec != std::errc() || read.ptr != line.data() + line.size())
    foglift::raise<foglift::FormatError>("standard input: '", line,
                                         "', needed a number, or NA where one is missing");
  return true;
}

/// What the model of a request is shown.
forecast::FrameOptions frame_of(const StreamRequest& r) {
  const Index season = r.seasons.empty() ? 1 : r.seasons.front();
  return {.horizon = r.o.horizon,
          .context = std::min(2 * std::max(season, r.o.horizon), r.past.size() / 3),
          .seasons = r.seasons,
          .calendar = forecast::Calendar::of(r.past.time.frequency, r.past.size()),
          .columns = forecast::Columns::of(r.past)};
}

struct Asked {
  Options o;
  Index last = 0, window = 168, redraw = 4;
  double noise_time = 0.7;
  bool follow = false;
};

Asked asked(const Words& words) {
  CLI::App app{
      "Forecasts anew after every value. Trains a model on the rows of a file but the last ones, "
      "and then takes these in one by one, as they would have come: of each, what is forecast for "
      "the next one, and CRPS and coverage of the last forecasts of all steps ahead. warm: a "
      "diffusion model of the whole horizon, which begins a draw from its last paths. recurrent: "
      "TimeGrad, whose network keeps its state.",
      "forecast stream"};
  app.footer(
      "Examples:\n"
      "  forecast stream load.csv --horizon 24 --last 168    stream.csv: the last 168 rows\n"
      "  forecast stream load.csv --method recurrent\n"
      "  meter | forecast stream load.csv --follow           a row for each line that comes");
  Asked a;
  a.o.out = "foglift-stream";
  a.o.method = "warm";
  a.o.steps = 500;
  a.o.quantiles = {.1, .5, .9};
  std::string config;
  app.add_option("file", a.o.file, "CSV with a column of dates and one of numbers");
  app.add_option("--method", a.o.method, "warm, or recurrent")
      ->capture_default_str()
      ->check(CLI::IsMember({"warm", "recurrent"}));
  app.add_option("--horizon", a.o.horizon, "steps ahead (default: a season, at least 8)")
      ->check(CLI::Range(1, 10000));
  app.add_option("--last", a.last, "rows that come one by one (default: a tenth)")
      ->check(CLI::Range(1, 100000000));
  app.add_flag("--follow", a.follow,
               "take in lines of standard input behind the file instead, and print rows");
  app.add_option("--window", a.window, "values that the running scores are of")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000000));
  app.add_option("--redraw", a.redraw, "steps of a draw from the last paths (warm)")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  app.add_option("--noise", a.noise_time, "time whose noise is laid over the last paths (warm)")
      ->capture_default_str()
      ->check(CLI::Range(0.01, 1.0));
  app.add_option("--season", a.o.season, "steps of the season (default: found out)")
      ->check(CLI::Range(1, 100000))
      ->allow_extra_args(false);
  app.add_option("--steps", a.o.steps, "of training")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000000));
  app.add_option("--samples", a.o.samples, "paths")
      ->capture_default_str()
      ->check(CLI::Range(10, 10000));
  app.add_option("--quantiles", a.o.quantiles, "levels of the next value")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0))
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--seed", a.o.seed, "of everything random")->capture_default_str();
  add(app, a.o, Part::reading);
  describe_app(app, a.o, config);
  parse_with_config(app, words, config);
  std::sort(a.o.quantiles.begin(), a.o.quantiles.end());
  return a;
}

}  // namespace

int stream(const Words& words) {
  Asked a = asked(words);
  Options& o = a.o;
  if (o.threads > 0) foglift::set_threads(o.threads);
  Input in = read_input(o);
  if (in.series().size() != 1)
    foglift::raise<foglift::ArgumentError>(in.path(), ": ", in.series().size(),
                                           " series; a stream is of one, choose it by --target");
  const forecast::Series& series = in.series().front();
  std::vector<Index> seasons = o.season.empty() ? in.seasons : o.season;
  seasons.resize(std::min<std::size_t>(seasons.size(), 2));
  const Index season = seasons.empty() ? 1 : seasons.front();
  if (o.horizon == 0) o.horizon = std::max<Index>(8, season);
  if (a.last == 0) a.last = std::max<Index>(1, series.size() / 10);
  StreamRequest request{series, seasons, o, a.redraw, a.noise_time};
  const Index start = a.follow ? series.size() : series.size() - a.last;
  if (start < 4 * std::max(season, o.horizon))
    foglift::raise<foglift::ArgumentError>(in.path(), ": ", start, " rows to train on, needed ",
                                           4 * std::max(season, o.horizon),
                                           ", four seasons or horizons");
  request.past.values.resize(static_cast<std::size_t>(start * series.channels));
  if (!a.follow)
    RunFolder::require(o.out, {"stream.csv"}, o.force,
                       "add --force to overwrite it, or choose another --out");
  if (!o.quiet && !a.follow) describe(in);
  const forecast::FrameOptions frame = frame_of(request);
  const StartedStream started =
      o.method == "warm" ? warm_stream(request, frame) : recurrent_stream(request, frame);
  if (!started.stream) {
    std::cerr << "Stopped; nothing was written.\n";
    return 128 + started.signal;
  }
  Stream& model = *started.stream;
  Rows rows(series, o, a.window);
  rows.begin(model.paths(o.samples));
  double seconds = 0;
  const auto took = [&](Index t, double value) {
    rows.came(t, value);
    const double began = seconds_now();
    model.observe(value);
    Tensor<double> paths = model.paths(o.samples);
    seconds += seconds_now() - began;
    return rows.row(std::move(paths));
  };
  if (a.follow) {
    std::cout << rows.header() << std::flush;
    double value = 0;
    for (Index t = start; next_line(value); ++t) std::cout << took(t, value) << std::flush;
    return 0;
  }
  std::string table = rows.header();
  for (Index t = start; t < series.size(); ++t) table += took(t, series.value(t));
  const RunFolder folder(o.out);
  folder.write("stream.csv", table);
  const std::vector<std::string> names = folder.commit({});
  std::cout
      << counted(a.last, "value") << " taken in, "
      << text("%.1f ms each; the last %td forecasts: CRPS %.4g, the 80 %% band holds %.0f %%\n",
              1e3 * seconds / static_cast<double>(a.last), rows.score().size(),
              rows.score().crps_mean(), 100 * rows.score().coverage());
  print_written(o.out, names);
  return 0;
}

}  // namespace tool
