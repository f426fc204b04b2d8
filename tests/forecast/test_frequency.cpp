// Covers: frequency_words series/frequency
#include "foglift/forecast/series/frequency_words.hpp"
#include "support/catch.hpp"

#include <string>
#include <vector>

using namespace foglift;
using namespace foglift::forecast;

TEST_CASE("frequency: names that people and pandas give", "[forecast][frequency]") {
  struct Case {
    const char* name;
    Frequency f;
  };
  const std::vector<Case> cases = {
      {"100ms", {.seconds = 1, .per = 10}},
      {"30Hz", {.seconds = 1, .per = 30}},
      {"0.5 Hz", {.seconds = 2}},
      {"1/30 s", {.seconds = 1, .per = 30}},
      {"2.5s", {.seconds = 5, .per = 2}},
      {"1500 us", {.seconds = 3, .per = 2000}},
      {"15min", {.seconds = 900}},
      {"15T", {.seconds = 900}},
      {"1h", {.seconds = 3600}},
      {"H", {.seconds = 3600}},
      {"1.5 hours", {.seconds = 5400}},
      {"Day", {.seconds = day_seconds}},
      {"every 2 days", {.seconds = 2 * day_seconds}},
      {"W", {.seconds = week_seconds}},
      {"B", {.seconds = day_seconds, .open = {{0, 5}}}},
      {"business days", {.seconds = day_seconds, .open = {{0, 5}}}},
      {"MS", {.months = 1, .days = {1}}},
      {"ME", {.months = 1, .days = {31}}},
      {"month end", {.months = 1, .days = {31}}},
      {"last business day", {.months = 1, .weekend = Weekend::before}},
      {"first business day", {.months = 1, .days = {1}, .weekend = Weekend::after}},
      {"2 quarters on the 1st", {.months = 6, .days = {1}}},
      {"hourly, Tue+Wed 08:00-10:00 and 12:00-13:00, Sun",
       {.seconds = 3600, .open = {{32, 34}, {36, 37}, {56, 58}, {60, 61}, {144, 168}}}}};
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(parse_frequency(c.name).frequency == c.f);
    CHECK_FALSE(parse_frequency(c.name).any_day);
  }
  CHECK(parse_frequency("month").any_day);
  CHECK(parse_frequency("quarter").frequency.months == 3);
  CHECK(parse_frequency("2 years").frequency.months == 24);
  CHECK(parse_frequency("M").any_day);
  CHECK(parse_frequency("quarter").bins() == Frequency{.months = 3, .days = {1}});
}

