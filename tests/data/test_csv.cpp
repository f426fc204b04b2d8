// Covers: csv_cell csv_reader csv_table csv_tokens csv_writer
#include "foglift/data/csv.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <cstdlib>
#include <filesystem>

using namespace foglift;
using namespace std::string_literals;
using data::ColumnKind;
using Doubles = std::vector<double>;
using Texts = std::vector<std::string>;

namespace {

const double missing = std::numeric_limits<double>::quiet_NaN();

bool same(const Doubles& a, const Doubles& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); });
}

data::CsvTable parse(const std::string& text, const data::CsvOptions& options = {}) {
  return data::parse_csv(text, options, "f.csv");
}

}  // namespace

TEST_CASE("csv: layouts of one table read the same", "[data][csv]") {
  const std::string bom = "\xEF\xBB\xBF";
  for (const std::string& text : {
           "date,y,who\n2020-01-01,1.5,ann\n2020-01-02,,bob\n"s,
           "date,y,who\n2020-01-01,1.5,ann\n2020-01-02,,bob"s,          // no break at the end
           "date,y,who\r\n2020-01-01,1.5,ann\r\n2020-01-02,,bob\r\n"s,  // CR LF
           "date,y,who\r2020-01-01,1.5,ann\r2020-01-02,,bob\r"s,        // CR
           "date;y;who\n2020-01-01;1.5;ann\n2020-01-02;;bob\n"s,
           "date\ty\twho\n2020-01-01\t1.5\tann\n2020-01-02\t\tbob\n"s,
           bom + "date,y,who\n2020-01-01,1.5,ann\n2020-01-02,,bob\n",
           "\n\ndate,y,who\n\n2020-01-01,1.5,ann\n2020-01-02,,bob\n\n\n"s,  // blank lines
           "\"date\",\"y\",\"who\"\n\"2020-01-01\",\"1.5\",\"ann\"\n\"2020-01-02\",\"\",\"bob\"\n"s,
           " date , y ,who\n 2020-01-01 , +1.5 ,ann\n2020-01-02 , NA ,bob\n"s,
           "date,y,who\n2020-01-01T00:00:00Z,15e-1,ann\n02.01.2020,nan,bob\n"s,
           bom + "\"date\";\"y\";\"who\"\r\n01.01.2020;1.50;ann\r\n2020/01/02;?;bob"s,
       }) {
    INFO(text);
    const auto table = parse(text);
    CHECK(table.rows() == 2);
    CHECK(table.dates("date") == std::vector<std::int64_t>{1'577'836'800, 1'577'923'200});
    CHECK(same(table.numbers("y"), {1.5, missing}));
    CHECK(table.texts("who") == Texts{"ann", "bob"});
  }
}

