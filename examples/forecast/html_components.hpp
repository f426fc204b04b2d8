#pragma once

#include "foglift/forecast/series/panel.hpp"

#include <string>
#include <vector>

namespace tool::html {

/// A series in parts, drawn below each other on one axis of time: the values, their trend, each
/// season, and what is left. Empty for a series of too few values.
std::string components(const foglift::forecast::Series& s,
                       const std::vector<foglift::Index>& seasons);

}  // namespace tool::html
