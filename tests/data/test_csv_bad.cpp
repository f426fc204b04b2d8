// Covers: csv_reader
#include "foglift/data/csv.hpp"
#include "support/catch.hpp"

using namespace foglift;
using namespace std::string_literals;
using data::ColumnKind;

namespace {

struct BadCsv {
  const char* name;
  std::string text;
  std::string message;  // the whole of it
  data::CsvOptions options = {};
};

std::string message_of(const BadCsv& file) {
  try {
    data::parse_csv(file.text, file.options, "f.csv");
  } catch (const FormatError& e) {
    return e.what();
  }
  return "";
}

std::vector<BadCsv> bad_files() {
  const std::string bom = "\xEF\xBB\xBF";
  const auto cell = [](const std::string& text) { return "t,y\n1,2\n2," + text + "\n3,4\n4,5\n"; };
  const auto day = [](const std::string& text) {
    return "t,y\n2020-01-01,2\n" + text + ",3\n2020-01-03,4\n2020-01-04,5\n";
  };
  const data::CsvOptions small{.limits = {.max_field = 8, .max_columns = 3}};
  return {
      {"empty", "", "f.csv: the file is empty"},
      {"byte order mark alone", bom, "f.csv: the file is empty"},
      {"blank lines alone", "\n\r\n\r\n", "f.csv: the file is empty"},
      {"header alone", "a,b\n", "f.csv: a header and no rows"},
      {"header and blank lines", "a,b\n\n\n", "f.csv: a header and no rows"},
      {"names alone", "a", "f.csv: a header and no rows"},
      {"name twice", "a,b,a\n1,2,3\n",
       "f.csv:1:5: the name \"a\" of column 3 is already that of column 1"},
      {"name twice but for blanks", "a, a\n1,2\n",
       "f.csv:1:3: the name \"a\" of column 2 is already that of column 1"},
      {"row too short", "a,b,c\n1,2,3\n4,5\n7,8,9\n", "f.csv:3:3: 2 fields, the header has 3"},
      {"row too long", "a,b\n1,2\n3,4,5\n", "f.csv:3:5: 3 fields, the header has 2"},
      {"delimiter at the end of one row", "a,b\n1,2,\n3,4\n",
       "f.csv:2:5: 3 fields, the header has 2"},
      {"first row longer than the rest", "1,2,3\n4,5\n",
       "f.csv:2:3: 2 fields, the first row has 3"},
      {"word for a number", cell("x"), "f.csv:3:3: column \"y\": cannot read \"x\" as a number"},
      {"number with a unit", cell("3kg"),
       "f.csv:3:3: column \"y\": cannot read \"3kg\" as a number"},
      {"blank inside a number", cell("1 000"),
       "f.csv:3:3: column \"y\": cannot read \"1 000\" as a number"},
      {"two points", cell("1.2.3"), "f.csv:3:3: column \"y\": cannot read \"1.2.3\" as a number"},
      {"two signs", cell("+-1"), "f.csv:3:3: column \"y\": cannot read \"+-1\" as a number"},
      {"hexadecimal", cell("0x10"), "f.csv:3:3: column \"y\": cannot read \"0x10\" as a number"},
      {"percent", cell("5%"), "f.csv:3:3: column \"y\": cannot read \"5%\" as a number"},
      {"infinity", cell("inf"),
       "f.csv:3:3: column \"y\": cannot read \"inf\" as a number (not finite)"},
      {"minus infinity", cell("-Infinity"),
       "f.csv:3:3: column \"y\": cannot read \"-Infinity\" as a number (not finite)"},
      {"number beyond double", cell("1e999"),
       "f.csv:3:3: column \"y\": cannot read \"1e999\" as a number (beyond double)"},
      {"decimal comma in quotes", cell("\"12,5\""),
       "f.csv:3:3: column \"y\": cannot read \"12,5\" as a number (decimal comma?)"},
      {"decimal commas throughout", "t;y\n1;12,5\n2;13,5\n",
       "f.csv:2:3: column \"y\": cannot read \"12,5\" as a number (decimal comma?)\n"
       "f.csv:3:3: column \"y\": cannot read \"13,5\" as a number (decimal comma?)"},
      {"thousands separator", cell("\"1,234.5\""),
       "f.csv:3:3: column \"y\": cannot read \"1,234.5\" as a number (thousands separator?)"},
      {"escape sequence of a terminal", cell("\x1B[2J"),
       "f.csv:3:3: column \"y\": cannot read \"\\x1B[2J\" as a number"},
      {"31st of April", day("2020-04-31"),
       "f.csv:3:1: column \"t\": cannot read \"2020-04-31\" as a date"},
      {"month 13", day("2020-13-01"),
       "f.csv:3:1: column \"t\": cannot read \"2020-13-01\" as a date"},
      {"29th of February of no leap year", day("2021-02-29"),
       "f.csv:3:1: column \"t\": cannot read \"2021-02-29\" as a date"},
      {"hour 25", day("2020-01-02 25:00"),
       "f.csv:3:1: column \"t\": cannot read \"2020-01-02 25:00\" as a date"},
      {"month by name", day("2 Jan 2020"),
       "f.csv:3:1: column \"t\": cannot read \"2 Jan 2020\" as a date"},
      {"date missing", day(""), "f.csv:3:1: column \"t\": cannot read \"\" as a date (missing)"},
      {"date not available", day("NA"),
       "f.csv:3:1: column \"t\": cannot read \"NA\" as a date (missing)"},
      {"date among numbers", cell("2020-01-01"),
       "f.csv:3:3: column \"y\": cannot read \"2020-01-01\" as a number"},
      {"text where dates were promised",
       "t,y\nx,1\n",
       "f.csv:2:1: column \"t\": cannot read \"x\" as a date",
       {.kinds = {{"t", ColumnKind::date}}}},
      {"NUL byte", "a,b\n1,\0002\n"s, "f.csv:2:3: NUL byte; is this a text file?"},
      {"NUL byte in quotes", "a,b\n1,\"x\0\"\n"s, "f.csv:2:5: NUL byte; is this a text file?"},
      {"Latin-1", "a,b\ncaf\xE9,2\n", "f.csv:2:4: not UTF-8; save the file as UTF-8"},
      {"UTF-8 cut by the end", "a,b\n1,\xE2\x82", "f.csv:2:3: not UTF-8; save the file as UTF-8"},
      {"UTF-16",
       "\xFF\xFE"
       "a\0"s,
       "f.csv:1:1: the file is UTF-16; save it as UTF-8"},
      {"UTF-16 big-endian", "\xFE\xFF\0a"s, "f.csv:1:1: the file is UTF-16; save it as UTF-8"},
      {"quote never closed", "a,b\n1,\"2\n3,4\n",
       "f.csv:2:3: the quote that opens here is never closed"},
      {"quote never closed in the header", "\"a,b\n1,2\n",
       "f.csv:1:1: the quote that opens here is never closed"},
      {"quote at the end", "a,b\n1,\"", "f.csv:2:3: the quote that opens here is never closed"},
      {"text behind a quote", "a,b\n1,\"2\"3\n", "f.csv:2:6: text behind a closing quote"},
      {"blank behind a quote", "a,b\n1,\"2\" ,3\n", "f.csv:2:6: text behind a closing quote"},
      {"position behind a line break in quotes", "a,b\n\"x\ny\",\"2\"3\n",
       "f.csv:3:7: text behind a closing quote"},
      {"position counts characters", "a,b\n\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80,\"2\"3\n",
       "f.csv:2:8: text behind a closing quote"},
      {"position with CR LF", "a,b\r\n1,2\r\n1,\"2\"3\r\n",
       "f.csv:3:6: text behind a closing quote"},
      {"position behind blank lines and a mark", bom + "\n\na,b\n\n1,\"2\"3\n",
       "f.csv:5:6: text behind a closing quote"},
      {"huge cell", "a,b\n1,123456789\n", "f.csv:2:3: cell of more than 8 bytes", small},
      {"huge cell in quotes", "a,b\n1,\"\n\n\n\n\n\n\n\n\n\"\n",
       "f.csv:2:3: cell of more than 8 bytes", small},
      {"too many columns", "a,b,c,d\n1,2,3,4\n", "f.csv:1:7: more than 3 fields in one record",
       small},
      {"two problems in one row", "t,y\n2020-01-01,1\n2020-01-02,2\n2020-99-03,x\n2020-01-04,4\n",
       "f.csv:4:1: column \"t\": cannot read \"2020-99-03\" as a date\n"
       "f.csv:4:12: column \"y\": cannot read \"x\" as a number"},
  };
}

}  // namespace

