#pragma once

#include "foglift/core/atomic_file.hpp"
#include "gnuplot.hpp"
#include "plane_runs.hpp"
#include "text.hpp"

#include <algorithm>
#include <sstream>
#include <string>

/// The picture of the gaussian_mixture example: data, samples, paths, and error against cost.
namespace plane_figure {

using foglift::Index;
using foglift::Tensor;

/// One row a run: solver, what the error is, evaluations, error.
inline std::string csv(const PlaneRuns& runs) {
  std::string out = "solver,error_of,evaluations,error\n";
  for (const auto& line : runs.lines)
    for (const auto& p : line.points)
      out += text("\"%s\",%s,%.0f,%.6g\n", line.name.c_str(), line.noisy ? "distribution" : "path",
                  p.evaluations, p.error);
  return out;
}

/// Errors at three budgets, for the terminal.
inline std::string table(const PlaneRuns& runs) {
  std::string out;
  for (const bool noisy : {false, true}) {
    out += text("%s%-34s", noisy ? "\n" : "",
                noisy ? "distance to the data's distribution" : "mean distance to the exact paths");
    for (const Index budget : {10, 20, 40, 100}) out += text("%12td", budget);
    out += "  evaluations\n";
    for (const auto& line : runs.lines) {
      if (line.noisy != noisy) continue;
      out += text("  %-32s", line.name.c_str());
      for (const double budget : {10.0, 20.0, 40.0, 100.0}) {
        const PlaneRuns::Point* best = nullptr;
        for (const auto& p : line.points)
          if (p.evaluations <= 1.1 * budget) best = &p;
        out += best ? text("%12.2g", best->error) : text("%12s", "-");
      }
      out += '\n';
    }
    if (noisy) out += text("  %-32s%12.2g  in each column\n", "exact draws, as many", runs.floor);
  }
  return out;
}

inline std::string block(const std::string& name, const Tensor<double>& points) {
  std::string out = "$" + name + " << EOD\n";
  for (Index i = 0; i < points.dim(0); ++i) out += text("%.4g %.4g\n", points(i, 0), points(i, 1));
  return out + "EOD\n";
}

/// Ranges of both axes, a little wider than the data.
struct Window {
  double low[2], high[2];
  explicit Window(const Tensor<double>& points) {
    for (Index a = 0; a < 2; ++a) {
      low[a] = high[a] = points(0, a);
      for (Index i = 0; i < points.dim(0); ++i) {
        low[a] = std::min(low[a], points(i, a));
        high[a] = std::max(high[a], points(i, a));
      }
      const double margin = 0.12 * (high[a] - low[a]) + 1e-9;
      low[a] -= margin;
      high[a] += margin;
    }
  }
};

inline std::string data_blocks(const Scatter& scatter, const PlaneRuns& runs) {
  std::string out = block("data", scatter.points);
  for (std::size_t k = 0; k < runs.panels.size(); ++k)
    out += block(text("panel%zu", k), runs.panels[k].samples);
  out += "$paths << EOD\n";
  for (Index i = 0; i < runs.paths.dim(1); ++i) {
    for (Index t = 0; t < runs.paths.dim(0); ++t)
      out += text("%.4g %.4g\n", runs.paths(t, i, 0), runs.paths(t, i, 1));
    out += "\n";
  }
  out += "EOD\n";
  for (std::size_t k = 0; k < runs.lines.size(); ++k) {
    out += text("$line%zu << EOD\n", k);
    for (const auto& p : runs.lines[k].points)
      out += text("%.0f %.4g\n", p.evaluations, std::max(p.error, 1e-12));
    out += "EOD\n";
  }
  return out;
}

/// Errors of all solvers of one kind; those shown above in colour, the others in grey.
inline std::string errors(const PlaneRuns& runs, bool noisy, double left, double right) {
  const char* colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"};
  std::string out = text("set lmargin at screen %.3f; set rmargin at screen %.3f\n", left, right);
  out += noisy ? "set label 1 'with noise: distance to the data (sliced Wasserstein); dashed: "
                 "exact draws' at graph 0,1.05\n"
               : "set label 1 'without noise: mean distance to the exact end of the same path' at "
                 "graph 0,1.05\n";
  std::string grey, coloured;
  for (std::size_t k = 0; k < runs.lines.size(); ++k) {
    if (runs.lines[k].noisy != noisy) continue;
    const auto& shown = plane::shown;
    const auto at = std::find(shown.begin(), shown.end(), runs.lines[k].name) - shown.begin();
    const bool own = at < static_cast<std::ptrdiff_t>(shown.size());
    (own ? coloured : grey) +=
        own ? text(
                  ", $line%zu with linespoints linewidth 2 pointtype 7 pointsize 0.7 linecolor rgb "
                  "'%s' title %s",
                  k, colours[static_cast<std::size_t>(at) % 6],
                  gnuplot::quoted(runs.lines[k].name).c_str())
            : text(", $line%zu with lines linewidth 1 linecolor rgb '#bdbdbd' notitle", k);
  }
  out += "plot " + (noisy ? text("%.4g", runs.floor) : std::string("1/0")) +
         " with lines dashtype 2 linecolor rgb grey notitle" + grey + coloured + "\n";
  return out;
}

inline std::string script(const Scatter& scatter, const PlaneRuns& runs) {
  const Window w(scatter.points);
  std::string out = "# Draws plane.svg and plane.png: run  gnuplot plane.gp  here.\n" +
                    data_blocks(scatter, runs);
  out +=
      "set encoding utf8\nink = '#1a1a1a'; grey = '#555555'\n"
      "do for [format in 'svg png'] {\n"
      "if (format eq 'svg') { set terminal svg size 1500,1000 dynamic font 'DejaVu Sans,14' "
      "background '#ffffff' } "
      "else { set terminal pngcairo size 1500,1000 font 'DejaVu Sans,12' background '#ffffff' }\n"
      "set output 'plane.'.format\nset multiplot\nset border 15 linecolor rgb '#bbbbbb'\nunset "
      "key\nunset tics\n";
  out += "set label 9 " + gnuplot::quoted(scatter.title) +
         " at screen 0.03,0.965 font ',20' noenhanced textcolor rgb ink\n";
  if (!scatter.x_axis.empty())
    out += "set label 8 " +
           gnuplot::quoted("to the right: " + scatter.x_axis + "; upwards: " + scatter.y_axis) +
           " at screen 0.03,0.93 font ',12' noenhanced textcolor rgb grey\n";
  const std::size_t panels = runs.panels.size() + 2,
                    columns = std::max<std::size_t>(4, (panels + 1) / 2);
  const double width = 0.94 / static_cast<double>(columns);
  const auto place = [&](std::size_t k) {
    const double left = 0.03 + width * static_cast<double>(k % columns),
                 top = k < columns ? 0.89 : 0.635;
    return text(
        "set lmargin at screen %.3f; set rmargin at screen %.3f; set tmargin at screen %.3f; set "
        "bmargin at screen %.3f\n",
        left, left + width - 0.012, top, top - 0.215);
  };
  out += text("set xrange [%.4g:%.4g]; set yrange [%.4g:%.4g]\n", w.low[0], w.high[0], w.low[1],
              w.high[1]);
  const auto cloud = [&](std::size_t k, const std::string& name, const std::string& title,
                         const char* colour) {
    out += place(k) + "set label 1 " + gnuplot::quoted(title) +
           " at graph 0,1.06 noenhanced textcolor rgb ink\nplot $" + name +
           " with points pointtype 7 pointsize 0.35 linecolor rgb '" + colour + "'\n" +
           (k == 0 ? "unset label 9\nunset label 8\n" : "");
  };
  cloud(0, "data", text("data, %td points", scatter.points.dim(0)), "#1a1a1a");
  const double wide = 2;
  out += place(1) + "set label 1 'paths from noise to data, exact' at graph 0,1.06\n" +
         text("set xrange [%.4g:%.4g]; set yrange [%.4g:%.4g]\n",
              w.low[0] - wide * (w.high[0] - w.low[0]) / 2,
              w.high[0] + wide * (w.high[0] - w.low[0]) / 2,
              w.low[1] - wide * (w.high[1] - w.low[1]) / 2,
              w.high[1] + wide * (w.high[1] - w.low[1]) / 2) +
         "plot $paths with lines linewidth 1 linecolor rgb '#0072b2', $data with dots linecolor "
         "rgb '#1a1a1a'\n" +
         text("set xrange [%.4g:%.4g]; set yrange [%.4g:%.4g]\n", w.low[0], w.high[0], w.low[1],
              w.high[1]);
  for (std::size_t k = 0; k < runs.panels.size(); ++k)
    cloud(k + 2, text("panel%zu", k),
          text("%s, %td evaluations", runs.panels[k].name.c_str(), runs.panel_evaluations),
          "#0072b2");
  out +=
      "set border 3 linecolor rgb grey\nset tics nomirror out scale 0.6 textcolor rgb grey\nset "
      "logscale xy\n"
      "set xrange [4:130]; set yrange [*:*]\nset xtics (5, 10, 20, 40, 80)\nset format y "
      "'10^{%L}'\n"
      "set grid linecolor rgb '#e8e8e8' linetype 1\nset key bottom left Left reverse samplen 1.5 "
      "spacing 1.1\n"
      "set tmargin at screen 0.345; set bmargin at screen 0.065\nset xlabel 'evaluations of the "
      "denoiser' textcolor rgb grey offset 0,0.5\n";
  return out + errors(runs, false, 0.06, 0.49) + errors(runs, true, 0.555, 0.985) +
         "unset multiplot\nreset\n}\nunset output\n";
}

}  // namespace plane_figure

/// Writes plane.gp, data included, into a folder and lets gnuplot draw plane.svg and plane.png
/// there. False if there is no gnuplot, or it failed.
inline bool draw(const Scatter& scatter, const PlaneRuns& runs, const std::string& folder) {
  foglift::write_file(folder + "/plane.gp", plane_figure::script(scatter, runs));
  return gnuplot::run(folder, "plane.gp");
}
