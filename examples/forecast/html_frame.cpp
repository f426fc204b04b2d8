#include "html_frame.hpp"

#include "support/text.hpp"
#include "time_ticks.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace tool::html {

using foglift::Index;
namespace forecast = foglift::forecast;

namespace {

/// Round numbers from low to high, so many or fewer.
std::vector<double> round_steps(double low, double high, int most) {
  const double rough = (high - low) / most, power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double f : {1, 2, 5})
    if (f * power >= rough) {
      step = f * power;
      break;
    }
  std::vector<double> out;
  for (double v = std::ceil(low / step) * step; v <= high; v += step)
    out.push_back(std::abs(v) < step / 1e6 ? 0 : v);
  return out;
}

}  // namespace

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text)
    out += c == '&'   ? "&amp;"
           : c == '<' ? "&lt;"
           : c == '>' ? "&gt;"
           : c == '"' ? "&quot;"
                      : std::string(1, c);
  return out;
}

std::string svg_begin(const Frame& f, const std::string& label) {
  return text("<svg viewBox=\"0 0 %g %g\" role=\"img\" aria-label=\"%s\">\n", f.width, f.height,
              escaped(label).c_str());
}

std::string y_axis(const Frame& f, double low, double high, int most) {
  std::string out = "<g class=\"ys\">";
  for (const double v : round_steps(low, high, most)) {
    const double y = f.top + f.inner_height() * (high - v) / (high - low);
    out += text(
        "<line class=\"grid\" x1=\"%g\" x2=\"%g\" y1=\"%.1f\" y2=\"%.1f\"/>"
        "<text x=\"%g\" y=\"%.1f\" text-anchor=\"end\">%.5g</text>",
        f.left, f.left + f.inner_width(), y, y, f.left - 6, y + 4, v);
  }
  return out + "</g>\n";
}

std::string time_marks(const Frame& f, const forecast::TimeAxis& axis, Index first, Index last) {
  const auto cells = static_cast<double>(std::max<Index>(1, last - first));
  std::string out = "<g class=\"xs\">";
  for (const Index i : time_ticks(axis, first, last, f.inner_width() / 10)) {
    const double x = f.left + f.inner_width() * static_cast<double>(i - first) / cells;
    const double y = f.top + f.inner_height();
    out += text(
        "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%g\" y2=\"%g\"/>"
        "<text x=\"%.1f\" y=\"%g\" text-anchor=\"middle\">%s</text>",
        x, x, y, y + 5, x, y + 19, escaped(tick_label(axis, i)).c_str());
  }
  return out + "</g>\n";
}

}  // namespace tool::html