TEST_CASE("csv: a bad file gives the right error at the right place", "[data][csv]") {
  const auto files = bad_files();
  CHECK(files.size() >= 50);
  for (const BadCsv& file : files) {
    INFO(file.name);
    CHECK(message_of(file) == file.message);
  }
}

TEST_CASE("csv: the first twenty problems are shown and the rest counted", "[data][csv]") {
  std::string text = "t,y\n";
  for (int i = 0; i < 26; ++i) text += std::to_string(i) + ",1\n";
  for (int i = 0; i < 25; ++i) text += std::to_string(i) + ",x\n";
  const std::string message = message_of({"", text, ""});
  CHECK(std::count(message.begin(), message.end(), '\n') == 20);
  CHECK(message.rfind("f.csv:28:3: column \"y\"", 0) == 0);
  CHECK_THAT(message, ContainsSubstring("f.csv:47:4: ") && ContainsSubstring("\nand 5 more"));
}

TEST_CASE("csv: a wide or long cell is cut in the message", "[data][csv]") {
  const std::string text = "t\n1\n2\n3\n" + std::string(5000, 'x') + "\n";
  CHECK(message_of({"", text, ""}) ==
        "f.csv:5:1: column \"t\": cannot read \"" + std::string(60, 'x') + "...\" as a number");
}

TEST_CASE("csv: every truncation and every flipped bit is a table or an error", "[data][csv]") {
  const std::string good = "when,y,note\n2020-01-01,1.5,\"a\"\"b\"\n2020-01-02,NA,\xC3\xA4\n";
  for (std::size_t n = 0; n <= good.size(); ++n) {
    const std::string message = message_of({"", good.substr(0, n), ""});
    CHECK((message.empty() || message.rfind("f.csv:", 0) == 0));
  }
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::string text = good;
    text[bit / 8] = static_cast<char>(text[bit / 8] ^ 1 << bit % 8);
    const std::string message = message_of({"", text, ""});
    CHECK((message.empty() || message.rfind("f.csv:", 0) == 0));
  }
}

TEST_CASE("csv: wrong options are refused", "[data][csv]") {
  CHECK_THROWS_AS(data::parse_csv("a\n1", {.delimiter = '"'}), ArgumentError);
  CHECK_THROWS_AS(data::parse_csv("a\n1", {.decimal = ';'}), ArgumentError);
  CHECK_THROWS_WITH(data::read_csv("no such file.csv"),
                    "no such file.csv: cannot open: No such file or directory");
}
