#include "foglift/forecast/score/calibration.hpp"
#include "protocol.hpp"

using namespace foglift;
using namespace foglift::forecast;

namespace {

/// The last `horizon` cells of each of `windows` forecasts, `stride` apart, that end with the
/// series; the past is what none of them judges.
void judge(Protocol& p, Index windows, Index stride) {
  p.past = p.series;
  for (Index s = 0; s < std::ssize(p.series); ++s) {
    const Index size = p.series[static_cast<std::size_t>(s)].size();
    const Index first = size - p.frame.horizon - (windows - 1) * stride;
    for (Index w = 0; w < windows; ++w) p.origins.push_back({s, first + w * stride});
    Series& past = p.past[static_cast<std::size_t>(s)];
    past.values.resize(static_cast<std::size_t>(first * past.channels));
  }
}

double nine(const Tensor<double>& paths, const Tensor<double>& actual) {
  return mean_weighted_quantile_loss(paths, actual);
}

}  // namespace

Protocol m4_hourly(const std::string& folder) {
  const auto train = number_lines(folder + "/m4/Hourly-train.csv");
  const auto test = number_lines(folder + "/m4/Hourly-test.csv");
  if (train.size() != test.size())
    raise<FormatError>(folder, "/m4: ", train.size(), " series to train on, ", test.size(),
                       " to judge");
  Protocol p{.title = "M4-Hourly, 414 series, 312 -> 48",
             .convention = "mean weighted quantile loss, 9 levels, nearest rank",
             .frame = {.horizon = 48, .context = 312, .seasons = {24, 168}},
             .validation = 48,
             .crps = nine,
             .trivial_name = "seasonal naive, bootstrapped",
             .trivial = seasonal_naive_bootstrap,
             .published = {{"TSDiff-Q", ".036"},
                           {"TSDiff-Cond", ".039"},
                           {"CSDI", ".040"},
                           {"ARIMA", ".040"},
                           {"DeepAR", ".052"}}};
  for (std::size_t s = 0; s < train.size(); ++s) {
    Series series{
        .name = "H" + std::to_string(s + 1), .time = {0, {.seconds = 3600}}, .values = train[s]};
    series.values.insert(series.values.end(), test[s].begin(), test[s].end());
    p.series.push_back(std::move(series));
  }
  judge(p, 1, 48);
  return p;
}

Protocol exchange(const std::string& folder) {
  // Each line of the tests is a series up to the end of a window; the longest hold them all.
  auto lines = number_lines(folder + "/gluonts_nips/exchange_rate_nips_test.csv");
  constexpr std::size_t currencies = 8;
  if (lines.size() < currencies)
    raise<FormatError>(folder, "/gluonts_nips: ", lines.size(), " lines of tests, needed 40");
  lines.erase(lines.begin(), lines.end() - currencies);
  Series series{.name = "exchange", .time = {0, {.seconds = 86400}}, .channels = currencies};
  for (std::size_t t = 0; t < lines[0].size(); ++t)
    for (const auto& line : lines) series.values.push_back(line.at(t));
  Protocol p{.title = "Exchange, 8 currencies, 5 windows, 90 -> 30",
             .convention = "mean weighted quantile loss, 9 levels, nearest rank",
             .series = {std::move(series)},
             .frame = {.horizon = 30,
                       .context = 90,
                       .center = Center::last,
                       .columns = {.channels = currencies}},
             .validation = 300,
             .crps = nine,
             .trivial_name = "random walk, bootstrapped",
             .trivial = random_walk_bootstrap,
             .published = {{"TFT", ".007"}, {"TSFlow", ".008"}, {"seasonal naive", ".011"}}};
  judge(p, 5, 30);
  return p;
}

Protocol etth1(const std::string& folder) {
  constexpr std::size_t columns = 7;
  constexpr Index train = 12 * 30 * 24, validation = 4 * 30 * 24, test = 4 * 30 * 24;
  auto lines = number_lines(folder + "/ett/ETTh1.csv");
  Protocol p{.title = "ETTh1, 7 columns, 168 -> 192, every 24th window",
             .convention = "CRPS of values standardized by the training months",
             .frame = {.horizon = 192, .context = 168, .seasons = {24}},
             .validation = validation,
             .crps = [](const Tensor<double>& paths,
                        const Tensor<double>& actual) { return crps(paths, actual); },
             .trivial_name = "seasonal naive, bootstrapped",
             .trivial = seasonal_naive_bootstrap,
             .published = {{"NsDiff", ".392, QICE 1.47"},
                           {"TMDM", ".452, QICE 2.82"},
                           {"CSDI", ".492, QICE 3.11"},
                           {"TimeGrad", ".606, QICE 6.73"}}};
  std::erase_if(lines, [](const auto& line) { return line.size() != columns; });
  if (std::ssize(lines) < train + validation + test)
    raise<FormatError>(folder, "/ett/ETTh1.csv: ", lines.size(), " hours, needed ",
                       train + validation + test);
  for (std::size_t k = 0; k < columns; ++k) {
    double mean = 0, square = 0;
    for (Index t = 0; t < train; ++t) {
      const double v = lines[static_cast<std::size_t>(t)][k];
      mean += v / train, square += v * v / train;
    }
    Series series{.name = "column " + std::to_string(k + 1), .time = {0, {.seconds = 3600}}};
    for (Index t = 0; t < train + validation + test; ++t)
      series.values.push_back((lines[static_cast<std::size_t>(t)][k] - mean) /
                              std::sqrt(square - mean * mean));
    p.series.push_back(std::move(series));
  }
  judge(p, (test - p.frame.horizon) / 24 + 1, 24);
  return p;
}
