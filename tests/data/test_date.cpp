// Covers: date
#include "foglift/data/date.hpp"
#include "support/catch.hpp"

using namespace foglift;

TEST_CASE("date: day numbers agree with counting day by day", "[data][date]") {
  // 1600-01-01 is 135140 days before 1970: 370 years, 90 of them leap years (92 multiples of 4 from
  // 1600 to 1968 less 1700, 1800 and 1900, plus 1600 itself being one of the 93).
  std::int64_t day = -(370 * 365 + 93 - 3);
  for (int year = 1600; year <= 2400; ++year) {
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    const int lengths[12] = {31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    for (int month = 1; month <= 12; ++month) {
      REQUIRE(data::days_in_month(year, month) == lengths[month - 1]);
      for (int d = 1; d <= lengths[month - 1]; ++d, ++day) {
        REQUIRE(data::days_from_civil(year, month, d) == day);
        const data::CivilTime back = data::civil_from_seconds(day * 86'400 + 3'661);
        REQUIRE((back.year == year && back.month == month && back.day == d));
        REQUIRE((back.hour == 1 && back.minute == 1 && back.second == 1));
      }
    }
  }
  CHECK(data::days_from_civil(0, 1, 1) == -719528);       // known from MATLAB's datenum epoch
  CHECK(data::days_from_civil(9999, 12, 31) == 2932896);  // Python: date.max - date(1970, 1, 1)
}

TEST_CASE("date: texts read as seconds since 1970 in UTC", "[data][date]") {
  const std::pair<const char*, std::int64_t> cases[] = {
      {"1970-01-01", 0},
      {"1970-01-02", 86'400},
      {"1969-12-31", -86'400},
      {"2000-03-01", 951'868'800},
      {"2001-09-09T01:46:40Z", 1'000'000'000},
      {"2001-09-09 01:46:40", 1'000'000'000},
      {"2001-09-09 01:46", 999'999'960},
      {"2001-09-09 01:46:40.999", 1'000'000'000},
      {"2001-09-09T03:46:40+02:00", 1'000'000'000},
      {"2001-09-09T03:46:40+0200", 1'000'000'000},
      {"2001-09-08T20:16:40-05:30", 1'000'000'000},
      {"2001-09-09T03:46:40+02", 1'000'000'000},
      {"2000/03/01", 951'868'800},
      {"01.03.2000", 951'868'800},
      {"01.03.2000 00:01", 951'868'860},
      {"2000-03", 951'868'800},
      {"2000-02-29", 951'782'400},
      {"0000-01-01", -62'167'219'200},
  };
  for (const auto& [text, seconds] : cases) {
    INFO(text);
    CHECK(data::parse_date(text) == seconds);
  }
}

TEST_CASE("date: what is no date is refused", "[data][date]") {
  for (const char* text : {"",
                           "2000",
                           "20000301",
                           "2000-3-1",
                           "2000-13-01",
                           "2000-00-01",
                           "2000-01-00",
                           "2000-01-32",
                           "2001-02-29",
                           "1900-02-29",
                           "2000-04-31",
                           "2000-01/01",
                           "2000/01-01",
                           "2000/01",
                           "01.03.00",
                           "32.01.2000",
                           "30.02.2000",
                           "2000-01-01x",
                           "2000-01-01T",
                           "2000-01-01 24:00",
                           "2000-01-01 00:60",
                           "2000-01-01 00:00:60",
                           "2000-01-01 1:00",
                           "2000-01-01 00:00:00.",
                           "2000-01-01 00:00Q",
                           "2000-01-01 00:00Zx",
                           "2000-01-01 00:00+2",
                           "2000-01-01 00:00+02:0",
                           "2000-01-01 00:00+02:000",
                           " 2000-01-01",
                           "2000-01-01 ",
                           "-200-01-01",
                           "2000-01-01  00:00"}) {
    INFO(text);
    CHECK_FALSE(data::parse_date(text).has_value());
  }
}

TEST_CASE("date: format and parse are inverse and weekdays run on", "[data][date]") {
  CHECK(data::format_date(0) == "1970-01-01");
  CHECK(data::format_date(0, true) == "1970-01-01 00:00:00");
  CHECK(data::format_date(-1) == "1969-12-31 23:59:59");
  CHECK(data::weekday(0) == 3);            // Thursday
  CHECK(data::weekday(951'868'800) == 2);  // 2000-03-01 was a Wednesday
  CHECK(data::weekday(-1) == 2);
  for (std::int64_t s = -62'167'219'200; s < 253'402'300'800; s += 987'654'321) {
    REQUIRE(data::parse_date(data::format_date(s)) == s);
    REQUIRE(data::weekday(s + 86'400) == (data::weekday(s) + 1) % 7);
  }
}
