// Covers: tagged_text tsf ts
#include "foglift/data/ts.hpp"
#include "foglift/data/tsf.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;
using namespace foglift::data;

namespace {

const std::string tsf =
    "# Demand of two places\n"
    "@relation demand\r\n"
    "@attribute series_name string\n@attribute start_timestamp date\n@attribute beds numeric\n"
    "@frequency half_hourly\n@horizon 24\n@missing true\n@equallength false\n@data\n"
    "T1:2012-01-31 00-30-00:3:1.5,2,?,-4e2\n"
    "\n"
    "T2:1969-12-31 23-59-59:?:7\n";

const std::string ts =
    "#of sktime\n@problemName Steps\n@timeStamps false\n@univariate false\n@classLabel true up "
    "down\n"
    "@data\n1,2,3:10,20,30:down\n4,?,6:40,50,60:up\n";

}  // namespace

TEST_CASE("tsf: series, attributes, starts and missing values", "[data][tsf]") {
  const TsfFile file = parse_tsf(tsf);
  CHECK(file.relation == "demand");
  CHECK(file.frequency == "half_hourly");
  CHECK(file.horizon == 24);
  CHECK(file.attribute_names == std::vector<std::string>{"series_name", "start_timestamp", "beds"});
  REQUIRE(file.series.size() == 2);
  CHECK(file.series[0].attributes == std::vector<std::string>{"T1", "2012-01-31 00-30-00", "3"});
  CHECK(file.series[0].start == 1327969800);  // date -u -d '2012-01-31 00:30' +%s
  CHECK(file.series[1].start == -1);
  REQUIRE(file.series[0].values.size() == 4);
  CHECK(file.series[0].values[1] == 2);
  CHECK(std::isnan(file.series[0].values[2]));
  CHECK(file.series[0].values[3] == -400);
  CHECK(file.series[1].values == std::vector<double>{7});
}

TEST_CASE("tsf: what is refused, with the line", "[data][tsf]") {
  const auto refused = [](const std::string& text, const std::string& words) {
    INFO(text);
    CHECK_THROWS_WITH(parse_tsf(text, "a.tsf"),
                      ContainsSubstring("a.tsf") && ContainsSubstring(words));
  };
  const std::string head = "@attribute name string\n@frequency daily\n";
  refused(head + "@data\n", "no series");
  refused(head, "no line @data");
  refused(head + "a:1,2\n", "line 3: expected a tag");
  refused(head + "@data\n1,2\n", "line 4: 1 attributes and a list of values are needed");
  refused(head + "@data\na:1,b\n", "line 4: can not read \"b\" as a number");
  refused(head + "@data\na:?,?\n", "a series without a value");
  refused(head + "@missing false\n@data\na:1,?\n", "line 5: a value is missing");
  refused(head + "@equallength true\n@data\na:1,2\nb:1\n",
          "line 6: 1 values, the first series has 2");
  refused(head + "@missing maybe\n@data\na:1\n", "needed true or false");
  refused(head + "@horizon 0\n@data\na:1\n", "@horizon \"0\"");
  refused("@attribute start date\n@data\n2012-01-31:1\n", "needed a date like");
  refused("@attribute beds numeric\n@data\nmany:1\n", "can not read \"many\"");
  refused("@attribute beds\n@data\n1:1\n", "needed a name and string, numeric or date");
}

TEST_CASE("ts: channels, classes and missing values", "[data][ts]") {
  const LabelledSeries set = parse_ts(ts);
  CHECK(set.name == "Steps");
  CHECK(set.classes == std::vector<std::string>{"up", "down"});
  CHECK(set.labels == std::vector<Index>{1, 0});
  REQUIRE(set.series.size() == 2);
  CHECK(set.series[0] == Tensor<double>({3, 2}, {1, 10, 2, 20, 3, 30}));
  CHECK(std::isnan(set.series[1](1, 0)));
  CHECK(set.series[1](1, 1) == 50);
  CHECK(stacked(std::span(set.series).first(1)) == Tensor<float>({1, 3, 2}, {1, 10, 2, 20, 3, 30}));
  const LabelledSeries rates = parse_ts("@targetlabel true\n@data\n1,2:0.5\n3,4:-2\n");
  CHECK(rates.targets == std::vector<double>{0.5, -2});
  CHECK(rates.labels.empty());
  CHECK(parse_ts("@classlabel false\n@data\n1,2\n").series[0] == Tensor<double>({2, 1}, {1, 2}));
}

TEST_CASE("ts: what is refused, with the line", "[data][ts]") {
  const auto refused = [](const std::string& text, const std::string& words) {
    INFO(text);
    CHECK_THROWS_WITH(parse_ts(text, "a.ts"),
                      ContainsSubstring("a.ts") && ContainsSubstring(words));
  };
  refused("@timestamps true\n@data\n", "line 1: @timeStamps true");
  refused("@classLabel true\n@data\n1:a\n", "no names of classes");
  refused("@classLabel true a b\n@data\n1,2:c\n", "line 3: class \"c\" is not among those");
  refused("@classLabel true a b\n@data\n1,2\n", "no ':'");
  refused("@data\n1,2:3\n", "channel 2 has 1 values, the first one 2");
  refused("@data\n1,2\n1,2:3,4\n", "line 3: 2 channels, the first series has 1");
  CHECK_THROWS_AS(stacked(std::vector{Tensor<double>({2, 1}), Tensor<double>({3, 1})}), ShapeError);
  CHECK_THROWS_AS(stacked(std::vector<Tensor<double>>()), ShapeError);
}

TEST_CASE("ucr: classes in the order of their numbers, padding is cut off", "[data][ts]") {
  const LabelledSeries set = parse_ucr("10\t1\t2\tNaN\n-1\t3\tNaN\t4\n2\t5\t6\t7\n");
  CHECK(set.classes == std::vector<std::string>{"-1", "2", "10"});
  CHECK(set.labels == std::vector<Index>{2, 0, 1});
  CHECK(set.series[0] == Tensor<double>({2, 1}, {1, 2}));
  CHECK(set.series[1].dim(0) == 3);
  CHECK(std::isnan(set.series[1](1, 0)));
  CHECK_THROWS_WITH(parse_ucr("1\t2\n3\n", "a.tsv"), ContainsSubstring("a.tsv, line 2: no tab"));
  CHECK_THROWS_WITH(parse_ucr("1\tNaN\n"), ContainsSubstring("without a value"));
  CHECK_THROWS_WITH(parse_ucr("# nothing\n"), ContainsSubstring("no series"));
}
