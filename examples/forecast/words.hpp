#pragma once

#include "foglift/forecast/series/time_axis.hpp"
#include "support/text.hpp"

#include <string>

namespace tool {

/// "1 window", "14 windows".
inline std::string counted(foglift::Index n, const std::string& name) {
  return std::to_string(n) + ' ' + name + (n == 1 ? "" : "s");
}

/// "2 days", "48 hours": a number of cells in words.
inline std::string span(const foglift::forecast::Frequency& f, foglift::Index cells) {
  return f.span(cells);
}

}  // namespace tool
