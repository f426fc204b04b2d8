// Covers: calendar season time_axis
#include "foglift/core/rng.hpp"
#include "foglift/forecast/series/calendar.hpp"
#include "foglift/forecast/series/grid.hpp"
#include "foglift/forecast/series/season.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <numbers>

using namespace foglift;
using namespace foglift::forecast;

namespace {
Time time_at(int year, int month, int day) {
  return data::seconds_from_civil({.year = year, .month = month, .day = day});
}
std::string date(Time t) { return data::format_date(t); }
}  // namespace

TEST_CASE("time axis: monthly cells keep their day where the month has it", "[forecast][time]") {
  const TimeAxis ends{time_at(2011, 11, 30), {.months = 1, .days = {31}}};
  CHECK(date(ends.at(1)) == "2011-12-31");
  CHECK(date(ends.at(3)) == "2012-02-29");
  CHECK(date(ends.at(-9)) == "2011-02-28");
  const TimeAxis quarters{time_at(1999, 2, 15), {.months = 3, .days = {15}}};
  CHECK(date(quarters.at(5)) == "2000-05-15");
  const TimeAxis early{time_at(0, 2, 1), {.months = 1, .days = {1}}};
  CHECK(early.at(-1) == time_at(0, 1, 1));
  CHECK(early.at(-2) == time_at(-1, 12, 1));
  const TimeAxis last{time_at(0, 1, 31), {.months = 1, .days = {31}}};
  CHECK(last.at(-2) == time_at(-1, 11, 30));
}