TEST_CASE("frequency: a name is read back as the frequency it names", "[forecast][frequency]") {
  const std::vector<Frequency> all = {{.seconds = 1, .per = 1000},
                                      {.seconds = 1, .per = 50},
                                      {.seconds = 1001, .per = 30'000},
                                      {.seconds = 5, .per = 2},
                                      {.seconds = 1},
                                      {.seconds = 90},
                                      {.seconds = 1800},
                                      {.seconds = 5400},
                                      {.seconds = 4 * 3600},
                                      {.seconds = day_seconds},
                                      {.seconds = 10 * day_seconds},
                                      {.seconds = week_seconds},
                                      {.seconds = day_seconds, .open = {{0, 5}}},
                                      {.seconds = day_seconds, .open = {{1, 2}, {3, 4}, {5, 6}}},
                                      {.seconds = 1800, .open = {{16, 36}, {64, 84}, {304, 310}}},
                                      {.seconds = 3600, .open = {{0, 1}, {22, 25}, {46, 48}}},
                                      {.months = 1, .days = {31}},
                                      {.months = 1, .days = {30}},
                                      {.months = 1, .days = {2, 13, 23}},
                                      {.months = 3, .days = {15, 31}},
                                      {.months = 12, .days = {22}},
                                      {.months = 2, .weekend = Weekend::before},
                                      {.months = 1, .days = {1}, .weekend = Weekend::after},
                                      {.months = 1, .days = {25}, .weekend = Weekend::before}};
  for (const Frequency& f : all) {
    CAPTURE(f.name());
    CHECK(parse_frequency(f.name()).frequency == f);
  }
  CHECK(Frequency{.months = 1, .days = {1, 22, 29}}.name() ==
        "monthly on the 1st, 22nd and 29th or last day");
  CHECK(Frequency{.months = 1, .days = {25}, .weekend = Weekend::before}.name() ==
        "monthly on the 25th or the business day before");
  CHECK(Frequency{.seconds = day_seconds, .open = {{1, 2}, {3, 4}, {5, 6}}}.name() ==
        "daily, Tue, Thu, Sat");
}

TEST_CASE("frequency: so many cells in words", "[forecast][frequency]") {
  CHECK(Frequency{.seconds = 3600}.span(48) == "48 hours");
  CHECK(Frequency{.seconds = 1800}.span(1) == "30 minutes");
  CHECK(Frequency{.seconds = 1800}.span(2) == "60 minutes");
  CHECK(Frequency{.seconds = 300}.span(288) == "24 hours");
  CHECK(Frequency{.seconds = day_seconds}.span(1) == "1 day");
  CHECK(Frequency{.seconds = 2 * week_seconds}.span(3) == "6 weeks");
  CHECK(Frequency{.seconds = 90}.span(2) == "3 minutes");
  CHECK(Frequency{.seconds = 1, .per = 10}.span(15) == "1.5 seconds");
  CHECK(Frequency{.seconds = 1, .per = 10}.span(10) == "1 second");
  CHECK(Frequency{.months = 1}.span(12) == "12 months");
  CHECK(Frequency{.months = 12}.span(2) == "2 years");
  CHECK(Frequency{.months = 3}.span(8) == "24 months");
  CHECK(Frequency{.months = 1, .days = {1, 15}}.span(24) == "12 months");
  CHECK(Frequency{.months = 1, .days = {1, 15}}.span(5) == "5 dates");
  CHECK(Frequency{.seconds = day_seconds, .open = {{0, 6}}}.span(6) == "6 open days");
  CHECK(Frequency{.seconds = day_seconds, .open = {{0, 5}}}.span(5) == "5 business days");
  CHECK(Frequency{.seconds = 1800, .open = {{18, 32}}}.span(14) == "1 business day");
  CHECK(Frequency{.seconds = 1800, .open = {{280, 308}}}.span(4) == "2 open hours");  // Saturday
  CHECK(Frequency{.seconds = 1800, .open = {{18, 32}}}.span(4) == "2 business hours");
  CHECK(Frequency{.seconds = 1800, .open = {{18, 32}, {66, 79}}}.span(21) == "10.5 business hours");
  CHECK(Frequency{.seconds = 900}.span(42) == "10.5 hours");
  CHECK(Frequency{.seconds = 600}.span(22) == "220 minutes");
  CHECK(Frequency{.seconds = 3600}.span(168) == "7 days");
  CHECK(Frequency{.seconds = 300}.span(2016) == "7 days");
  CHECK(Frequency{.seconds = 3600}.span(84) == "84 hours");
}

TEST_CASE("frequency: what is none is refused", "[forecast][frequency]") {
  for (const char* name : {"", "x", "0s", "1.5 months", "-1h", "monthly on the 32nd", "hourly, ",
                           "1h, Mon 09:30-10:00", "1h, 10:00-09:00", "hourly, Mon-Foo", "5",
                           "99999999999999999999h", "7min, Mon", "monthly on the 15th and 1st"}) {
    CAPTURE(name);
    CHECK_THROWS_WITH(parse_frequency(name), ContainsSubstring("--freq '" + std::string(name)));
  }
  const std::vector<Frequency> bad = {{},
                                      {.seconds = 1, .months = 1},
                                      {.seconds = -1},
                                      {.seconds = 1, .per = 0},
                                      {.seconds = 20'000'000'000},
                                      {.seconds = 2'000'000'000, .per = 7},
                                      {.months = 1, .days = {}},
                                      {.months = 1, .days = {15, 1}},
                                      {.months = 1, .days = {0}},
                                      {.seconds = 3600, .open = {{3, 2}}},
                                      {.seconds = 3600, .open = {{0, 169}}},
                                      {.seconds = 7000, .open = {{0, 1}}}};
  for (const Frequency& f : bad) CHECK_THROWS_AS(f.check("x"), ArgumentError);
}
