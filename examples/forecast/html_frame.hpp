#pragma once

#include "foglift/forecast/series/time_axis.hpp"

#include <string>

/// What the charts of the report share: their frame, axes and marks.
namespace tool::html {

std::string escaped(const std::string& text);

struct Frame {
  double width = 640, height = 300, left = 62, top = 8, bottom = 28, right = 10;
  double inner_width() const { return width - left - right; }
  double inner_height() const { return height - top - bottom; }
};

/// The begin of a picture, with what it shows for those who do not see it.
std::string svg_begin(const Frame& f, const std::string& label);

/// Marks at round numbers, `most` or fewer.
std::string y_axis(const Frame& f, double low, double high, int most = 5);

/// Marks of time below a chart of the cells [first, last].
std::string time_marks(const Frame& f, const foglift::forecast::TimeAxis& axis,
                       foglift::Index first, foglift::Index last);

}  // namespace tool::html
