// Covers: series/read read/options date_column number_columns
#include "foglift/forecast/series/read.hpp"
#include "support/catch.hpp"

using namespace foglift;

TEST_CASE("read_panel: a date, a target and what was guessed", "[forecast][read]") {
  const forecast::Reading r = forecast::parse_panel(
      "row;day;sales;price\n1;1/14/2024;5,5;2\n2;1/15/2024;9,5;2\n3;1/17/2024;7,5;3\n");
  CHECK(r.date == "day");
  CHECK(r.target == std::vector<std::string>{"sales"});
  CHECK(r.rows == 3);
  CHECK(r.missing == 1);
  REQUIRE(r.series.size() == 1);
  CHECK(r.series[0].time.start == 1'705'190'400);
  CHECK(r.series[0].size() == 4);
  CHECK(r.series[0].value(3) == 7.5);
  REQUIRE(r.guesses.size() == 2);
  CHECK(r.guesses[0].line() == "dates read by '%m/%d/%Y'; --date-format overrules");
}
