#pragma once

#include "foglift/core/error.hpp"

#include <charconv>
#include <fstream>
#include <string>
#include <vector>

/// The numbers of each line of a file of cells between commas, quoted or not; what is no number is
/// passed over, and lines without any are left out. Throws FormatError for a file that can not be
/// opened.
inline std::vector<std::vector<double>> number_lines(const std::string& path) {
  std::ifstream in(path);
  if (!in) foglift::raise<foglift::FormatError>(path, ": can not be opened");
  std::vector<std::vector<double>> out;
  for (std::string line; std::getline(in, line);) {
    std::vector<double> numbers;
    for (std::size_t at = 0; at <= line.size();) {
      const std::size_t end = std::min(line.find(',', at), line.size());
      const char *first = line.data() + at, *last = line.data() + end;
      while (first < last && *first == '"') ++first;
      while (first < last && (last[-1] == '"' || last[-1] == '\r')) --last;
      double v = 0;
      if (const auto read = std::from_chars(first, last, v);
          read.ec == std::errc() && read.ptr == last && first < last)
        numbers.push_back(v);
      at = end + 1;
    }
    if (!numbers.empty()) out.push_back(std::move(numbers));
  }
  return out;
}
