// Covers: bins clock grid/options guess months open_hours ordered recognise repeats series/grid
// Covers: equal_steps
#include "foglift/forecast/series/grid.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <string>
#include <vector>

using namespace foglift;
using namespace foglift::forecast;

namespace {
constexpr double missing = std::numeric_limits<double>::quiet_NaN();

data::Stamp at(const std::string& text) {
  for (const char* format :
       {"%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"})
    if (const auto stamp = data::parse_stamp(text, format)) return *stamp;
  throw ArgumentError(text);
}

/// One column that counts its rows.
TimedRows rows_at(const std::vector<std::string>& stamps) {
  TimedRows rows{.names = {"y"}, .columns = {{}}};
  for (const std::string& text : stamps) {
    rows.stamps.push_back(at(text));
    rows.columns[0].push_back(static_cast<double>(rows.stamps.size()));
  }
  return rows;
}

/// Rows every so many seconds of which `is` is true.
template <class Is>
TimedRows rows_from(const std::string& start, Time step, Index count, Is is) {
  TimedRows rows{.names = {"y"}, .columns = {{}}};
  for (Index i = 0; i < count; ++i) {
    const data::Stamp stamp{at(start).seconds + i * step, 0, {}};
    if (!is(stamp.seconds)) continue;
    rows.stamps.push_back(stamp);
    rows.columns[0].push_back(static_cast<double>(rows.stamps.size()));
  }
  return rows;
}
Index hour(Time t) { return time_of_day(t) / 3600; }

std::string refusal(const TimedRows& rows, const GridOptions& options = {}) {
  try {
    on_grid(rows, options);
  } catch (const ArgumentError& e) {
    return e.what();
  }
  return "accepted";
}

/// Columns, with NaN as equal to NaN.
bool same(const std::vector<double>& a, const std::vector<double>& b) {
  bool all = a.size() == b.size();
  for (std::size_t i = 0; all && i < a.size(); ++i)
    all = a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]));
  return all;
}
std::string all_guesses(const Grid& grid) {
  std::string out;
  for (const Guess& g : grid.guesses) out += g.line() + '\n';
  return out;
}
/// Each cell is found again by its time, also outside of the series.
bool invertible(const Grid& grid) {
  bool all = true;
  for (Index i = -300; i < grid.size() + 300; ++i) {
    data::Stamp t = grid.time.stamp(i);
    all = all && grid.time.cell(t) == i;
    --t.seconds;
    all = all && grid.time.cell(t) < i;
  }
  return all;
}
}  // namespace

TEST_CASE("grid: any order in, gaps come out as NaN", "[forecast][grid]") {
  TimedRows rows = rows_at({"2020-02-28 05:00", "2020-02-28", "2020-02-28 01:00",
                            "2020-02-28 02:00", "2020-02-28 03:00"});
  rows.names.push_back("z");
  rows.columns.push_back({50, 10, missing, 30, 40});
  const Grid g = on_grid(rows);
  CHECK(g.time == TimeAxis{at("2020-02-28").seconds, {.seconds = 3600}});
  CHECK(same(g.columns[0], {2, 3, 4, 5, missing, 1}));
  CHECK(same(g.columns[1], {10, missing, 30, 40, missing, 50}));
  CHECK(g.guesses.empty());
  CHECK(g.time.text(0) == "2020-02-28 00:00");
  CHECK(g.time.text(24) == "2020-02-29 00:00");
  CHECK_THROWS_AS(on_grid({{at("2020-01-01"), at("2020-01-02")}, {"y"}, {{1}}}), ShapeError);
}

