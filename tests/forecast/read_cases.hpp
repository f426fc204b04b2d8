#pragma once

#include "foglift/forecast/series/read.hpp"
#include "support/catch.hpp"

#include <ctime>
#include <sstream>
#include <string>
#include <vector>

/// Small files in the spirit of those that programs export, and what they are read as.
namespace read_cases {

using namespace foglift;

/// A file; a line "*12 1d rest" stands for 12 rows from 2024-01-01 00:00 (a Monday) on ("*12+5"
/// from the sixth step on) by steps of a day (y, M, d, h, m, s), in which strftime fills in the
/// time, {v} is a number with a decimal point (10.5, 14.5, ...), {c} one with a comma, {n} a whole
/// one (100, 104, ...), {i} the row from 1, {s} seconds and {ms} milliseconds since 1970, {q} the
/// quarter.
inline std::string expand(const std::string& text) {
  std::istringstream lines(text);
  std::string out, line;
  while (std::getline(lines, line)) {
    if (line.empty() || line[0] != '*') {
      out += line + '\n';
      continue;
    }
    std::istringstream words(line.substr(1));
    int count = 0, step = 0, first = 0;
    char unit = 'd';
    words >> count;
    if (words.peek() == '+') words >> first;
    words >> step >> unit;
    words.get();
    std::string pattern;
    std::getline(words, pattern);
    for (int i = first; i < first + count; ++i) {
      std::tm t{};
      t.tm_year = 124;
      t.tm_mday = 1;
      (unit == 'y'   ? t.tm_year
       : unit == 'M' ? t.tm_mon
       : unit == 'd' ? t.tm_mday
       : unit == 'h' ? t.tm_hour
       : unit == 'm' ? t.tm_min
                     : t.tm_sec) += i * step;
      const std::time_t at = timegm(&t);
      gmtime_r(&at, &t);
      char row[400];
      row[std::strftime(row, sizeof row, pattern.c_str(), &t)] = '\0';
      std::string filled = row;
      const int n = (i * 37) % 11;
      const auto put = [&](const std::string& key, const std::string& value) {
        for (std::size_t p; (p = filled.find(key)) != std::string::npos;)
          filled.replace(p, key.size(), value);
      };
      put("{v}", std::to_string(10 + n) + ".5");
      put("{c}", std::to_string(10 + n) + ",5");
      put("{n}", std::to_string(100 + n));
      put("{i}", std::to_string(i + 1));
      put("{q}", std::to_string(t.tm_mon / 3 + 1));
      put("{s}", std::to_string(at));
      put("{ms}", std::to_string(at) + "000");
      out += filled + '\n';
    }
  }
  return out;
}

/// Options as on a command line: "--skip 2 --target a"; '~' stands for a blank in a word.
inline forecast::ReadOptions options_of(const std::string& text) {
  forecast::ReadOptions o;
  std::istringstream words(text);
  std::string option, value;
  while (words >> option >> value) {
    for (char& c : value) c = c == '~' ? ' ' : c;
    if (option == "--skip") o.skip = std::stoi(value);
    if (option == "--delimiter") o.delimiter = value[0];
    if (option == "--decimal") o.decimal = value[0];
    if (option == "--missing") o.missing.push_back(value);
    if (option == "--date") o.date.push_back(value);
    if (option == "--date-format") o.date_format = value;
    if (option == "--target") o.target.push_back(value);
    if (option == "--id") o.id.push_back(value);
    if (option == "--known") o.known.push_back(value);
    if (option == "--past") o.past.push_back(value);
    if (option == "--static") o.statics.push_back(value);
    if (option == "--ignore") o.ignore.push_back(value);
    if (option == "--freq") o.grid.frequency = value;
  }
  return o;
}

/// "name|step|first time|cells|missing|first value", of up to three series with "; " between.
inline std::string summary(const forecast::Reading& r) {
  std::string out;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, r.series.size()); ++i) {
    const forecast::Series& s = r.series[i];
    const auto missing =
        std::count_if(s.values.begin(), s.values.end(), [](double v) { return v != v; });
    out += (i ? "; " : "") + s.name + '|' + s.time.frequency.name() + '|' + s.time.text(0) + '|' +
           std::to_string(s.size()) + '|' + std::to_string(missing) + '|' + number_text(s.value(0));
  }
  return out;
}

struct Read {
  const char* name;
  std::string text, options, summary;
  std::vector<std::string> says = {};
};

inline void check(const std::vector<Read>& files) {
  for (const Read& f : files) {
    INFO(f.name);
    try {
      const forecast::Reading r =
          forecast::parse_panel(expand(f.text), options_of(f.options), "f.csv");
      CHECK(summary(r) == f.summary);
      std::string said;
      for (const forecast::Guess& g : r.guesses) said += g.line() + '\n';
      for (const std::string& words : f.says) CHECK_THAT(said, ContainsSubstring(words));
      if (f.says.empty()) CHECK(said.empty());
    } catch (const Error& e) {
      FAIL_CHECK("refused: " << e.what());
    }
  }
}

struct Refused {
  const char* name;
  std::string text, options;
  std::vector<std::string> says;
};

inline void check(const std::vector<Refused>& files) {
  for (const Refused& f : files) {
    INFO(f.name);
    try {
      const forecast::Reading r =
          forecast::parse_panel(expand(f.text), options_of(f.options), "f.csv");
      FAIL_CHECK("read as " << summary(r));
    } catch (const Error& e) {
      for (const std::string& words : f.says) CHECK_THAT(e.what(), ContainsSubstring(words));
    }
  }
}

}  // namespace read_cases