TEST_CASE("csv: a decimal comma is read when it is announced", "[data][csv]") {
  const auto table = parse("t;y\n01.02.2020;-1,5\n02.02.2020;2\n", {.decimal = ','});
  CHECK(table.numbers("y") == Doubles{-1.5, 2});
  CHECK(table.dates("t")[0] == 1'580'515'200);
  CHECK_THROWS_AS(parse("t;y\n1;1.5\n", {.decimal = ',', .kinds = {{"y", ColumnKind::number}}}),
                  FormatError);
}

TEST_CASE("csv: quoted cells keep delimiters and line breaks and quotes", "[data][csv]") {
  const auto table = parse("n,note\n1,\"a,b\"\n2,\"say \"\"hi\"\"\nthere\r\nyou\"\n3,5\" pipe\n");
  CHECK(table.texts("note") == Texts{"a,b", "say \"hi\"\nthere\r\nyou", "5\" pipe"});
  CHECK(table.numbers("n") == Doubles{1, 2, 3});
  CHECK(table.lines() == std::vector<std::size_t>{2, 3, 6});
}

TEST_CASE("csv: a header is found by having neither number nor date", "[data][csv]") {
  CHECK(parse("1,2\n3,4\n").names(ColumnKind::number) == Texts{"column 1", "column 2"});
  CHECK(parse("1,2\n3,4\n").rows() == 2);
  CHECK(parse("2020-01-01,x\n2020-01-02,y\n").rows() == 2);
  CHECK(parse("a,b\n3,4\n").numbers("b") == Doubles{4});
  CHECK(parse(",b\n3,4\n").numbers("column 1") == Doubles{3});  // an unnamed index column
  CHECK(parse("2019,2020\n3,4\n", {.header = data::CsvHeader::present}).numbers("2020") ==
        Doubles{4});
  CHECK(parse("a,b\nc,d\n", {.header = data::CsvHeader::absent}).texts("column 2") ==
        Texts{"b", "d"});
}

TEST_CASE("csv: one column and one row and constant and missing columns", "[data][csv]") {
  CHECK(parse("y\n1\n2\n").numbers("y") == Doubles{1, 2});
  CHECK(parse("7").numbers("column 1") == Doubles{7});
  CHECK(same(parse("y\nNA\n\n\"\"\n3\n").numbers("y"),
             {missing, missing, 3}));  // a blank line is no row
  CHECK(parse("x,y\n1,5\n2,5\n").numbers("y") == Doubles{5, 5});
  CHECK(same(parse("x,y\n1,\n2,NA\n").numbers("y"), {missing, missing}));
  CHECK(same(parse("y,z\nNA,1\nN/A,1\n#N/A,1\nNaN,1\nNULL,1\nnull,1\n?,1\n-,1\n").numbers("y"),
             Doubles(8, missing)));
  CHECK(same(
      parse("y,z\nNone,1\n<NA>,1\nNaT,1\nn.a.,1\n.,1\n--,1\nEmpty,1\nunavailable,1\n").numbers("y"),
      Doubles(8, missing)));
}

TEST_CASE("csv: numbers read as the nearest double", "[data][csv]") {
  CHECK(parse("y\n0.1\n-0\n1e308\n5e-324\n123456789012345678\n.5\n2.\n+3\n").numbers("y") ==
        Doubles{0.1, -0.0, 1e308, 5e-324, 123456789012345678.0, 0.5, 2.0, 3.0});
}

TEST_CASE("csv: a kind can be given", "[data][csv]") {
  const auto table = parse("id,y\n007,1\n008,2\n", {.kinds = {{"id", ColumnKind::text}}});
  CHECK(table.texts("id") == Texts{"007", "008"});
  CHECK_THROWS_WITH(parse("id,y\n1,2\n", {.kinds = {{"z", ColumnKind::text}}}),
                    "f.csv: no column \"z\" to be a text");
}

TEST_CASE("csv: the delimiter is the one that divides every line alike", "[data][csv]") {
  CHECK(data::sniff_delimiter("a;b\n1,5;2,5\n3;4\n") == ';');
  CHECK(data::sniff_delimiter("1,5;2,5\n1,5;2,5\n") == ';');
  CHECK(data::sniff_delimiter("a,b\n\"x;y\",2\n") == ',');
  CHECK(data::sniff_delimiter("a,b\nx;y,2\n") == ',');
  CHECK(data::sniff_delimiter("a\tb,c\n1\t2\n") == '\t');
  CHECK(data::sniff_delimiter("a\n1\n") == ',');
  CHECK(data::sniff_delimiter("") == ',');
  CHECK(data::sniff_delimiter("a;b;c\n1;2\n") == ';');  // ragged: the most frequent
  CHECK(parse("a|b\n1|2\n", {.delimiter = '|'}).numbers("b") == Doubles{2});
}

TEST_CASE("csv: rows are put in the order of their dates on request", "[data][csv]") {
  const auto table = parse("t,y,s\n2020-01-03,3,c\n2020-01-01,1,a\n2020-01-02,2,b\n");
  CHECK(table.numbers("y") == Doubles{3, 1, 2});  // a table keeps the order of its file
  const auto sorted = table.sorted_by("t");
  CHECK(sorted.numbers("y") == Doubles{1, 2, 3});
  CHECK(sorted.texts("s") == Texts{"a", "b", "c"});
  CHECK(sorted.lines() == std::vector<std::size_t>{3, 4, 2});
  CHECK(sorted.dates("t")[2] == table.dates("t")[0]);
  const auto twice = parse("t,y\n2020-01-02,3\n2020-01-01,1\n2020-01-02 00:00,2\n");
  CHECK_THROWS_WITH(twice.sorted_by("t"), "f.csv:4: column \"t\": the same date as in line 2");
  CHECK_THROWS_WITH(table.sorted_by("y"),
                    "f.csv: column \"y\" is a number column, a date column is needed");
  CHECK_THROWS_WITH(table.column("z"), "f.csv: no column \"z\"; there are \"t\", \"y\", \"s\"");
}

TEST_CASE("csv: a written table reads back the same", "[data][csv]") {
  std::string name = (std::filesystem::temp_directory_path() / "foglift-XXXXXX").string();
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  data::CsvTable table;
  table.add_dates("when", {0, 86'400, 90'061});
  table.add("y, \"quoted\"", {0.1, missing, -1e-300});
  table.add_texts("note", {"a;b", "say \"hi\",\nthere", ""});
  CHECK(data::csv_text(table) ==
        "when,\"y, \"\"quoted\"\"\",note\n1970-01-01,0.1,a;b\n"
        "1970-01-02,,\"say \"\"hi\"\",\nthere\"\n1970-01-02 01:01:01,-1e-300,\n");
  for (const char delimiter : {',', ';', '\t'}) {
    data::write_csv(name + "/t.csv", table, delimiter);
    const auto back = data::read_csv(name + "/t.csv");
    CHECK(back.dates("when") == table.dates("when"));
    CHECK(same(back.numbers("y, \"quoted\""), table.numbers("y, \"quoted\"")));
    CHECK(back.texts("note") == table.texts("note"));
  }
  data::CsvTable alone;
  alone.add("y", {1, missing, 3});
  CHECK(data::csv_text(alone) == "y\n1\n\"\"\n3\n");
  CHECK(same(parse(data::csv_text(alone)).numbers("y"), {1, missing, 3}));
  alone.add("z", {1, std::numeric_limits<double>::infinity(), 3});
  CHECK_THROWS_AS(data::csv_text(alone), NumericError);
  CHECK_THROWS_AS(alone.add("y", {1, 2, 3}), ArgumentError);
  CHECK_THROWS_AS(alone.add("w", {1, 2}), ArgumentError);
  CHECK_THROWS_AS(data::csv_text(data::CsvTable()), ArgumentError);
  std::filesystem::remove_all(name);
}

TEST_CASE("csv: a number below the smallest double is 0, one above the largest none",
          "[data][csv]") {
  for (const std::string& zero : {"1e-400"s, "0.1e-399"s, "123.5E-500"s, "+2e-324"s,
                                  "1e-99999999999999999999"s, "0." + std::string(400, '0') + "1",
                                  "0." + std::string(400, '0') + "1e50", "1000000e-400"s}) {
    const data::NumberCell cell = data::parse_number(zero);
    INFO(zero);
    CHECK(cell.ok);
    CHECK(cell.value == 0);
    CHECK_FALSE(std::signbit(cell.value));
    CHECK(std::strtod(zero.c_str(), nullptr) == 0);
  }
  CHECK(std::signbit(data::parse_number("-1e-400").value));
  CHECK(data::parse_number("1,5e-400", ',').value == 0);
  CHECK(data::parse_number("3e-324").value == 5e-324);
  CHECK(data::parse_number("1e-320").value == 1e-320);
  for (const std::string& huge :
       {"1e400"s, "0.001e400"s, "-1e309"s, "1" + std::string(400, '0'),
        "0." + std::string(400, '0') + "1e800", "1e99999999999999999999"s}) {
    const data::NumberCell cell = data::parse_number(huge);
    INFO(huge);
    CHECK_FALSE(cell.ok);
    CHECK(cell.resembles);
    CHECK(cell.problem == " (beyond double)");
  }
  CHECK(parse("x,y\n1e-400,2\n3,4\n").numbers("x") == Doubles{0, 3});
}
