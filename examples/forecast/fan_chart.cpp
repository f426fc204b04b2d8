#include "fan_chart.hpp"

#include "foglift/core/atomic_file.hpp"
#include "foglift/forecast/score/quantile.hpp"
#include "scores.hpp"
#include "support/gnuplot.hpp"
#include "time_ticks.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

namespace fan_chart {

namespace {

/// Rows of a window; a blank line, which breaks areas and lines, stands where hours are closed.
void write_bands(std::ostream& out, const foglift::forecast::TimeAxis& axis, foglift::Index at,
                 const foglift::Tensor<double>& quantiles, foglift::Index window) {
  for (foglift::Index h = 0; h < quantiles.dim(2); ++h) {
    if (h > 0 && axis.closed_before(at + h)) out << '\n';
    out << at + h << " \"" << axis.text(at + h) << '"';
    for (foglift::Index q = 0; q < quantiles.dim(1); ++q) out << ' ' << quantiles(window, q, h);
    out << '\n';
  }
  out << '\n';
}

/// One panel: its range of cells, the characters that fit on its time axis, its line widths, and
/// the first of its blocks of data.
std::string panel(const FanChart& c, foglift::Index first, foglift::Index last, double width,
                  double characters = 140, std::size_t block = 0) {
  const auto& axis = c.series->time;
  std::ostringstream out;
  out << "set xrange [" << first << ':' << last << "]\nset xtics (";
  const char* comma = "";
  for (const foglift::Index i : tool::time_ticks(axis, first, last, characters)) {
    out << comma << gnuplot::quoted(tool::tick_label(axis, i)) << ' ' << i;
    comma = ", ";
  }
  out << ")\n";
  const auto index = [&](std::size_t k) { return "index " + std::to_string(block + k); };
  const std::string areas =
      " using 1:(column(2 + b)):(column(10 - b)) with filledcurves linecolor rgb word(bands, b) ";
  const std::string lines = " with lines linecolor rgb ", line_width = " linewidth ";
  out << "plot for [b = 1:3] 'chart.dat' " << index(2) << areas
      << "title word('95 80 50', b).' % band', \\\n     for [b = 1:3] '' " << index(1) << areas
      << "notitle, \\\n     '' " << index(1) << " using 1:6" << lines << "median" << line_width
      << width << " notitle, \\\n     '' " << index(2) << " using 1:6" << lines << "median"
      << line_width << width << " title 'median', \\\n     '' " << index(0) << " using 1:3" << lines
      << "ink" << line_width << width << " title 'observed'\n";
  return out.str();
}

/// The cell from which the series is shown before its forecast.
foglift::Index recent(const FanChart& c) {
  return std::max<foglift::Index>(0, c.series->size() - 3 * c.future.dim(2));
}

/// What all pictures begin with: terminals, colours, title and key.
std::string begin(const FanChart& c) {
  return "# Draws forecast.svg and forecast.png from chart.dat: run  gnuplot forecast.gp  here.\n"
         "reset\nset encoding utf8\n"
         "bands = '#d3e5f3 #9cc6e3 #559dce'\nmedian = '#00406b'; ink = '#d55e00'; grey = "
         "'#666666'\n"
         "do for [format in 'svg png'] {\n"
         "if (format eq 'svg') { set terminal svg size 1600,1000 dynamic font 'DejaVu Sans,18' "
         "background '#ffffff' linewidth 1.2 } else { set terminal pngcairo size 1600,1000 "
         "font 'DejaVu Sans,15' background '#ffffff' linewidth 1.3 }\n"
         "set output 'forecast.'.format\nset multiplot\n"
         "set border 3 linecolor rgb grey\nset tics nomirror textcolor rgb grey out scale 0.6\n"
         "set grid ytics linecolor rgb '#e2e2e2' linetype 1\nset style fill solid noborder\n"
         "set label 1 " +
         gnuplot::drawable(c.title) +
         " at screen 0.015,0.965 noenhanced font ',22'\n"
         "set label 2 " +
         gnuplot::drawable(c.forecast_line) +
         " at screen 0.015,0.915 noenhanced font ',15' textcolor rgb grey\n"
         "set key at screen 0.975,0.965 right center horizontal samplen 1.4 width -0.3 Left "
         "reverse\n";
}

constexpr const char* finish = "unset multiplot\nunset label\n}\nunset output\n";

/// From 0, unless that would leave most of the panel empty.
std::string range(const foglift::Tensor<double>& drawn) {
  const auto [low, high] = std::minmax_element(drawn.begin(), drawn.end());
  return std::string("set yrange [") + (*low >= 0 && *low < 0.4 * *high ? "0" : "*") + ":*]\n";
}

/// The moment from which a panel looks ahead.
std::string now(const FanChart& c) {
  return "now = " + std::to_string(c.series->size()) +
         "\nset arrow 1 from now, graph 0 to now, graph 1 nohead back linecolor rgb grey dashtype "
         "2\n"
         "set object 1 rectangle from now, graph 0 to graph 1, graph 1 behind fillcolor rgb "
         "'#f6f6f2' fillstyle solid noborder\n"
         "set label 3 'forecast' at now, graph 0.95 offset 0.7,0 textcolor rgb grey\n";
}

std::string data(const FanChart& c) {
  using foglift::Index;
  const foglift::forecast::Series& s = *c.series;
  const Index backtest = c.origins.empty() ? s.size() : c.origins.front().at;
  const Index first = std::max<Index>(0, std::min(backtest, s.size() - 3 * c.future.dim(2)));
  std::ostringstream out;
  out.precision(12);
  out << "# cell, time, value\n";
  bool blank = true;
  for (Index i = first; i < s.size(); ++i) {
    const bool missing = std::isnan(s.value(i));
    if (!blank && (missing || s.time.closed_before(i))) out << '\n', blank = true;
    if (missing) continue;
    out << i << " \"" << s.time.text(i) << "\" " << s.value(i) << '\n';
    blank = false;
  }
  if (blank) out << first << " \"\" NaN\n";
  out << "\n\n# cell, time and quantiles 0.025 0.1 0.25 0.5 0.75 0.9 0.975 of the backtest\n";
  if (c.origins.empty()) out << first << " \"\" NaN NaN NaN NaN NaN NaN NaN\n\n";
  if (!c.origins.empty()) {
    const auto past = foglift::forecast::quantiles(c.backtest, tool::band_levels);
    for (std::size_t w = 0; w < c.origins.size(); ++w)
      write_bands(out, s.time, c.origins[w].at, past, static_cast<Index>(w));
  }
  out << "\n# the same of the forecast\n";
  write_bands(out, s.time, s.size(), foglift::forecast::quantiles(c.future, tool::band_levels), 0);
  return out.str();
}

std::string script(const FanChart& c) {
  const foglift::Index end = c.series->size(), H = c.future.dim(2);
  const foglift::Index backtest = c.origins.empty() ? end : c.origins.front().at;
  std::ostringstream out;
  out << begin(c) << range(c.origins.empty() ? c.future : c.backtest)
      << "set lmargin at screen 0.066\nset rmargin at screen 0.965\nset ylabel "
      << gnuplot::drawable(c.unit)
      << " noenhanced textcolor rgb grey offset 1,0\n"
         "set tmargin at screen 0.87\nset bmargin at screen "
      << (c.origins.empty() ? "0.065" : "0.45") << '\n'
      << now(c) << panel(c, recent(c), end + H, 2);
  if (!c.origins.empty())
    out << "unset label 1\nunset label 3\nunset arrow 1\nunset object 1\nunset key\n"
           "set label 2 "
        << gnuplot::drawable(c.backtest_line)
        << " at screen 0.015,0.375\nset tmargin at screen 0.34\nset bmargin at screen 0.065\n"
        << panel(c, backtest, end, 1.2);
  return out.str() + finish;
}

}  // namespace

std::string data(const std::vector<FanChart>& charts) {
  std::string out;
  for (const FanChart& c : charts) out += (out.empty() ? "" : "\n") + data(c);
  return out;
}

std::string script(const std::vector<FanChart>& charts) {
  if (charts.size() == 1) return script(charts.front());
  const std::size_t columns = 2, rows = (charts.size() + 1) / columns;
  const double height = 0.87 / static_cast<double>(rows);
  std::ostringstream out;
  out << begin(charts.front());
  for (std::size_t k = 0; k < charts.size(); ++k) {
    const FanChart& c = charts[k];
    const double left = k % columns == 0 ? 0.055 : 0.555;
    const double top = 0.87 - height * static_cast<double>(k / columns);
    out << range(c.future) << "set lmargin at screen " << left << "\nset rmargin at screen "
        << left + 0.425 << "\nset tmargin at screen " << top - 0.035 << "\nset bmargin at screen "
        << top - height + 0.045 << "\nset label 4 " << gnuplot::drawable(c.series->name)
        << " at screen " << left - 0.04 << ',' << top - 0.01 << " noenhanced font ',15'\n"
        << now(c) << panel(c, recent(c), c.series->size() + c.future.dim(2), 1.6, 60, 3 * k)
        << "unset label 1\nunset label 2\nunset key\n";
  }
  return out.str() + finish;
}

}  // namespace fan_chart
