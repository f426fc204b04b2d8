// Covers: csv_layout csv_cells csv_delimiter encoding
#include "foglift/data/csv.hpp"
#include "support/catch.hpp"

using namespace foglift;

namespace {
struct File {
  const char* name;
  std::string text;
  std::string header;   // names, each with a '/' behind it
  std::string rows;     // cells, each with a '/' behind it; rows with a ' '
  std::string skipped;  // "1-2 above the table; "
  char delimiter = '\0';
  std::size_t skip = 0;
};

std::vector<File> files() {
  return {
      {"plain", "a,b\n1,2\n3,4\n", "a/b/", "1/2/ 3/4/ ", ""},
      {"blanks around and doubled quotes", "a, b\n1,\" 6\"\" tube\"\n 3 ,4\n", "a/b/",
       "1/6\" tube/ 3/4/ ", ""},
      {"line break in a name", "d,\"sales\n(net)\"\n2024-01-01,2\n", "d/sales\n(net)/",
       "2024-01-01/2/ ", ""},
      {"comments, units, a total and a note",
       "# exported 2024-05-01\ndate,sales\nUTC,EUR\n2024-01-01,1063\n# closed\n2024-01-02,987\n"
       "Total,2050\nSource: till 4\n",
       "date/sales/", "2024-01-01/1063/ 2024-01-02/987/ Total/2050/ ",
       "1 a comment; 3 units, under the names; 5 a comment; 8 behind the table; "},
      {"slashes and a blank line", "// logger 7\n\nt;v\n1;2\n3;4\n", "t/v/", "1/2/ 3/4/ ",
       "1 a comment; "},
      {"Google Trends",
       "Category: All categories\n\nWeek,fog: (Worldwide)\n2019-01-06,45\n2019-01-13,50\n",
       "Week/fog: (Worldwide)/", "2019-01-06/45/ 2019-01-13/50/ ", "1 above the table; "},
      {"preamble with the separators of a spreadsheet",
       "Monthly report;;\nPrinted;01.02.2024;\n;;\nDate;Sales;Cost\n2024-01;5;6\n2024-02;7;8\n",
       "Date/Sales/Cost/", "2024-01/5/6/ 2024-02/7/8/ ", "1-3 above the table; "},
      {"separators at the ends of rows", "a;b\n1;2;\n3;4;\n", "a/b/column 3/", "1/2// 3/4// ", ""},
      {"separators at all ends", "a;b;\n1;2;\n3;4;\n", "a/b/column 3/", "1/2// 3/4// ", ""},
      {"row names of R", "\"date\" \"y\"\n\"1\" \"2024-01-01\" 5\n\"2\" \"2024-01-02\" 6\n",
       "column 1/date/y/", "1/2024-01-01/5/ 2/2024-01-02/6/ ", ""},
      {"runs of blanks", "  date        y\n  2024-01-01  5\n  2024-01-02 15\n", "date/y/",
       "2024-01-01/5/ 2024-01-02/15/ ", ""},
      {"a comment that names", "# time temp\n0 1.5\n1 2.5\n2 3.5\n", "time/temp/",
       "0/1.5/ 1/2.5/ 2/3.5/ ", ""},
      {"bars and a rule", " date | y\n------+---\n 2024 | 1\n 2025 | 2\n(2 rows)\n", "date/y/",
       "2024/1/ 2025/2/ ", "2 units, under the names; 5 behind the table; "},
      {"the separator's name", "sep=;\na;b,c\n1;2,5\n3;4,5\n", "a/b,c/", "1/2,5/ 3/4,5/ ",
       "1 the separator's name; "},
      {"names once more", "a,b\n1,2\na,b\n3,4\n", "a/b/", "1/2/ 3/4/ ", "3 the names once more; "},
      {"no names", "2024-01-01,5\n2024-01-02,6\n", "column 1/column 2/",
       "2024-01-01/5/ 2024-01-02/6/ ", ""},
      {"words in the first row alone", "2024-01-01,n.v.,3\n2024-01-02,6,4\n",
       "column 1/column 2/column 3/", "2024-01-01/n.v./3/ 2024-01-02/6/4/ ", ""},
      {"names that count", "date,0,1,2,3\n2024-01-01,5,6,7,8\n2024-01-02,5,6,7,8\n",
       "date/0/1/2/3/", "2024-01-01/5/6/7/8/ 2024-01-02/5/6/7/8/ ", ""},
      {"widths that come as often",
       "Report;No;Page\nSales;by;day\nShop;of;hats\nd;v\n2024-01-01;5\n2024-01-02;6\n", "d/v/",
       "2024-01-01/5/ 2024-01-02/6/ ", "1-3 above the table; ", ';'},
      {"names twice", "a,y,y\n1,2,3\n", "a/y/y (2)/", "1/2/3/ ", ""},
      {"lines to be skipped", "x,1\ny,2\nd,v\n2024-01,2\n", "d/v/", "2024-01/2/ ", "1-2 as asked; ",
       '\0', 2},
      {"a delimiter to be taken", "a,b;c\n1,5;2\n", "a,b/c/", "1,5/2/ ", "", ';'},
      {"hash signs as values", "#1,5\n#2,6\n#3,7\n", "column 1/column 2/", "#1/5/ #2/6/ #3/7/ ",
       ""},
  };
}
}  // namespace

