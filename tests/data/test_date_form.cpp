// Covers: date_form date_format
#include "foglift/data/date_form.hpp"
#include "support/catch.hpp"

#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

using namespace foglift;

namespace {
template <class... Parts>
std::string print(const char* format, Parts... parts) {
  char text[96];
  std::snprintf(text, sizeof text, format, parts...);
  return text;
}

std::vector<std::string> days(const char* format, bool month_first, int first_day, int count) {
  std::vector<std::string> out;
  for (int i = 0; i < count; ++i) {
    const data::CivilTime t =
        data::civil_from_seconds((19'723 + first_day + i) * std::int64_t{86'400});  // 2024-01-01 +
    out.push_back(month_first ? print(format, t.month, t.day, t.year)
                              : print(format, t.day, t.month, t.year));
  }
  return out;
}
}  // namespace

TEST_CASE("date_form: every day of 1900 to 2100 reads back from each form", "[data][date]") {
  // The calendar of the standard library; the ISO year is that of the week's Thursday.
  namespace chrono = std::chrono;
  const char* const names[] = {"January",   "February", "March",    "April",
                               "May",       "June",     "July",     "August",
                               "September", "October",  "November", "December"};
  const chrono::sys_days last = chrono::year(2100) / 12 / 31;
  for (chrono::sys_days at = chrono::year(1900) / 1 / 1; at <= last; at += chrono::days(1)) {
    const chrono::year_month_day date(at);
    const int y = static_cast<int>(date.year());
    const int m = static_cast<int>(static_cast<unsigned>(date.month()));
    const int d = static_cast<int>(static_cast<unsigned>(date.day()));
    const int u = static_cast<int>(chrono::weekday(at).iso_encoding());
    const chrono::sys_days thursday = at + chrono::days(4 - u);
    const chrono::year iso_year = chrono::year_month_day(thursday).year();
    const int week = static_cast<int>((thursday - chrono::sys_days(iso_year / 1 / 1)).count()) / 7;
    const std::int64_t seconds = at.time_since_epoch().count() * std::int64_t{86'400};
    const auto reads = [&](const std::string& text, const char* format, std::int64_t expected) {
      const auto stamp = data::parse_stamp(text, format);
      INFO(text << " by " << format);
      REQUIRE(stamp);
      REQUIRE(stamp->seconds == expected);
      REQUIRE(stamp->nanoseconds == 0);
      REQUIRE_FALSE(stamp->offset);
    };
    reads(print("%04d-%02d-%02d", y, m, d), "%Y-%m-%d", seconds);
    reads(print("%04d%02d%02d", y, m, d), "%Y%m%d", seconds);
    reads(print("%d/%d/%d", m, d, y), "%m/%d/%Y", seconds);
    reads(print("%d.%d.%d", d, m, y), "%d.%m.%Y", seconds);
    reads(print("%s %d, %d", names[m - 1], d, y), "%b %d, %Y", seconds);
    reads(print("%d-%.3s-%d", d, names[m - 1], y), "%d-%b-%Y", seconds);
    reads(print("%d-W%02d-%d", static_cast<int>(iso_year), week + 1, u), "%G-W%V-%u", seconds);
    reads(print("%d-W%02d", static_cast<int>(iso_year), week + 1), "%G-W%V",
          seconds - (u - 1) * 86'400);
    reads(print("%d/%d/%d 12:07:09 AM", m, d, y), "%m/%d/%Y %I:%M:%S %p", seconds + 429);
    if (y >= 1969 && y <= 2068)
      reads(print("%d-%.3s-%02d", d, names[m - 1], y % 100), "%d-%b-%y", seconds);
    if (d != 1) continue;
    reads(print("%.3s %d", names[m - 1], y), "%b %Y", seconds);
    reads(print("%04d%02d", y, m), "%Y%m", seconds);
    if (m % 3 == 1) reads(print("%dQ%d", y, m / 3 + 1), "%YQ%q", seconds);
    if (m == 1) reads(print("%d", y), "%Y", seconds);
  }
}

TEST_CASE("date_form: clocks, fractions and offsets", "[data][date]") {
  const auto at = [](const char* text, const char* format) {
    const auto stamp = data::parse_stamp(text, format);
    return stamp ? stamp->seconds : -1;
  };
  for (int hour = 0; hour < 24; ++hour) {
    const std::string text = print("%d:30 %s", (hour + 11) % 12 + 1, hour < 12 ? "AM" : "p.m.");
    CHECK(at(text.c_str(), "%I:%M %p") == hour * 3'600 + 1'800);
    CHECK(at(print("%d:30", hour).c_str(), "%H:%M") == hour * 3'600 + 1'800);
  }
  const auto stamp = data::parse_stamp("2001-09-09T03:46:40.25+02:00", "%Y-%m-%dT%H:%M:%S%z");
  REQUIRE(stamp);
  CHECK(stamp->seconds == 1'000'007'200);
  CHECK(stamp->nanoseconds == 250'000'000);
  CHECK(stamp->offset == 7'200);
  CHECK(stamp->utc() == 1'000'000'000);
  CHECK(data::parse_stamp("2001-09-08 20:16 -0530", "%Y-%m-%d %H:%M%z")->utc() == 999'999'960);
  CHECK(data::parse_stamp("2001-09-09 01:46Z", "%Y-%m-%d %H:%M%z")->offset == 0);
  CHECK(at("1000000000", "%s") == 1'000'000'000);
  CHECK(at("45292", "%E") == data::seconds_from_civil({.year = 2024}));  // as Excel shows it
  CHECK(at("45292.0416666667", "%E") == data::seconds_from_civil({.year = 2024, .hour = 1}));
  CHECK(at("25569", "%E") == 0);
  CHECK_FALSE(data::parse_stamp("25568", "%E"));
  CHECK(at("1000000000123", "%Q") == 1'000'000'000);
  CHECK(data::parse_stamp("1000000000123", "%Q")->nanoseconds == 123'000'000);
  for (const auto& [text, format] : {std::pair{"2021-W53", "%G-W%V"},
                                     {"2020-W54", "%G-W%V"},
                                     {"2020Q5", "%YQ%q"},
                                     {"2023-2-29", "%Y-%m-%d"},
                                     {"2024113", "%Y%m%d"},
                                     {"13:00 PM", "%I:%M %p"},
                                     {"0:00 AM", "%I:%M %p"},
                                     {"Jux 2020", "%b %Y"},
                                     {"12:00 +2", "%H:%M%z"},
                                     {"12:00+02:0", "%H:%M%z"},
                                     {"2020 x", "%Y"},
                                     {"", "%Y"}}) {
    INFO(text);
    CHECK_FALSE(data::parse_stamp(text, format));
  }
  CHECK(data::parse_stamp("2020-W53", "%G-W%V"));
  CHECK_THROWS_AS(data::parse_stamp("1", "%k"), ArgumentError);
  CHECK_THROWS_AS(data::parse_stamp("", "%"), ArgumentError);
}

TEST_CASE("date_form: a column is recognised as a whole", "[data][date]") {
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{"2024-01-01T00:00:00+01:00", "2024-01-01T01:00:00+01:00"}, "%Y-%m-%dT%H:%M:%S%z"},
      {{"1/28/2024 12:00:00 AM", "1/28/2024 01:00:00 AM"}, "%m/%d/%Y %I:%M:%S %p"},
      {{"2012 Jan", "2012 Feb"}, "%Y %b"},
      {{"Jan 2012", "Feb 2012"}, "%b %Y"},
      {{"January 5, 2020", "", "January 6, 2020"}, "%b %d, %Y"},
      {{"5-Jan-20", "6-Jan-20"}, "%d-%b-%y"},
      {{"2020-W05", "2020-W06"}, "%G-W%V"},
      {{"2020-W05-3", "2020-W05-4"}, "%G-W%V-%u"},
      {{"2020Q1", "2020Q2"}, "%Y Q%q"},
      {{"2020-Q1", "2020-Q2"}, "%Y-Q%q"},
      {{"Q1 2020", "Q2 2020"}, "Q%q %Y"},
      {{"20240101", "20240102"}, "%Y%m%d"},
      {{"202401", "202402"}, "%Y%m"},
      {{"1999", "2000"}, "%Y"},
      {{"1704067200", "1704070800"}, "%s"},
      {{"1704067200000", "1704070800000"}, "%Q"},
      {{"45291", "45292.5"}, "%E"},
  };
  for (const auto& [cells, format] : cases) {
    const auto form = data::find_date_form(cells);
    INFO(cells[0]);
    REQUIRE(form);
    CHECK(form->format == format);
    CHECK(form->reason.empty());
  }
  CHECK_FALSE(data::find_date_form(std::vector<std::string>{"2012 Jan", "2012 Foo"}));
  CHECK_FALSE(data::find_date_form(std::vector<std::string>{"", "NA"}));
}

TEST_CASE("date_form: day and month are told apart by regular rows", "[data][date]") {
  // A day beyond the 12th decides alone; up to the 12th, the steps do.
  CHECK(data::find_date_form(days("%d/%d/%d", true, 0, 20))->format == "%m/%d/%Y");
  CHECK(data::find_date_form(days("%d/%d/%d", false, 0, 20))->format == "%d/%m/%Y");
  std::vector<std::string> twelve = days("%d/%d/%d", false, 31, 12);  // February 1 to 12
  for (const std::string& day : days("%d/%d/%d", false, 60, 12)) twelve.push_back(day);
  const auto two_months = data::find_date_form(twelve);
  CHECK(two_months->format == "%d/%m/%Y");
  CHECK(two_months->reason.find("more regularly than by %m/%d/%Y") != std::string::npos);
  const auto both = data::find_date_form(
      std::vector<std::string>{"01/02/2024", "01/03/2024", "01/04/2024", "01/05/2024"});
  CHECK(both->format == "%m/%d/%Y");
  CHECK(both->reason.find("as regular by %d/%m/%Y") != std::string::npos);
}

TEST_CASE("date_form: cells that do not fit are named", "[data][date]") {
  const std::vector<std::string> cells{"2020Q1", "2020Q7"};
  CHECK_THROWS_WITH(data::read_stamps(cells, "%YQ%q", "a.csv: column \"q\""),
                    "a.csv: column \"q\": row 2: \"2020Q7\" is no date of the form %YQ%q");
}

TEST_CASE("date_form: the first value beyond each field is refused", "[data][date]") {
  const data::StampCells minutes("%Y-%m-%d %H:%M"), seconds("%Y-%m-%dT%H:%M:%S");
  CHECK(minutes("2024-02-29 23:59")->seconds == 1'709'251'140);
  for (const char* cell : {"2024-00-10 12:00", "2024-13-10 12:00", "2024-02-00 12:00",
                           "2024-02-30 12:00", "2024-02-29 24:30", "2024-02-29 23:60"}) {
    INFO(cell);
    CHECK_FALSE(minutes(cell));
  }
  CHECK(seconds("2024-02-29T23:59:59")->seconds == 1'709'251'199);
  for (const char* cell : {"2024-02-29T24:00:01", "2024-02-29T23:60:00", "2024-02-29T23:59:61"}) {
    INFO(cell);
    CHECK_FALSE(seconds(cell));
  }
}

TEST_CASE("date_form: months count as steps where all stand on one day at one time",
          "[data][date]") {
  const auto at = [](int month, int day, int hour) {
    return data::seconds_from_civil({2024, month, day, hour});
  };
  using Times = std::vector<std::int64_t>;
  using data::detail::regularity;
  CHECK(regularity(Times{at(1, 5, 6), at(2, 5, 6), at(3, 5, 6), at(4, 5, 6)}) == 1);
  // One day of the month, but not one time: hours, and months with an hour between.
  CHECK(regularity(Times{at(1, 5, 6), at(1, 5, 7), at(1, 5, 8), at(1, 5, 9)}) == 1);
  CHECK(regularity(Times{at(1, 5, 6), at(2, 5, 6), at(3, 5, 7), at(4, 5, 7)}) == 2.0 / 3);
  CHECK(regularity(Times{at(1, 5, 6)}) == 0);
}