TEST_CASE("frequency: found from times with gaps", "[forecast][frequency]") {
  struct Case {
    Frequency step;
    const char* name;
  };
  const std::vector<Case> cases = {{{.seconds = 1}, "secondly"},
                                   {{.seconds = 900}, "every 15 minutes"},
                                   {{.seconds = 3600}, "hourly"},
                                   {{.seconds = 4 * 3600}, "every 4 hours"},
                                   {{.seconds = 86'400}, "daily"},
                                   {{.seconds = 7 * 86'400}, "weekly"},
                                   {{.months = 1, .days = {31}}, "monthly on the last day"},
                                   {{.months = 1, .days = {1}}, "monthly"},
                                   {{.months = 3, .days = {15}}, "quarterly on the 15th"},
                                   {{.months = 12, .days = {1}}, "yearly"}};
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(c.step.name() == c.name);
    const TimeAxis axis{time_at(2019, 1, c.step.months ? c.step.days.front() : 1), c.step};
    TimedRows rows;
    for (Index i = 0; i < 60; ++i)
      if (i % 11 != 3) rows.stamps.push_back({axis.at(i), 0, {}});  // each eleventh is missing
    const Grid grid = on_grid(rows);
    CHECK(grid.time == axis);
  }
}

TEST_CASE("autocorrelation: a negative lag and an infinite value are refused",
          "[forecast][season]") {
  CHECK_THROWS_AS(autocorrelation(std::vector<double>{1, 2, 3}, -1), ArgumentError);
  CHECK_THROWS_AS(autocorrelation(std::vector<double>{1, HUGE_VAL, 3}, 1), NumericError);
}

TEST_CASE("seasons: lengths that the calendar gives", "[forecast][season]") {
  using V = std::vector<Index>;
  CHECK(calendar_seasons({.seconds = 3600}) == V{24, 168});
  CHECK(calendar_seasons({.seconds = 900}) == V{4, 96, 672});
  CHECK(calendar_seasons({.seconds = 86'400}) == V{7, 365});
  CHECK(calendar_seasons({.seconds = 7 * 86'400}) == V{52});
  CHECK(calendar_seasons({.months = 1}) == V{12});
  CHECK(calendar_seasons({.months = 3}) == V{4});
  CHECK(calendar_seasons({.months = 12}) == V{});
  CHECK(calendar_seasons({.months = 1, .days = {1, 15}}) == V{24});
  CHECK(calendar_seasons({.seconds = 1, .per = 10}) == V{600, 36'000, 864'000, 6'048'000});
  // Six days a week are 6 / 7 of 365.25 days a year.
  CHECK(calendar_seasons({.seconds = day_seconds, .open = {{0, 6}}}) == V{6, 313});
  // Two days of 10 half-hours; days of 10 and of 4.
  CHECK(calendar_seasons({.seconds = 1800, .open = {{20, 30}, {68, 78}}}) == V{10, 20});
  CHECK(calendar_seasons({.seconds = 1800, .open = {{20, 30}, {68, 72}}}) == V{14});
}

TEST_CASE("autocorrelation: of a cosine and of a short list by hand", "[forecast][season]") {
  std::vector<double> wave;
  for (int t = 0; t < 2400; ++t) wave.push_back(3 + std::cos(2 * std::numbers::pi * t / 24));
  // Over whole periods the mean of cos(a) cos(a + b) is cos(b) / 2, and that of cos^2 is 1/2.
  for (const Index lag : {0, 6, 12, 24, 48})
    CHECK_THAT(autocorrelation(std::span(wave), lag),
               WithinAbs(std::cos(2 * std::numbers::pi * static_cast<double>(lag) / 24), 0.02));
  // Mean 2, deviations -1 0 NaN 1: variance 2/3; lag 1 has the pair (-1, 0) and no other.
  const double missing = std::numeric_limits<double>::quiet_NaN();
  CHECK(std::isnan(autocorrelation(std::vector<double>{1, 2, missing, 3}, 1)));
  // Deviations -1 0 1 NaN 0: lag 2 has the pairs (-1, 1) and (1, 0): covariance -1/2, variance 1/2.
  CHECK_THAT(autocorrelation(std::vector<double>{1, 2, 3, missing, 2}, 2), WithinAbs(-1, 1e-12));
  CHECK(std::isnan(autocorrelation(std::vector<double>{1, 1, 1}, 1)));
}

TEST_CASE("calendar: waves for what the frequency resolves and the length shows",
          "[forecast][calendar]") {
  CHECK(Calendar::of({.seconds = 3600}, 24 * 1000) == Calendar{2, 3, 0});
  CHECK(Calendar::of({.seconds = 3600}, 24 * 1100) == Calendar{2, 3, 2});
  CHECK(Calendar::of({.seconds = 86'400}, 1100) == Calendar{0, 3, 2});
  CHECK(Calendar::of({.months = 1}, 120) == Calendar{0, 0, 2});
  CHECK(Calendar::of({.months = 12}, 120) == Calendar{0, 0, 0});
  // Business days tell days of the week apart; 783 of them are three years and a day.
  const Frequency business{.seconds = day_seconds, .open = {{0, 5}}};
  CHECK(Calendar::of(business, 784) == Calendar{0, 3, 2});
  CHECK(Calendar::of(business, 780) == Calendar{0, 3, 0});
}

TEST_CASE("calendar: phases at known times", "[forecast][calendar]") {
  const Calendar c{1, 1, 1};
  std::vector<float> w(6);
  c.write(time_at(2024, 1, 1) + 6 * 3600, w);  // a Monday, in a leap year, at a quarter of the day
  CHECK_THAT(w[0], WithinAbs(1, 1e-6));
  CHECK_THAT(w[1], WithinAbs(0, 1e-6));
  CHECK_THAT(w[2], WithinAbs(std::sin(2 * std::numbers::pi / 28), 1e-6));
  CHECK_THAT(w[5], WithinAbs(std::cos(2 * std::numbers::pi / 4 / 366), 1e-6));
  c.write(time_at(2023, 7, 2) + 12 * 3600, w);  // half of 2023; a Sunday at noon: 6.5 days
  CHECK_THAT(w[3], WithinAbs(std::cos(2 * std::numbers::pi * 6.5 / 7), 1e-6));
  CHECK_THAT(w[4], WithinAbs(0, 1e-6));
  CHECK_THAT(w[5], WithinAbs(-1, 1e-6));
  c.write(time_at(2024, 7, 2) + 12 * 3600, w);  // 183.5 of 366 days
  CHECK_THAT(w[4], WithinAbs(std::sin(2 * std::numbers::pi * 183.5 / 366), 1e-6));
  CHECK_THROWS_AS(c.write(0, std::span(w).first(5)), ShapeError);
}

TEST_CASE("frequency: a step of nothing is refused", "[forecast][calendar]") {
  const Frequency none{};
  CHECK_THROWS_AS(calendar_seasons(none), ArgumentError);
}