TEST_CASE("csv_layout: where a table stands in its file", "[data][csv]") {
  for (const File& f : files()) {
    INFO(f.name);
    const data::CsvCells cells(f.text, "f.csv",
                               data::find_layout(f.text, "f.csv", f.delimiter, f.skip));
    std::string header, rows, skipped;
    for (const std::string& name : cells.names()) header += name + '/';
    for (std::size_t r = 0; r < cells.rows(); ++r, rows += ' ')
      for (std::size_t c = 0; c < cells.columns(); ++c) rows += std::string(cells(r, c)) + '/';
    for (const data::SkippedLines& s : cells.layout().skipped)
      skipped += std::to_string(s.first) + (s.last > s.first ? "-" + std::to_string(s.last) : "") +
                 ' ' + s.what + "; ";
    CHECK(header == f.header);
    CHECK(rows == f.rows);
    CHECK(skipped == f.skipped);
  }
}

TEST_CASE("csv_cells: a row of another width is refused where it stands", "[data][csv]") {
  const auto message = [](const std::string& text) -> std::string {
    try {
      data::CsvCells(text, "f.csv", data::find_layout(text, "f.csv"));
    } catch (const FormatError& e) {
      return e.what();
    }
    return "";
  };
  CHECK(message("a,b\n1,2\n3\n4,5\n") == "f.csv:3:1: 1 cells, the header has 2");
  CHECK(message("a,b\n1,2\n3,4,5\n6,7\n") == "f.csv:3:5: 3 cells, the header has 2");
  CHECK(message("1,2\n3,4,5\n6,7\n") == "f.csv:2:5: 3 cells, the first row has 2");
  CHECK(message("") == "f.csv: the file is empty");
  CHECK(message("a,b\n") == "f.csv: a header and no rows");
}

TEST_CASE("decode: UTF-16 and Windows-1252 become UTF-8", "[data][csv]") {
  const auto from = [](std::string_view text, std::string_view name) {
    const data::Decoded out = data::decode(text);
    CHECK(out.from == name);
    return out.text;
  };
  CHECK(from("a;\u00FC\u20AC\U0001F600", "").empty());
  CHECK(from("St\xFC"
             "ck \x80",
             "Windows-1252") == "St\u00FCck \u20AC");
  CHECK(from({"\xFF\xFE"
              "a\0\xFC\0\x3D\xD8\0\xDE",
              10},
             "UTF-16") == "a\u00FC\U0001F600");
  CHECK(from({"\xFE\xFF"
              "\0a\x20\xAC",
              6},
             "UTF-16") == "a\u20AC");
}
