// Covers: series/read read/options panel_of sheet numbers date_source date_parts dates items across roles
//   build checks
#include "foglift/core/atomic_file.hpp"
#include "read_cases.hpp"
#include "support/temp_folder.hpp"

using namespace foglift;

TEST_CASE("read_panel: a date, a target and what was guessed", "[forecast][read]") {
  const forecast::Reading r =
      forecast::parse_panel(read_cases::expand("row;day;sales;price\n*12 1d {i};%m/%d/%Y;{c};2\n"));
  CHECK(r.date == "day");
  CHECK(r.target == std::vector<std::string>{"sales"});
  CHECK(r.unused == std::vector<std::string>{"row", "price"});
  CHECK(r.rows == 12);
  CHECK(r.missing == 0);
  REQUIRE(r.series.size() == 1);
  CHECK(r.series[0].time.text(0) == "2024-01-01");
  CHECK(r.series[0].value(1) == 14.5);
  REQUIRE(r.guesses.size() == 3);
  CHECK(r.guesses[1].line() ==
        "target 'sales' ('price' without variation; 'row' counting rows); --target overrules");
}

TEST_CASE("read_panel: rows behind the last value are the future", "[forecast][read]") {
  const std::string text =
      "date,price,promo,units,wind\n*20 1d "
      "%Y-%m-%d,{v},usual,{n},{v}\n2024-01-21,9.5,sale,,\n2024-01-22,8.5,usual,,\n";
  const forecast::Reading r = forecast::parse_panel(read_cases::expand(text));
  CHECK(r.future == 2);
  CHECK(r.target == std::vector<std::string>{"units"});
  CHECK(r.known == std::vector<std::string>{"price"});
  REQUIRE(r.series[0].size() == 20);
  CHECK(r.series[0].known.shape() == Shape{22, 1});
  CHECK(r.series[0].known(21, 0) == 8.5);

  const forecast::Reading words =
      forecast::parse_panel(read_cases::expand(text), {.known = {"promo,price"}, .past = {"wind"}});
  CHECK(words.known == std::vector<std::string>{"promo", "price"});
  CHECK(words.series[0].known.shape() == Shape{22, 3});
  CHECK(words.series[0].known(20, 0) == 1);  // sale
  CHECK(words.series[0].known(20, 1) == 0);  // usual
  CHECK(words.series[0].past.shape() == Shape{20, 1});
  CHECK(words.series[0].past(1, 0) == 14.5);
}

TEST_CASE("read_panel: rows ahead in a file of their own", "[forecast][read]") {
  const TempFolder folder;
  const std::string ahead = folder / "ahead.csv";
  const std::string text = read_cases::expand("date,price,units\n*20 1d %Y-%m-%d,{v},{n}\n");
  write_file(ahead, read_cases::expand("price,date\n*5+20 1d 9,%Y-%m-%d\n"));
  const forecast::Reading r = forecast::parse_panel(text, {.future = ahead});
  CHECK(r.target == std::vector<std::string>{"units"});
  CHECK(r.known == std::vector<std::string>{"price"});
  CHECK(r.future == 5);
  CHECK(r.series[0].size() == 20);
  REQUIRE(r.series[0].known.shape() == Shape{25, 1});
  CHECK(r.series[0].known(24, 0) == 9);
  write_file(ahead, "date,cost\n2024-01-21,9\n");
  CHECK_THROWS_WITH(forecast::parse_panel(text, {.future = ahead}),
                    ContainsSubstring("column \"cost\" is not one of text"));
}

TEST_CASE("read_panel: numbers of a whole series, and series of other lengths",
          "[forecast][read]") {
  const forecast::Reading r = forecast::parse_panel(
      read_cases::expand("id,date,size,y\n*12 1d a,%Y-%m-%d,3,{v}\n*9+5 1d b,%Y-%m-%d,8,{v}\n"),
      {.statics = {"size"}});
  REQUIRE(r.series.size() == 2);
  CHECK(r.id == std::vector<std::string>{"id"});
  CHECK(r.series[0].statics == std::vector<double>{3});
  CHECK(r.series[1].statics == std::vector<double>{8});
  CHECK(r.series[1].size() == 9);
}