TEST_CASE("grid: what is none is named, with the option that mends it", "[forecast][grid]") {
  const TimedRows once{{at("2020-02-28"), at("2020-02-28")}, {"y"}, {{1, 1}}};
  CHECK_THAT(refusal(once), ContainsSubstring("1 time, at least 2"));
  CHECK_THAT(refusal({}, {.frequency = "day"}), ContainsSubstring("0 times, at least 1"));
  CHECK_THAT(refusal({{{Time{1} << 60, 0, {}}}, {"y"}, {{1}}}),
             ContainsSubstring("row 1") && ContainsSubstring("years 0 to 9999"));
  CHECK_THAT(refusal({{{0, 5, {}}, {Time{10'000'000'000}, 0, {}}}, {"y"}, {{1, 2}}}),
             ContainsSubstring("more than 290 years"));
  CHECK_THAT(refusal(rows_at({"2020-02-28"})),
             ContainsSubstring("at least 2") && ContainsSubstring("--freq"));
  CHECK(on_grid(rows_at({"2020-02-28"}), {.frequency = "day"}).size() == 1);
  CHECK_THAT(
      refusal(rows_at({"2020-02-28", "2020-02-28 00:01", "2020-02-28 00:01"})),
      ContainsSubstring("2020-02-28 00:01 (rows 2 and 3)") && ContainsSubstring("--duplicates"));
  CHECK_THAT(refusal(rows_at({"2020-02-28", "2020-02-28 00:01", "2020-02-28 00:02",
                              "2020-02-28 00:03:07", "2020-02-28 00:04:20"})),
             ContainsSubstring("1 minute (2 times), 1.117 minutes (1 times)") &&
                 ContainsSubstring("--resample") && ContainsSubstring("(row 5)"));
  CHECK_THAT(refusal(rows_at({"2020-02-28", "2020-02-28 00:01", "2020-02-28 00:02", "2900-01-01"})),
             ContainsSubstring("almost empty") && ContainsSubstring("--freq"));
}

TEST_CASE("grid: as many cells as the rows are worth, and not one more", "[forecast][grid]") {
  const auto rows = [&](Time cells) {
    TimedRows r;
    for (const Time i : {Time{0}, Time{1}, Time{2}, cells - 1}) r.stamps.push_back({60 * i, 0, {}});
    r.names = {"y"};
    r.columns = {{1, 1, 1, 1}};
    return r;
  };
  CHECK(most_cells(4) == 32 * 4 + 1000);
  CHECK(on_grid(rows(1128)).size() == 1128);
  CHECK_THAT(refusal(rows(1129)), ContainsSubstring("a series of 1129 minutely cells") &&
                                      ContainsSubstring("at most 1128"));
}

TEST_CASE("grid: of two gaps that are as frequent, the smaller one", "[forecast][grid]") {
  CHECK(on_grid(rows_at({"2020-01-01 00:00", "2020-01-01 00:01", "2020-01-01 00:02",
                         "2020-01-01 00:04", "2020-01-01 00:06"}))
            .time.frequency == Frequency{.seconds = 60});
}

TEST_CASE("grid: stamps of fractions of a second", "[forecast][grid]") {
  TimedRows ten = rows_at({"2024-01-01T00:00:00.900Z", "2024-01-01T00:00:01.000Z",
                           "2024-01-01T00:00:01.100Z", "2024-01-01T00:00:01.300Z"});
  const Grid g = on_grid(ten);
  CHECK(g.time.frequency == Frequency{.seconds = 1, .per = 10});
  CHECK(same(g.columns[0], {1, 2, 3, missing, 4}));
  CHECK(g.time.text(0) == "2024-01-01T00:00:00.9Z");
  CHECK(g.time.text(4) == "2024-01-01T00:00:01.3Z");
  CHECK(g.time.text(-10) == "2023-12-31T23:59:59.9Z");
  CHECK(g.time.frequency.name() == "every 100 milliseconds");
  CHECK(invertible(g));

  // 30 a second, written to the millisecond: k/30 s rounded.
  TimedRows thirty{.names = {"y"}, .columns = {{}}};
  const Time t0 = at("2024-05-01 12:00").seconds;
  for (int k = 5; k < 95; ++k) {
    const int ms = (k * 2000 + 30) / 60;
    thirty.stamps.push_back({t0 + ms / 1000, ms % 1000 * 1'000'000, {}});
    thirty.columns[0].push_back(k);
  }
  const Grid v = on_grid(thirty);
  CHECK(v.time.frequency == Frequency{.seconds = 1, .per = 30});
  CHECK(v.size() == 90);
  CHECK(v.time.frequency.name() == "every 1/30 second");
  CHECK(v.time.text(0) == "2024-05-01 12:00:00.167");
  CHECK(v.time.text(1) == "2024-05-01 12:00:00.200");
  CHECK(v.time.text(90) == "2024-05-01 12:00:03.167");
  CHECK(invertible(v));
}

TEST_CASE("grid: steps that stamps are too coarse for", "[forecast][grid]") {
  const auto written = [](double step, Index count, int digits) {
    const double unit = std::pow(10, digits);
    TimedRows rows{.names = {"y"}, .columns = {{}}};
    for (Index i = 0; i < count; ++i) {
      const auto units = std::llround(static_cast<double>(i) * step * unit);
      const auto second = static_cast<long long>(unit);
      rows.stamps.push_back(
          {units / second, static_cast<int>(units % second * (1'000'000'000 / second)), {}});
      rows.columns[0].push_back(static_cast<double>(i));
    }
    return on_grid(rows);
  };
  const Grid slow = written(2.5, 100, 0);  // 0, 3, 5, 8, 10, ... s
  CHECK(slow.time.frequency == Frequency{.seconds = 5, .per = 2});
  CHECK(slow.size() == 100);
  CHECK(slow.time.frequency.name() == "every 2.5 seconds");
  const Grid sound = written(1 / 44'100.0, 3000, 6);
  CHECK(sound.time.frequency == Frequency{.seconds = 1, .per = 44'100});
  CHECK(sound.size() == 3000);
  CHECK(sound.time.text(44'100) == "1970-01-01 00:00:01.000000");
  CHECK(sound.time.text(1) == "1970-01-01 00:00:00.000023");
  CHECK(written(1 / 60.0, 500, 3).time.frequency == Frequency{.seconds = 1, .per = 60});
}

TEST_CASE("grid: stamps that stray by less than a twentieth of a step are moved",
          "[forecast][grid]") {
  // 0, 1 and 2 seconds late: all fit whole multiples of ten minutes within 30 s.
  std::vector<std::string> stamps;
  for (int i = 0; i < 12; ++i)
    if (i != 7)
      stamps.push_back("2024-02-01 0" + std::to_string(i / 6) + ':' + std::to_string(i % 6) +
                       "0:0" + std::to_string(i * i % 3));
  const Grid g = on_grid(rows_at(stamps));
  CHECK(g.time == TimeAxis{at("2024-02-01").seconds, {.seconds = 600}});
  CHECK(g.size() == 12);
  CHECK(std::isnan(g.columns[0][7]));
  // i * i % 3 is 1 unless 3 divides i: 7 of the 11 stray, by 1 s.
  CHECK_THAT(all_guesses(g), ContainsSubstring("7 of 11 stamps moved onto the grid, by at most 1 "
                                               "second (") &&
                                 ContainsSubstring("every 10 minutes"));
  // Twice a twentieth apart is the most that can be within a twentieth of one grid.
  const auto late = [](const std::string& second) {
    return rows_at({"2024-02-01 00:00", "2024-02-01 00:10", "2024-02-01 00:20",
                    "2024-02-01 00:31:" + second, "2024-02-01 00:40"});
  };
  CHECK(on_grid(late("00")).time.at(0) == at("2024-02-01 00:00:30").seconds);
  CHECK_THAT(refusal(late("01")), ContainsSubstring("follow no frequency"));
}

TEST_CASE("grid: an hour that a local clock shows twice is averaged", "[forecast][grid]") {
  std::vector<std::string> stamps;
  for (int i = 0; i < 24; ++i)
    for (int k = 0; k < (i == 2 ? 2 : 1); ++k)
      stamps.push_back("2024-10-27 " + std::string(i < 10 ? "0" : "") + std::to_string(i) + ":00");
  const Grid g = on_grid(rows_at(stamps));
  REQUIRE(g.size() == 24);
  CHECK(g.columns[0][1] == 2);
  CHECK(g.columns[0][2] == 3.5);  // rows 3 and 4
  CHECK(g.columns[0][3] == 5);
  CHECK_THAT(all_guesses(g), ContainsSubstring("2024-10-27 02:00 stands twice and is averaged"));
  CHECK(on_grid(rows_at(stamps), {.duplicates = Combine::last}).columns[0][2] == 4);

  // A Monday, and a third row, are no change of the clock.
  for (std::string& s : stamps) s.replace(0, 10, "2024-10-28");
  CHECK_THAT(refusal(rows_at(stamps)), ContainsSubstring("2024-10-28 02:00 (rows 3 and 4)"));
  for (std::string& s : stamps) s.replace(0, 10, "2024-10-27");
  stamps.push_back(stamps[2]);
  CHECK_THAT(refusal(rows_at(stamps)), ContainsSubstring("(rows 3 and 4 and 1 more)"));

  // In spring an hour is not there; both changes in one file.
  const auto year = rows_from("2024-03-30 00:00", 3600, 24 * 215,
                              [](Time t) { return t != at("2024-03-31 02:00").seconds; });
  TimedRows both = year;
  both.stamps.push_back(at("2024-10-27 02:00"));
  both.columns[0].push_back(0);
  const Grid s = on_grid(both);
  CHECK(std::isnan(s.columns[0][26]));
  CHECK_THAT(all_guesses(s), ContainsSubstring("2024-03-31 02:00 was skipped and is missing"));
}

TEST_CASE("grid: offsets from UTC are kept over a change of the clock", "[forecast][grid]") {
  TimedRows rows = rows_at({"2024-03-31T00:00:00+01:00", "2024-03-31T01:00:00+01:00",
                            "2024-03-31T03:00:00+02:00", "2024-03-31T04:00:00+02:00",
                            "2024-03-31T06:00:00+02:00"});
  const Grid g = on_grid(rows);
  CHECK(same(g.columns[0], {1, 2, 3, 4, missing, 5}));
  CHECK(g.time.text(1) == "2024-03-31T01:00:00+01:00");
  CHECK(g.time.text(2) == "2024-03-31T03:00:00+02:00");
  CHECK(g.time.text(6) == "2024-03-31T07:00:00+02:00");
  CHECK(g.time.at(2) == at("2024-03-31 03:00").seconds);  // calendar waves are of the local clock
  CHECK(g.time.stamp(2).utc() == at("2024-03-31 01:00").seconds);
  CHECK(invertible(g));
  CHECK_THAT(all_guesses(g),
             ContainsSubstring("at 2024-03-31T03:00:00+02:00; that offset goes on"));

  // In autumn 2:00 comes twice, and is two cells.
  const Grid autumn = on_grid(rows_at({"2024-10-27T02:00:00+01:00", "2024-10-27T02:00:00+02:00",
                                       "2024-10-27T01:00:00+02:00", "2024-10-27T03:00:00+01:00"}));
  CHECK(same(autumn.columns[0], {3, 2, 1, 4}));
  CHECK(autumn.time.text(1) == "2024-10-27T02:00:00+02:00");
  CHECK(autumn.time.text(2) == "2024-10-27T02:00:00+01:00");

  // Days are of the local clock, 23 hours of UTC or not.
  const Grid days = on_grid(rows_at({"2024-03-29T00:00:00+01:00", "2024-03-30T00:00:00+01:00",
                                     "2024-03-31T00:00:00+01:00", "2024-04-01T00:00:00+02:00",
                                     "2024-04-03T00:00:00+02:00"}));
  CHECK(same(days.columns[0], {1, 2, 3, 4, missing, 5}));
  CHECK(days.time.text(4) == "2024-04-02T00:00:00+02:00");
  CHECK(days.guesses.size() == 1);

  // Clocks of several places are no clock.
  TimedRows places{.names = {"y"}, .columns = {{}}};
  for (Time day = 0; day < 40; ++day) {
    const int offset = static_cast<int>(day * day % 5) * 3600;
    places.stamps.push_back({at("2024-01-01").seconds + day * day_seconds + offset, 0, offset});
    places.columns[0].push_back(1);
  }
  const Grid utc = on_grid(places);
  CHECK(utc.size() == 40);
  CHECK(utc.time.text(3) == "2024-01-04T00:00:00Z");
  CHECK_THAT(all_guesses(utc), ContainsSubstring("times are in UTC"));

  rows.stamps[3].offset.reset();
  CHECK_THAT(refusal(rows), ContainsSubstring("2024-03-31 04:00 (row 4)"));
}

TEST_CASE("grid: days of the month", "[forecast][grid]") {
  const auto follows = [](const TimedRows& rows, const Frequency& f, const char* name) {
    const Grid g = on_grid(rows);
    CHECK(g.time.frequency == f);
    CHECK(g.time.frequency.name() == name);
    CHECK(invertible(g));
    return g;
  };
  const Grid thirtieth =
      follows(rows_at({"2023-12-30", "2024-01-30", "2024-02-29", "2024-04-30", "2024-05-30"}),
              {.months = 1, .days = {30}}, "monthly on the 30th or last day");
  CHECK(same(thirtieth.columns[0], {1, 2, 3, missing, 4, 5}));
  CHECK(thirtieth.time.text(9) == "2024-09-30");
  CHECK(thirtieth.time.text(14) == "2025-02-28");

  // 31 August 2024 is a Saturday, 29 March 2024 a Friday before a Sunday that is the 31st.
  const Grid last = follows(
      rows_at({"2024-02-29", "2024-03-29", "2024-04-30", "2024-05-31", "2024-06-28", "2024-07-31"}),
      {.months = 1, .weekend = Weekend::before}, "monthly on the last business day");
  CHECK(last.time.text(6) == "2024-08-30");
  CHECK(last.time.text(-1) == "2024-01-31");
  // 1 June 2024 is a Saturday, 1 September a Sunday.
  const Grid first = follows(rows_at({"2024-05-01", "2024-06-03", "2024-07-01", "2024-08-01"}),
                             {.months = 1, .days = {1}, .weekend = Weekend::after},
                             "monthly on the first business day");
  CHECK(first.time.text(4) == "2024-09-02");

  const Grid two = follows(
      rows_at({"2024-01-15", "2024-02-01", "2024-02-15", "2024-03-01", "2024-04-01", "2024-04-15"}),
      {.months = 1, .days = {1, 15}}, "monthly on the 1st and 15th");
  CHECK(same(two.columns[0], {1, 2, 3, 4, missing, 5, 6}));
  CHECK(two.time.text(7) == "2024-05-01");
  const Grid ends = follows(rows_at({"2024-01-15", "2024-01-31", "2024-02-15", "2024-02-29",
                                     "2024-03-15", "2024-03-31", "2024-04-15", "2024-04-30"}),
                            {.months = 1, .days = {15, 31}}, "monthly on the 15th and last day");
  CHECK(ends.time.text(9) == "2024-05-31");
  follows(rows_at({"2019-07-01", "2019-10-01", "2020-04-01", "2020-07-01"}),
          {.months = 3, .days = {1}}, "quarterly");
  follows(rows_at({"1800-01-01", "1801-01-01", "1803-01-01"}), {.months = 12, .days = {1}},
          "yearly");
  follows(rows_at({"2020-12-28", "2021-01-04", "2021-01-18"}), {.seconds = week_seconds}, "weekly");

  // Quarters, then a gap of four months.
  const Grid months = follows(rows_at({"2020-01-01", "2020-04-01", "2020-07-01", "2020-11-01"}),
                              {.months = 1, .days = {1}}, "monthly");
  CHECK(months.size() == 11);
  // Days of bills that follow no rule, though some of them are near the first of the month.
  CHECK_THAT(refusal(rows_at({"2023-01-01", "2023-02-03", "2023-03-02", "2023-04-01", "2023-05-04",
                              "2023-06-02"})),
             ContainsSubstring("follow no frequency"));
  CHECK_THAT(refusal(rows_at({"2023-01-11", "2023-02-22", "2023-04-05", "2023-05-30", "2023-07-01",
                              "2023-08-17"})),
             ContainsSubstring("follow no frequency"));

  // Good Friday was the last business day of March 2018: 29 March stands for it.
  const Grid holiday =
      follows(rows_at({"2018-01-31", "2018-02-28", "2018-03-29", "2018-04-30", "2018-05-31",
                       "2018-06-29", "2018-07-31"}),
              {.months = 1, .weekend = Weekend::before}, "monthly on the last business day");
  CHECK(holiday.size() == 7);
  CHECK_THAT(all_guesses(holiday), ContainsSubstring("1 of 7 dates lie up to 1 day off"));
}

TEST_CASE("grid: open hours and days are learnt from what never holds a value",
          "[forecast][grid]") {
  const auto sundays =
      rows_from("2024-01-03", day_seconds, 40, [](Time t) { return data::weekday(t) != 6; });
  const Grid g = on_grid(sundays);
  CHECK(g.time.frequency == Frequency{.seconds = day_seconds, .open = {{0, 6}}});
  CHECK(g.time.frequency.name() == "daily, Mon-Sat");
  // 3 January 2024 is a Wednesday; 40 days hold six Sundays, the last of them at the end.
  CHECK(g.size() == 34);
  CHECK(g.time.text(3) == "2024-01-06");
  CHECK(g.time.text(4) == "2024-01-08");
  CHECK(invertible(g));
  CHECK(on_grid(sundays, {.frequency = "day"}).size() == 39);

  // One Sunday that is missing is no rule yet.
  CHECK(on_grid(rows_from("2024-01-01", day_seconds, 13, [](Time t) {
          return data::weekday(t) != 6;
        })).size() == 13);

  const auto business = rows_from("2024-01-01", day_seconds, 60, [](Time t) {
    return data::weekday(t) < 5 && t != at("2024-01-15").seconds;
  });
  const Grid b = on_grid(business);
  CHECK(b.time.frequency.name() == "business-daily");
  CHECK(std::isnan(b.columns[0][10]));  // the third Monday
  CHECK(b.time.text(10) == "2024-01-15");

  // A shop: half-hours from 8 to 18, on Saturdays to 13, over four weeks.
  const auto is_open = [](Time t) {
    return data::weekday(t) < 5 ? hour(t) >= 8 && hour(t) < 18
                                : data::weekday(t) == 5 && hour(t) >= 8 && hour(t) < 13;
  };
  const Grid shop = on_grid(rows_from("2024-01-01", 1800, 48 * 28, is_open));
  CHECK(shop.time.frequency.name() == "half-hourly, Mon-Fri 08:00-18:00, Sat 08:00-13:00");
  CHECK(shop.size() == 4 * (5 * 20 + 10));
  CHECK(shop.time.text(110) == "2024-01-08 08:00");
  CHECK(shop.time.text(109) == "2024-01-06 12:30");
  CHECK(shop.time.closed_before(110));
  CHECK_FALSE(shop.time.closed_before(109));
  CHECK(shop.time.text(-1) == "2023-12-30 12:30");
  CHECK(invertible(shop));

  // A week is too short to tell its days apart, but not the hours of the day.
  const Grid week = on_grid(
      rows_from("2024-01-01", 3600, 24 * 7, [](Time t) { return hour(t) >= 6 && hour(t) < 22; }));
  CHECK(week.time.frequency.name() == "hourly, 06:00-22:00");

  // Two weeks of a desk: its days by themselves, its hours by all of them.
  const Grid desk = on_grid(rows_from("2024-01-01 09:00", 3600, 24 * 12 - 15, [](Time t) {
    return data::weekday(t) < 5 && hour(t) >= 9 && hour(t) < 17;
  }));
  CHECK(desk.time.frequency.name() == "hourly, Mon-Fri 09:00-17:00");
  CHECK(desk.time.text(desk.size()) == "2024-01-15 09:00");

  // Tuesdays and Thursdays have no step of their own.
  const Grid lessons = on_grid(rows_from("2024-01-02", day_seconds, 40, [](Time t) {
    return data::weekday(t) == 1 || data::weekday(t) == 3;
  }));
  CHECK(lessons.time.frequency.name() == "daily, Tue, Thu");
  CHECK(lessons.size() == 12);
  // Days without a pattern: every one is a cell, and most are missing.
  const Grid some = on_grid(rows_at({"2024-01-01", "2024-01-03", "2024-01-06", "2024-01-14"}));
  CHECK(some.size() == 14);
  CHECK_THAT(all_guesses(some), ContainsSubstring("daily, 10 of 14 without a row"));

  // Values that are often missing are no hours that are closed.
  const auto rare = rows_from("2024-01-01", day_seconds, 70,
                              [](Time t) { return t / day_seconds * 7919 % 1000 < 400; });
  CHECK(on_grid(rare, {.frequency = "day"}).time.frequency == Frequency{.seconds = day_seconds});
}

TEST_CASE("grid: rows without a value do not open closed hours", "[forecast][grid]") {
  auto rows = rows_from("2024-01-01", day_seconds, 42, [](Time) { return true; });
  for (std::size_t i = 0; i < rows.stamps.size(); ++i)
    if (data::weekday(rows.stamps[i].seconds) == 6) rows.columns[0][i] = missing;
  const Grid g = on_grid(rows);
  CHECK(g.size() == 36);
  CHECK(g.columns[0][6] == 8);  // the second Monday
}

TEST_CASE("grid: open hours are of the local clock, whatever its offset", "[forecast][grid]") {
  TimedRows rows{.names = {"y"}, .columns = {{}}};
  for (Time t = at("2024-03-11").seconds; t < at("2024-04-13").seconds; t += 3600) {
    if (data::weekday(t) == 6 || hour(t) < 8 || hour(t) > 11) continue;
    rows.stamps.push_back({t, 0, t < at("2024-03-31 02:00").seconds ? 3600 : 7200});
    rows.columns[0].push_back(1);
  }
  const Grid g = on_grid(rows);
  CHECK(g.time.frequency.name() == "hourly, Mon-Sat 08:00-12:00");
  CHECK(g.size() == 29 * 4);  // 33 days less 4 Sundays
  CHECK(g.time.text(71) == "2024-03-30T11:00:00+01:00");
  CHECK(g.time.text(72) == "2024-04-01T08:00:00+02:00");
  CHECK(g.time.stamp(72).utc() == at("2024-04-01 06:00").seconds);
  CHECK(invertible(g));
}

TEST_CASE("grid: the frequency of another series, where rows fit it", "[forecast][grid]") {
  const Frequency open{.seconds = day_seconds, .open = {{0, 6}}};
  const Grid one = on_grid(rows_at({"2024-01-05"}), {.like = open});  // a Friday
  CHECK(one.time.frequency == open);
  CHECK(one.time.text(2) == "2024-01-08");
  // A Sunday without a value is left out, one with a value refutes the frequency.
  TimedRows rows = rows_at({"2024-01-05", "2024-01-06", "2024-01-07", "2024-01-08"});
  CHECK(on_grid(rows, {.like = open}).time.frequency == Frequency{.seconds = day_seconds});
  CHECK_THAT(refusal(rows, {.frequency = "daily, Mon-Sat"}), ContainsSubstring("do not fit"));
  rows.columns[0][2] = missing;
  CHECK(same(on_grid(rows, {.like = open}).columns[0], {1, 2, 4}));
  const Grid last = on_grid(rows_at({"2024-02-29"}), {.frequency = "month"});
  CHECK(last.time.text(1) == "2024-03-31");
}

TEST_CASE("grid: a frequency by name", "[forecast][grid]") {
  // Every second month is missing, but for the last one.
  const auto months = rows_at({"2024-01-15", "2024-03-15", "2024-05-15", "2024-06-15"});
  CHECK(same(on_grid(months, {.frequency = "month"}).columns[0], {1, missing, 2, missing, 3, 4}));
  CHECK_THAT(refusal(months, {.frequency = "month end"}),
             ContainsSubstring("'month end'") && ContainsSubstring("--resample"));
  CHECK_THAT(refusal(months, {.frequency = "fortnight"}), ContainsSubstring("is no frequency"));
  // Half past, by a second at most.
  const Grid late =
      on_grid(rows_at({"2024-01-01 00:30", "2024-01-01 01:30:01", "2024-01-01 05:30"}),
              {.frequency = "1h"});
  CHECK(late.size() == 6);
  CHECK(late.time.text(0) == "2024-01-01 00:30");
  CHECK_THAT(all_guesses(late),
             ContainsSubstring("1 of 3 stamps moved") && ContainsSubstring("--resample overrules"));
}

TEST_CASE("grid: rows of one time by --duplicates", "[forecast][grid]") {
  TimedRows rows = rows_at({"2024-01-01", "2024-01-02", "2024-01-02", "2024-01-02", "2024-01-03"});
  rows.columns[0] = {1, 8, missing, 3, 5};
  const auto second = [&](Combine how) { return on_grid(rows, {.duplicates = how}).columns[0][1]; };
  CHECK(second(Combine::mean) == 5.5);
  CHECK(second(Combine::sum) == 11);
  CHECK(second(Combine::first) == 8);
  CHECK(second(Combine::last) == 3);
  CHECK(second(Combine::min) == 3);
  CHECK(second(Combine::max) == 8);
  CHECK_THAT(refusal(rows), ContainsSubstring("2024-01-02 (rows 2 and 3 and 1 more)"));
  rows.columns[0] = {1, 0.1, 0.1, 0.1, 5};
  CHECK(on_grid(rows).columns[0] == std::vector<double>{1, 0.1, 5});
  CHECK_THAT(all_guesses(on_grid(rows)), ContainsSubstring("they are equal"));
  CHECK(combine_named("sum", "--duplicates") == Combine::sum);
  CHECK_THROWS_WITH(combine_named("most", "--resample"), ContainsSubstring("--resample 'most'"));
}

TEST_CASE("grid: rows from one step to the next by --resample", "[forecast][grid]") {
  // Every 20 minutes from 9:10 to 12:10; 12:30 and 12:50 are still to come.
  const auto rows = rows_from("2024-01-01 09:10", 1200, 10, [](Time) { return true; });
  const auto by = [&](Combine how) {
    return on_grid(rows, {.frequency = "1h", .resample = how}).columns[0];
  };
  CHECK(same(by(Combine::sum), {6, 15, 24}));
  CHECK(same(by(Combine::mean), {2, 5, 8}));
  CHECK(same(by(Combine::first), {1, 4, 7}));
  CHECK(same(by(Combine::max), {3, 6, 9}));
  const Grid g = on_grid(rows, {.frequency = "1h", .resample = Combine::mean});
  CHECK(g.time.text(0) == "2024-01-01 09:00");
  CHECK_THAT(all_guesses(g), ContainsSubstring("from 2024-01-01 12:00, is left out"));

  // Days into months: 31 days of January, 10 of February.
  const auto days = rows_from("2024-01-01", day_seconds, 41, [](Time) { return true; });
  const Grid months = on_grid(days, {.frequency = "month", .resample = Combine::sum});
  CHECK(same(months.columns[0], {31 * 32 / 2}));
  CHECK(months.time.frequency == Frequency{.months = 1, .days = {1}});
  const Grid weeks =
      on_grid(rows_from("2024-01-02", day_seconds, 20, [](Time t) { return data::weekday(t) < 5; }),
              {.frequency = "week", .resample = Combine::last});
  CHECK(same(weeks.columns[0], {4, 9, 14}));  // Fridays: the next value would come on Monday
  CHECK(weeks.time.text(0) == "2024-01-01");
  CHECK_THAT(refusal(days, {.resample = Combine::sum}), ContainsSubstring("--freq"));
  CHECK_THAT(refusal(rows, {.frequency = "1h"}), ContainsSubstring("--resample"));
  // Bins of hours are of UTC, but begin as the local clock's do; days are the local clock's own.
  const auto india = rows_at({"2024-01-01T23:40:00+05:30", "2024-01-01T23:50:00+05:30",
                              "2024-01-02T00:00:00+05:30", "2024-01-02T00:50:00+05:30"});
  const Grid local = on_grid(india, {.frequency = "1h", .resample = Combine::last});
  CHECK(same(local.columns[0], {2, 4}));
  CHECK(local.time.text(0) == "2024-01-01T23:00:00+05:30");
  CHECK(same(on_grid(india, {.frequency = "day", .resample = Combine::sum}).columns[0], {3}));
  // What rows begin within is no whole step, like what they end within; its last value is.
  const auto morning = rows_from("2024-01-01 08:00", 3600, 64, [](Time) { return true; });
  const Grid whole = on_grid(morning, {.frequency = "day", .resample = Combine::sum});
  CHECK(same(whole.columns[0], {24 * (17 + 40) / 2.0, 24 * (41 + 64) / 2.0}));
  CHECK(whole.time.text(0) == "2024-01-02");
  CHECK_THAT(all_guesses(whole), ContainsSubstring("the first step, from 2024-01-01, is left out"));
  CHECK(on_grid(morning, {.frequency = "day", .resample = Combine::last}).columns[0].size() == 3);
  // A weekend counts to the Friday before.
  const Grid business = on_grid(rows_from("2024-01-04", day_seconds, 8, [](Time) { return true; }),
                                {.frequency = "business day", .resample = Combine::sum});
  CHECK(same(business.columns[0], {1, 2 + 3 + 4, 5, 6, 7, 8}));
  // Stamps that repeat are rows of their step like others.
  CHECK(same(on_grid(rows_at({"2024-01-01 08:00", "2024-01-01 08:00", "2024-01-02 09:00",
                              "2024-01-03 07:00"}),
                     {.frequency = "day", .resample = Combine::sum})
                 .columns[0],
             {3, 3}));
}
