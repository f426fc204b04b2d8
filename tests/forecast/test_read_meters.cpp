// Covers: series/read
// Files of meters, loggers and weather services.
#include "read_cases.hpp"

namespace {
std::vector<read_cases::Read> meters() {
  return {
      {"ENTSO-E",
       "\"MTU (CET/CEST)\",\"Actual Total Load [MW]\"\n*30 1h \"%d.%m.%Y %H:%M - 31.12.2024 "
       "24:00\",\"{n}\"\n",
       "",
       "Actual Total Load [MW]|hourly|2024-01-01 00:00|30|0|100",
       {"'%d.%m.%Y %H:%M'"}},
      {"smart meter",
       "Interval start;Interval end;Consumption (kWh)\n*30 15m %d.%m.%Y %H:%M;01.02.2024 "
       "00:00;0,{n}\n",
       "",
       "Consumption (kWh)|every 15 minutes|2024-01-01 00:00|30|0|0.1",
       {"dates in 'Interval start'"}},
      {"Green Button",
       "Name,M. Muster\nAddress,\"1 Way, Town\"\n\nTYPE,DATE,START TIME,END "
       "TIME,USAGE,UNITS,NOTES\n"
       "*30 1h Electric usage,%Y-%m-%d,%H:%M,%H:59,{v},kWh,\n",
       "",
       "USAGE|hourly|2024-01-01 00:00|30|0|10.5",
       {"dates from 'DATE + START TIME'", "lines 1-2 skipped"}},
      {"hours from 1 to 24",
       "Date,Hour,MW\n*24 1h 2024-01-01,{i},{n}\n*24 1h 2024-01-02,{i},{n}\n",
       "",
       "MW|hourly|2024-01-01 00:00|48|0|100",
       {"dates from 'Date + Hour'"}},
      {"settlement periods",
       "Settlement Date,Settlement Period,Demand\n*48 30m 2024-01-01,{i},{n}\n*48 30m "
       "2024-01-02,{i},{n}\n",
       "",
       "Demand|half-hourly|2024-01-01 00:00|96|0|100",
       {"dates from 'Settlement Date + Settlement Period'"}},
      {"logger with units",
       "Logger 12\nSN 3345\n\nTimestamp\tT1\tRH\nyyyy-mm-dd\t\u00B0C\t%\n*30 10m %Y-%m-%d "
       "%H:%M:%S\t{v}\t{n}\n",
       "",
       "T1|every 10 minutes|2024-01-01 00:00|30|0|10.5",
       {"line 5 skipped (units, under the names)", "--target"}},
      {"savetxt",
       "# time temp\n*30 10s {s} {v}\n",
       "",
       "temp|every 10 seconds|2024-01-01 00:00:00|30|0|10.5",
       {"'%s'"}},
      {"DWD",
       "STATIONS_ID;MESS_DATUM;QN_9;TT_TU;RF_TU;eor\n*20 1h          44;%Y%m%d%H;    5; {v};  "
       "78.0;eor\n"
       "*4+20 1h          44;%Y%m%d%H;    5;   -999;  78.0;eor\n*6+24 1h          44;%Y%m%d%H;    "
       "5; {v};  78.0;eor\n",
       "",
       "TT_TU|hourly|2024-01-01 00:00|30|4|10.5",
       {"'%Y%m%d%H'", "-999 in 'TT_TU' is taken for missing, 4 times", "--missing none"}},
      {"GHCN by station",
       "\"STATION\",\"NAME\",\"DATE\",\"PRCP\",\"TMAX\"\n*12 1d \"USW1\",\"CENTRAL PARK, NY "
       "US\",\"%Y-%m-%d\",\"0.{n}\",\"{n}\"\n"
       "*12 1d \"USW2\",\"JFK, NY US\",\"%Y-%m-%d\",\"0.{n}\",\"{n}\"\n",
       "--target TMAX",
       "USW1|daily|2024-01-01|12|0|100; USW2|daily|2024-01-01|12|0|100",
       {"2 series by 'STATION'"}},
  };
}
}  // namespace

TEST_CASE("read_panel: files of meters and loggers", "[forecast][read]") {
  read_cases::check(meters());
}
