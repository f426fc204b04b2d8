// Covers: events
#include "foglift/forecast/series/events.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;
using namespace foglift::forecast;

namespace {

const std::string list =
    "Datum;Feiertag;Land\n"
    "01.01.2022;Neujahr;BY\n06.01.2022;Epiphanias;BY\n25.12.2022;Weihnachten;BY\n"
    "01.01.2023;Neujahr;\n25.12.2023;Weihnachten;\n31.10.2023;Reformationstag;SN\n"
    "01.01.2024;Neujahr;\n25.12.2024;Weihnachten;\n";

Series series(const char* start, Frequency f, Index cells) {
  return {.name = "y",
          .time = {data::parse_stamp(start, "%Y-%m-%d")->seconds, f},
          .values = std::vector<double>(static_cast<std::size_t>(cells), 1.0)};
}

}  // namespace

TEST_CASE("events: cells of their days are 1, others 0, those before the list missing",
          "[forecast][events]") {
  const Events events = parse_events(list, "BY");
  CHECK(events.columns() == std::vector<std::string>{"Neujahr", "Weihnachten", "other events"});
  Series s = series("2021-12-30", {.seconds = 6 * 3600}, 4 * 10);
  events.add_to(s, 8);
  REQUIRE(s.known.shape() == Shape{48, 3});
  for (Index t = 0; t < 48; ++t) {
    const Index day = t / 4;  // from 30 December: 2 is New Year, 7 Epiphany
    if (day < 2) {
      CHECK(std::isnan(s.known(t, 0)));
      continue;
    }
    CHECK(s.known(t, 0) == (day == 2));
    CHECK(s.known(t, 1) == 0);
    CHECK(s.known(t, 2) == (day == 7));
  }
}

TEST_CASE("events: months and weeks hold the days in them, business days none of a weekend",
          "[forecast][events]") {
  const Events events = parse_events(list, "BY");
  for (const int named_by : {1, 31}) {
    Series months = series("2022-01-31", {.months = 1, .days = {named_by}}, 24);
    events.add_to(months, 11);
    for (Index t = 1; t < 35; ++t) {
      CHECK(months.known(t, 0) == (t % 12 == 0));
      CHECK(months.known(t, 1) == (t % 12 == 11));
    }
  }
  Series weeks = series("2022-12-19", {.seconds = week_seconds}, 2);  // Mondays
  events.add_to(weeks, 0);
  CHECK(weeks.known(0, 1) == 1);  // Christmas was a Sunday
  CHECK(weeks.known(1, 0) == 1);
  Series days = series("2022-12-23", {.seconds = day_seconds, .open = {{0, 5}}}, 2);
  events.add_to(days, 0);
  CHECK(days.known(0, 1) == 0);  // Friday; the Sunday behind it is no cell
  CHECK(days.known(1, 1) == 0);
}

TEST_CASE("events: covariates that were there stay", "[forecast][events]") {
  Series s = series("2022-01-01", {.seconds = day_seconds}, 3);
  s.known = Tensor<double>({5, 1}, {1, 2, 3, 4, 5});
  parse_events(list, "BY").add_to(s, 1);
  REQUIRE(s.known.shape() == Shape{5, 4});
  CHECK(s.known(4, 0) == 5);
  CHECK(s.known(0, 1) == 1);
  CHECK(s.known(4, 1) == 0);
}

TEST_CASE("events: a list that ends too early is refused, December covers its year",
          "[forecast][events]") {
  Series s = series("2024-12-01", {.seconds = day_seconds}, 20);
  CHECK_NOTHROW(parse_events(list, "SN").add_to(s, 11));
  Series same = series("2024-12-01", {.seconds = day_seconds}, 20);
  CHECK_THROWS_WITH(parse_events(list, "SN").add_to(same, 12),
                    ContainsSubstring("up to 2024-12-31") && ContainsSubstring("2025-01-01"));
  CHECK_NOTHROW(parse_events(list + "03.01.2025;;\n", "SN").add_to(same, 12));
  CHECK(same.known(31, 0) == 0);
  Series june = series("2024-06-01", {.seconds = day_seconds}, 5);
  CHECK_THROWS_WITH(parse_events("date,name\n2024-06-03,match\n", "", "m.csv").add_to(june, 0),
                    ContainsSubstring("m.csv") && ContainsSubstring("2024-06-05") &&
                        ContainsSubstring("no name"));
}

TEST_CASE("events: a model keeps the columns that it knows", "[forecast][events]") {
  Events more = parse_events(list + "06.01.2023;Epiphanias;\n06.01.2024;Epiphanias;\n", "BY");
  CHECK(more.columns() == std::vector<std::string>{"Epiphanias", "Neujahr", "Weihnachten"});
  more.take_columns({"Neujahr", "Weihnachten", "other events"});
  Series s = series("2022-01-06", {.seconds = day_seconds}, 1);
  more.add_to(s, 0);
  CHECK(s.known(0, 2) == 1);
}

TEST_CASE("events: lists that can not be read", "[forecast][events]") {
  CHECK_THROWS_WITH(parse_events(list), ContainsSubstring("'BY', 'SN'; --region"));
  CHECK_THROWS_WITH(parse_events(list, "XX"), ContainsSubstring("'XX': there are 'BY', 'SN'"));
  CHECK_THROWS_WITH(parse_events("date,name\n2024-01-01,a\n", "BY"),
                    ContainsSubstring("no column of regions"));
  CHECK_THROWS_WITH(parse_events("date\n2024-01-01\n2024-01-02\n"), ContainsSubstring("names"));
  CHECK_THROWS_WITH(parse_events("a,b\nx,y\n", "", "h.csv"),
                    ContainsSubstring("h.csv") && ContainsSubstring("no column of dates"));
  CHECK_THROWS_AS(Events({}, "x"), ArgumentError);
}
