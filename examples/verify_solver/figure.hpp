#pragma once

#include "foglift/core/atomic_file.hpp"
#include "report.hpp"
#include "support/gnuplot.hpp"

#include <string>
#include <vector>

/// Error against evaluations of the denoiser, both on logarithmic axes: one line for each solver
/// on each process and grid of the first one, and dotted lines of whole orders to compare slopes
/// with.
namespace convergence_figure {

inline std::string script(const std::vector<SolverReport>& reports) {
  const SolverReport& main = reports.front();
  std::string out =
      "# Draws convergence.svg and convergence.png: run  gnuplot convergence.gp  here.\n";
  for (std::size_t i = 0; i < reports.size(); ++i)
    for (std::size_t k = 0; k < (i == 0 ? main.rows.size() : 1); ++k) {
      const auto& error = reports[i].rows[k].error;
      out += text("$d%zu_%zu << EOD\n", i, k);
      for (std::size_t j = 0; j < error.steps.size(); ++j)
        out += text("%d %.6e\n",
                    static_cast<int>(error.steps[j]) * std::max(1, reports[i].evaluations),
                    std::max(error.errors[j], 1e-16));
      out += "EOD\n";
    }
  out +=
      "set encoding utf8\nink = '#1a1a1a'; grey = '#555555'\n"
      "do for [format in 'svg png'] {\n"
      "if (format eq 'svg') { set terminal svg size 1000,680 dynamic font 'DejaVu Sans,14' "
      "background '#ffffff' } else { set terminal pngcairo size 1000,680 font 'DejaVu Sans,12' "
      "background '#ffffff' }\n"
      "set output 'convergence.'.format\nset logscale xy\nset format y '10^{%L}'\n"
      "set border 3 linecolor rgb grey\nset tics nomirror out scale 0.6 textcolor rgb grey\n"
      "set grid linecolor rgb '#e6e6e6' linetype 1\nset key outside right top Left reverse samplen "
      "1.5 spacing 1.3\n";
  out +=
      "set label 1 " +
      gnuplot::quoted(text("%s: %s %.2f measured, %d stated", main.name.c_str(),
                           main.noisy ? "weak order" : "order", main.measured(), main.stated())) +
      " at screen 0.03,0.955 font ',18' noenhanced textcolor rgb ink\nset tmargin at screen "
      "0.9\nset xlabel 'evaluations of the denoiser' textcolor rgb grey\n";
  out += std::string("set ylabel ") +
         (main.noisy ? "'relative error of the variance'" : "'largest error'") +
         " textcolor rgb grey\n";
  out += "set xtics (10, 20, 40, 80, 160, 320, 640, 1280)\n";
  const char* colours[] = {"#0072b2", "#0072b2", "#d55e00", "#d55e00", "#009e73", "#009e73"};
  out += "plot ";
  // Slopes of whole orders through the first point.
  const auto& first = main.rows.front().error;
  const double x = static_cast<double>(first.steps.front()) * std::max(1, main.evaluations);
  for (int p = 1; p <= std::max(3, main.stated()); ++p)
    out += text(
        "%.6e * (x / %.1f)**(-%d) with lines linecolor rgb '#8a8a8a' dashtype 3 title 'order %d', "
        "\\\n     ",
        first.errors.front(), x, p, p);
  for (std::size_t i = 1; i < reports.size(); ++i)
    out += text(
        "$d%zu_0 with linespoints linecolor rgb '#555555' pointtype %zu title %s noenhanced, \\\n  "
        "   ",
        i, i + 7, gnuplot::quoted(reports[i].name).c_str());
  for (std::size_t k = 0; k < main.rows.size(); ++k)
    out += text(
        "$d0_%zu with linespoints linecolor rgb '%s' linewidth %zu dashtype %d pointtype %d "
        "pointsize %.1f title %s noenhanced%s",
        k, colours[k % 6], 6 - k, k % 2 ? 2 : 1, k % 2 ? 6 : 7, 1.8 - 0.2 * static_cast<double>(k),
        gnuplot::quoted(main.rows[k].process + ", " + main.rows[k].grid).c_str(),
        k + 1 < main.rows.size() ? ", \\\n     " : "\n");
  return out + "unset output\n}\n";
}

}  // namespace convergence_figure

/// Writes convergence.gp, data included, into a folder and lets gnuplot draw convergence.svg and
/// convergence.png there. False if there is no gnuplot, or it failed. The first solver is the
/// subject.
inline bool draw(const std::vector<SolverReport>& reports, const std::string& folder) {
  foglift::write_file(folder + "/convergence.gp", convergence_figure::script(reports));
  return gnuplot::run(folder, "convergence.gp");
}
