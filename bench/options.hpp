#pragma once

#include "foglift/core/error.hpp"
#include "foglift/core/shape.hpp"

#include <charconv>
#include <map>
#include <string>

/// Reads pairs "--name value" of a program's words, from `first` on, into numbers and texts. Throws
/// ArgumentError for another name, or a value that is no number where one is needed.
inline void read_options(int count, char** words, int first,
                         const std::map<std::string, foglift::Index*>& numbers,
                         const std::map<std::string, std::string*>& texts) {
  for (int i = first; i < count; i += 2) {
    const std::string option = words[i], value = i + 1 < count ? words[i + 1] : "";
    if (const auto to = texts.find(option); to != texts.end()) {
      *to->second = value;
      continue;
    }
    const auto to = numbers.find(option);
    if (to == numbers.end())
      foglift::raise<foglift::ArgumentError>(words[0], ": no option ", option);
    const char* const end = value.data() + value.size();
    if (std::from_chars(value.data(), end, *to->second).ptr != end || value.empty())
      foglift::raise<foglift::ArgumentError>(words[0], ": ", option, " '", value,
                                             "', needed a number");
  }
}
