// Covers: series/read
// What columns are: dates in parts, columns named as times, series in rows, targets, roles.
#include "read_cases.hpp"

namespace {
std::string across(const std::string& first, const std::string& names, int count,
                   const std::string& rows) {
  std::string out = first + names + '\n', line;
  std::istringstream lines(rows);
  while (std::getline(lines, line)) {
    out += line;
    for (int i = 0; i < count; ++i) out += ',' + std::to_string(10 + i * 7 % 5);
    out += '\n';
  }
  return out;
}
std::string counted(const std::string& front, int from, int to, const std::string& back = "") {
  std::string out;
  for (int i = from; i <= to; ++i)
    out += ',' + front + (back.empty() || i > 9 ? "" : "0") + std::to_string(i) + back;
  return out;
}

std::vector<read_cases::Read> kinds() {
  return {
      // Dates.
      {"year and month",
       "Year,Month,Passengers\n*24 1M %Y,%m,{n}\n",
       "",
       "Passengers|monthly|2024-01-01|24|0|100",
       {"dates from 'Year + Month' (the years repeat, and their parts stand beside them); --date "
        "overrules"}},
      {"year, month and day",
       "y,year,mon,dy\n*70 1d {v},%Y,%m,%d\n",
       "",
       "y|daily|2024-01-01|70|0|10.5",
       {"'year + mon + dy'"}},
      {"year, month name and day, as asked", "a,b,c,y\n*70 1d %Y,%b,%d,{v}\n", "--date a,b,c",
       "y|daily|2024-01-01|70|0|10.5"},
      {"year and quarter",
       "Year;Quarter;GDP\n*12 3M %Y;Q{q};{c}\n",
       "",
       "GDP|quarterly|2024-01-01|12|0|10.5",
       {"'Year + Quarter'"}},
      {"two dates, of which one is regular",
       "ordered,delivered,y\n2023-12-29,2024-01-01,5\n2023-12-29,2024-01-02,7\n2023-12-31,2024-01-"
       "03,6\n2024-01-02,2024-01-04,8\n"
       "2024-01-02,2024-01-05,4\n2024-01-02,2024-01-06,5\n",
       "",
       "y|daily|2024-01-01|6|0|5",
       {"dates in 'delivered' (unique and regular, before 'ordered')"}},
      {"two dates, the other one asked for", "exported,date,y\n*12 1d %Y-%m-%d,2030-01-01,{v}\n",
       "--date exported", "y|daily|2024-01-01|12|0|10.5"},
      {"newest first",
       "date,y\n2024-01-05,5\n2024-01-04,7\n2024-01-03,6\n2024-01-02,9\n2024-01-01,8\n", "",
       "y|daily|2024-01-01|5|0|8"},
      {"day first, as only that is regular",
       "date,y\n*31 1d %d/%m/%Y,{v}\n",
       "",
       "y|daily|2024-01-01|31|0|10.5",
       {"'%d/%m/%Y'"}},
      {"weeks of ISO 8601",
       "week,y\n*12 7d %G-W%V,{v}\n",
       "",
       "y|weekly|2024-01-01|12|0|10.5",
       {"'%G-W%V'"}},
      {"zones by name",
       "time,y\n*12 1h %Y-%m-%d %H:%M:%S UTC,{v}\n",
       "",
       "y|hourly|2024-01-01T00:00:00Z|12|0|10.5",
       {"'%Y-%m-%d %H:%M:%S %Z'"}},
      {"runs of blanks, and a clock beside the day",
       "date time kW\n*30 15m %Y-%m-%d %H:%M {v}\n",
       "",
       "kW|every 15 minutes|2024-01-01 00:00|30|0|10.5",
       {"'date + time'"}},
      {"Windows-1252",
       "Datum;St\xFC"
       "ck\n*12 1d %d.%m.%Y;{n}\n",
       "",
       "St\u00FC"
       "ck|daily|2024-01-01|12|0|100",
       {"text read as Windows-1252"}},
      // Columns named as times.
      {"quarters across",
       "Year,Q1,Q2,Q3,Q4\n2019,5,6,7,8\n2020,6,7,8,9\n2021,7,8,9,\n",
       "",
       "value|quarterly|2019-01-01|11|0|5",
       {"'Q1' to 'Q4'", "quarters"}},
      {"hours across",
       across("date", counted("", 0, 23), 24, "2024-01-01\n2024-01-02\n"),
       "",
       "value|hourly|2024-01-01 00:00|48|0|10",
       {"'0' to '23'"}},
      {"hours from H1 to H24",
       across("Date", counted("H", 1, 24), 24, "01.01.2024\n02.01.2024\n"),
       "",
       "value|hourly|2024-01-01 00:00|48|0|10",
       {"'H1' to 'H24'"}},
      {"clocks across",
       across("Date", counted("", 0, 23, ":00"), 24, "2024-01-01\n2024-01-02\n"),
       "",
       "value|hourly|2024-01-01 00:00|48|0|10",
       {"'00:00' to '23:00'"}},
      {"days across",
       across("Year,Month", counted("", 1, 31), 31, "2024,1\n2024,2\n2024,3\n"),
       "",
       "value|daily|2024-01-01|91|0|10",
       {"'1' to '31'", "days"}},
      {"years across months",
       "Month,2019,2020,2021,2022,2023\nJan,1,4,7,1,4\nFeb,2,5,8,2,5\nMar,3,6,9,3,\n",
       "",
       "value|monthly|2019-01-01|50|36|1",
       {"years"}},
      {"days across countries",
       "Country,Lat,1/22/20,1/23/20,1/24/20,1/25/20,1/26/"
       "20\nPeru,-9.1,1,2,4,3,5\nOman,21.5,7,8,9,8,7\n",
       "",
       "Peru|daily|2020-01-22|5|0|1; Oman|daily|2020-01-22|5|0|7",
       {"'1/22/20' to '1/26/20'", "2 series by 'Country'"}},
      // Series in rows.
      {"two ids",
       "store,item,date,y\n*9 1d A,1,%Y-%m-%d,{v}\n*9 1d A,2,%Y-%m-%d,{n}\n*9 1d "
       "B,1,%Y-%m-%d,{n}\n",
       "--id store,item",
       "A / 1|daily|2024-01-01|9|0|10.5; A / 2|daily|2024-01-01|9|0|100; B / "
       "1|daily|2024-01-01|9|0|100",
       {}},
      {"two ids of words",
       "store,item,date,y\n*9 1d A,x,%Y-%m-%d,{v}\n*9 1d A,y,%Y-%m-%d,{n}\n*9 1d "
       "B,x,%Y-%m-%d,{n}\n*9 1d B,y,%Y-%m-%d,{n}\n",
       "",
       "A / x|daily|2024-01-01|9|0|10.5; A / y|daily|2024-01-01|9|0|100; B / "
       "x|daily|2024-01-01|9|0|100",
       {"4 series by 'store' and 'item'"}},
      {"a number as id, other ranges",
       "shop,date,y\n*12 1d 7,%Y-%m-%d,{v}\n*9+3 1d 9,%Y-%m-%d,{n}\n",
       "",
       "7|daily|2024-01-01|12|0|10.5; 9|daily|2024-01-04|9|0|101",
       {"2 series by 'shop'"}},
      // Targets.
      {"by its name, not its place",
       "date,cost,sales\n*12 1d %Y-%m-%d,{v},{n}\n",
       "",
       "sales|daily|2024-01-01|12|0|100",
       {"target 'sales' (by its name); --target"}},
      {"several", "date,cost,sales\n*12 1d %Y-%m-%d,{v},{n}\n", "--target cost,sales",
       "cost|daily|2024-01-01|12|0|10.5; sales|daily|2024-01-01|12|0|100"},
      {"all that vary", "date,row,one,cost,sales\n*12 1d %Y-%m-%d,{i},1,{v},{n}\n", "--target all",
       "cost|daily|2024-01-01|12|0|10.5; sales|daily|2024-01-01|12|0|100"},
      {"not parts of the date",
       "date,weekday,hour,isweekend,y\n*48 6h %Y-%m-%d %H:%M,%u,%H,0,{v}\n",
       "",
       "y|every 6 hours|2024-01-01 00:00|48|0|10.5",
       {"'weekday', 'hour' part of the date"}},
      {"not what is known ahead",
       "date,price,ads\n*12 1d %Y-%m-%d,{v},{n}\n2024-01-13,9,\n",
       "",
       "ads|daily|2024-01-01|12|0|100",
       {"target 'ads' ('price' known ahead)",
        "1 row behind the last value of 'ads' to be forecast ('price' known there); --known"}},
      {"truths",
       "date,on\n*9 1d %Y-%m-%d,true\n2024-01-10,false\n2024-01-11,true\n",
       "",
       "on|daily|2024-01-01|11|0|1",
       {"'on' read as 1 and 0 (true, ...)"}},
      {"another word for missing", "date,y\n*9 1d %Y-%m-%d,{v}\n2024-01-10,broken\n2024-01-11,5\n",
       "--missing broken", "y|daily|2024-01-01|11|1|10.5"},
      {"words for missing",
       "date,y\n*9 1d "
       "%Y-%m-%d,{v}\n2024-01-10,<NA>\n2024-01-11,n.a.\n2024-01-12,--\n2024-01-13,None\n2024-01-14,"
       "\u2013\n2024-01-15,5\n",
       "", "y|daily|2024-01-01|15|5|10.5"},
      {"thousands by the decimal comma of another column",
       "date;a;y\n*9 1d %Y-%m-%d;{c};1.{n}\n2024-01-10;1,5;959\n",
       "--target y",
       "y|daily|2024-01-01|10|0|1100",
       {"decimal comma"}},
      {"names once more, and a total",
       "date,y\n*6 1d %Y-%m-%d,{v}\ndate,y\n*6+6 1d %Y-%m-%d,{v}\nGesamt,99\n",
       "",
       "y|daily|2024-01-01|12|0|10.5",
       {"line 8 skipped (the names once more)", "line 15 skipped (a total)"}},
      {"silent lately",
       "date,y\n*12 1d %Y-%m-%d,{v}\n*5+12 1d %Y-%m-%d,0\n",
       "",
       "y|daily|2024-01-01|17|0|10.5",
       {"'y' is 0 since 2024-01-13 (a fifth of the series or more)"}},
  };
}
}  // namespace

TEST_CASE("read_panel: what columns are", "[forecast][read]") { read_cases::check(kinds()); }
