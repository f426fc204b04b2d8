// Covers: json_lines monash
#include "foglift/forecast/series/json_lines.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;
using namespace foglift::forecast;

TEST_CASE("tsf: series have their names, starts and the file's frequency", "[forecast][tsf]") {
  const data::TsfFile file = data::parse_tsf(
      "@relation r\n@attribute series_name string\n@attribute start_timestamp date\n"
      "@frequency half_hourly\n@horizon 4\n@missing true\n@equallength false\n@data\n"
      "T1:2012-01-31 00-30-00:1,?,3\nT2:2013-02-28 01-00-00:4\n");
  const std::vector<Series> series = series_of(file);
  REQUIRE(series.size() == 2);
  CHECK(series[0].name == "T1");
  CHECK(series[0].time.text(1) == "2012-01-31 01:00");
  CHECK(series[0].time.frequency.name() == "half-hourly");
  CHECK(std::isnan(series[0].value(1)));
  CHECK(series[1].values == std::vector<double>{4});
  // Without attributes and frequency.
  const auto bare = series_of(data::parse_tsf("@relation r\n@data\n1,2\n"));
  CHECK(bare.at(0).name == "series 1");
  CHECK(bare[0].time.frequency == Frequency{});
}

TEST_CASE("tsf: frequencies of the archive are found by their names", "[forecast][tsf]") {
  const Time start = data::seconds_from_civil({.year = 2012, .month = 1, .day = 1});
  for (const auto& [name, found] : {std::pair{"4_seconds", "every 4 seconds"},
                                    {"minutely", "minutely"},
                                    {"10_minutes", "every 10 minutes"},
                                    {"hourly", "hourly"},
                                    {"daily", "daily"},
                                    {"weekly", "weekly"},
                                    {"quarterly", "quarterly"},
                                    {"yearly", "yearly"},
                                    {"H", "hourly"},
                                    {"D", "daily"},
                                    {"10min", "every 10 minutes"},
                                    {"monthly", "monthly"}}) {
    INFO(name);
    CHECK(frequency_from(name, start).name() == found);
  }
  CHECK(frequency_from("monthly", start).days == std::vector<int>{1});
  CHECK(frequency_from("M", start + 30 * day_seconds).days == std::vector<int>{31});
  CHECK_THROWS_AS(frequency_from("now and then", start), ArgumentError);
}

TEST_CASE("json_lines: a data set of GluonTS", "[forecast][json_lines]") {
  const std::vector<Series> series = parse_json_lines(
      "{\"start\": \"2012-01-01 00:00:00\", \"target\": [1, -2.5e1, NaN, null, \"NaN\"], "
      "\"item_id\": \"A\", \"feat_static_cat\": [3], \"feat_static_real\": [0.5],"
      "\"feat_dynamic_real\": [[0, 1, 2, 3, 4, 5], [9, 8, 7, 6, 5, 4]]}\r\n\n"
      "{\"target\": [], \"start\": \"2012-01-01T06:00:00\", \"item_id\": 7, \"x\": {\"y\": [{}]}}\n"
      "{\"target\": [2], \"start\": \"2012-01-02\"}",
      "H");
  REQUIRE(series.size() == 3);
  CHECK(series[0].name == "A");
  CHECK(series[0].values[0] == 1);
  CHECK(series[0].values[1] == -25);
  for (const Index t : {2, 3, 4}) CHECK(std::isnan(series[0].value(t)));
  CHECK(series[0].statics == std::vector<double>{0.5});
  CHECK(series[0].known == Tensor<double>({6, 2}, {0, 9, 1, 8, 2, 7, 3, 6, 4, 5, 5, 4}));
  CHECK(series[1].name == "7");
  CHECK(series[1].size() == 0);
  CHECK(series[1].time.text(1) == "2012-01-01 07:00");
  CHECK(series[2].name == "series 3");
  CHECK(series[2].time.text(0) == "2012-01-02 00:00");
}

TEST_CASE("json_lines: what can not be read is refused by its line", "[forecast][json_lines]") {
  const auto refused = [](const std::string& line, const std::string& why) {
    INFO(line);
    CHECK_THROWS_WITH(parse_json_lines("\n" + line, "D", "file"),
                      ContainsSubstring("file, line 2") && ContainsSubstring(why));
  };
  refused("{\"target\": [1]}", "\"start\" and \"target\"");
  refused("{\"start\": \"2012-01-01\"}", "\"start\" and \"target\"");
  refused("{\"start\": \"soon\", \"target\": [1]}", "\"soon\"");
  refused("{\"start\": \"2012-01-01\", \"target\": [1e999]}", "out of range");
  refused("{\"start\": \"2012-01-01\", \"target\": [inf]}", "a number");
  refused("{\"start\": \"2012-01-01\", \"target\": [1, [2]]}", "a number");
  refused("{\"start\": \"2012-01-01\", \"target\": [1]} {}", "follows");
  refused("{\"start\": \"2012-01-01\", \"target\": [1, 2], \"feat_dynamic_real\": [[1]]}",
          "a column of 1 values");
  refused("[1, 2]", "an object");
  CHECK_THROWS_AS(parse_json_lines(" \n", "D"), FormatError);
  CHECK_THROWS_AS(parse_json_lines("{\"start\": \"2012-01-01\", \"target\": [1]}", "often"),
                  ArgumentError);
}
