// Covers: season
#include "foglift/core/rng.hpp"
#include "foglift/forecast/series/season.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <numbers>

using namespace foglift;
using namespace foglift::forecast;

namespace {
using Seasons = std::vector<Index>;
const double missing = std::numeric_limits<double>::quiet_NaN();
const Frequency minutely{.seconds = 60}, five_minutes{.seconds = 300},
    quarter_hourly{.seconds = 900}, half_hourly{.seconds = 1800}, hourly{.seconds = 3600},
    daily{.seconds = day_seconds}, weekly{.seconds = week_seconds}, monthly{.months = 1};

double wave(Index t, Index period) {
  return std::sin(2 * std::numbers::pi * static_cast<double>(t) / static_cast<double>(period));
}
/// x[t] = 0.9 x[t - 1] + noise, of variance 1.
std::vector<double> wandering(Index n, std::uint64_t seed) {
  const auto noise = Rng(seed).normal<double>({n});
  std::vector<double> x;
  double v = 0;
  for (Index t = 0; t < n; ++t) x.push_back(v = 0.9 * v + std::sqrt(0.19) * noise[t]);
  return x;
}
}  // namespace

TEST_CASE("seasons: smooth cycles of every frequency, and no multiple of them",
          "[forecast][season]") {
  struct Case {
    Frequency frequency;
    Index season;
  };
  for (const auto& [frequency, season] : {Case{minutely, 1440},
                                          {five_minutes, 288},
                                          {quarter_hourly, 96},
                                          {half_hourly, 48},
                                          {hourly, 24},
                                          {daily, 7},
                                          {weekly, 52},
                                          {monthly, 12}}) {
    INFO(frequency.name());
    auto x = wandering(8 * std::max<Index>(season, 60), 2);
    CHECK(detect_seasons(x, frequency).empty());
    for (Index t = 0; t < std::ssize(x); ++t)  // as large as what wanders, over a trend
      x[static_cast<std::size_t>(t)] +=
          std::sqrt(2) * wave(t, season) + 5 * static_cast<double>(t) / static_cast<double>(season);
    CHECK(detect_seasons(x, frequency) == Seasons{season});
    for (std::size_t t = 0; t < x.size(); t += 11) x[t] = missing;
    x[x.size() / 2] = 1e6;  // a typing error
    CHECK(detect_seasons(x, frequency) == Seasons{season});
  }
}

TEST_CASE("seasons: a day, a week, or both", "[forecast][season]") {
  const Index n = 168 * 10;
  const auto rest = wandering(n, 3);
  std::vector<double> day, week, both;
  for (Index t = 0; t < n; ++t) {
    const bool weekend = t / 24 % 7 >= 5;
    const double v = 0.5 * rest[static_cast<std::size_t>(t)];
    day.push_back(v + 3 * wave(t, 24));
    week.push_back(v + 4 * weekend);
    both.push_back(v + (weekend ? 1 : 4) * wave(t, 24));
  }
  CHECK(detect_seasons(day, hourly) == Seasons{24});
  CHECK(detect_seasons(week, hourly) == Seasons{168});
  CHECK(detect_seasons(both, hourly) == Seasons{168, 24});  // a week ago says more than a day ago
}

TEST_CASE("seasons: seldom in walks and noise", "[forecast][season]") {
  double noisy = 0, walks = 0;
  const Index runs = 100;
  for (Index i = 0; i < runs; ++i) {
    const auto noise = Rng(static_cast<std::uint64_t>(i)).normal<double>({24 * 5});
    std::vector<double> x(noise.begin(), noise.end());
    noisy += !detect_seasons(x, hourly).empty();
    for (std::size_t t = 1; t < x.size(); ++t) x[t] += x[t - 1];
    walks += !detect_seasons(x, hourly).empty();
  }
  // If a walk resembles itself at the candidate as at six lengths nearby, the candidate is the best
  // in a seventh of them, and less often by the margin.
  CHECK(noisy <= 1);
  CHECK(walks < runs / 7.0);
}

TEST_CASE("seasons: a cycle of a length nearby is not the candidate's", "[forecast][season]") {
  auto x = wandering(24 * 5, 6);
  for (Index t = 0; t < std::ssize(x); ++t) x[static_cast<std::size_t>(t)] += 5 * wave(t, 26);
  CHECK(detect_seasons(x, hourly).empty());
  CHECK(detect_seasons(x, Seasons{26}) == Seasons{26});
}

TEST_CASE("seasons: peaks of the autocorrelation where no calendar helps", "[forecast][season]") {
  auto x = wandering(600, 5);
  CHECK(detect_seasons(x).empty());
  for (Index t = 0; t < 600; ++t) x[static_cast<std::size_t>(t)] += (t % 17 < 5 ? 4 : 0);
  CHECK(detect_seasons(x) == Seasons{17});
  for (const std::size_t n : {0u, 1u, 2u, 5u, 9u})
    CHECK(detect_seasons(std::span(x).first(n)).empty());
  CHECK(detect_seasons(std::vector<double>(90, 3.0)).empty());
}

TEST_CASE("seasons: what is not usable is refused", "[forecast][season]") {
  std::vector<double> x(60, 1.0);
  CHECK(detect_seasons(x, Seasons{7}).empty());
  CHECK(detect_seasons(std::vector<double>(60, missing), Seasons{7}).empty());
  CHECK_THROWS_AS(detect_seasons(x, Seasons{12, 7}), ArgumentError);
  CHECK_THROWS_AS(detect_seasons(x, Seasons{1}), ArgumentError);
  x[9] = 1e300;
  CHECK_THROWS_AS(detect_seasons(x, daily), NumericError);
  CHECK_THROWS_AS(detect_seasons(x), NumericError);
}

TEST_CASE("without level: a line with a season leaves the season, to the ends",
          "[forecast][season]") {
  const std::vector<double> odd = {-2, 0.5, 1.5}, even = {-3, 1, 4, -2};
  for (const auto& pattern : {odd, even}) {
    const Index m = std::ssize(pattern);
    std::vector<double> x;
    for (Index t = 0; t < 4 * m + 1; ++t)
      x.push_back(7 + 0.5 * static_cast<double>(t) + pattern[static_cast<std::size_t>(t % m)]);
    const auto rest = forecast::detail::without_level(x, m);
    for (Index t = 0; t < std::ssize(x); ++t)
      CHECK_THAT(rest[static_cast<std::size_t>(t)],
                 WithinAbs(pattern[static_cast<std::size_t>(t % m)], 1e-12));
    const auto means = forecast::detail::phase_means(rest, m);
    CHECK_THAT(means.share, WithinAbs(1, 1e-12));
  }
}

TEST_CASE("phase means: every season is judged by the others", "[forecast][season]") {
  // Phase 0: 1, 2, 6; phase 1: 0, missing, 4. Others' means: 4, 3.5, 1.5; 4, 0.
  const auto found = forecast::detail::phase_means(std::vector<double>{1, 0, 2, missing, 6, 4}, 2);
  CHECK(found.mean == std::vector<double>{3, 2});
  const double left = 9 + 1.5 * 1.5 + 4.5 * 4.5 + 16 + 16;
  CHECK_THAT(found.share, WithinRel(1 - left / (1 + 4 + 36 + 16), 1e-14));
}
