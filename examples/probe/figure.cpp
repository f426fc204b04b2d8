#include "figure.hpp"

#include "foglift/core/atomic_file.hpp"
#include "support/gnuplot.hpp"
#include "support/text.hpp"

#include <algorithm>
#include <sstream>

namespace {

using foglift::Index;

std::string cells(const std::string& name, const foglift::probe::HeatMap& map) {
  std::ostringstream out;
  out << '$' << name << " << EOD\n# block, level, validation accuracy in per cent\n";
  for (const auto& cell : map.cells)
    out << cell.block << ' ' << cell.level << ' ' << text("%.2f", 100 * cell.validation) << '\n';
  out << "EOD\n";
  return out.str();
}

std::string scores(const ProbeFigure& f) {
  const auto truth = report::test_labels(f.examples);
  const auto n = static_cast<Index>(truth.size());
  std::ostringstream out;
  out << "$scores << EOD\n# row, logistic regression, its interval, least squares, name, where\n";
  for (std::size_t i = 0; i < f.results.size(); ++i) {
    const Result& r = f.results[i];
    const Index right = foglift::probe::hits(r.predicted, truth);
    const auto interval = foglift::probe::wilson_interval(right, n);
    out << f.results.size() - 1 - i
        << text(" %.2f %.2f %.2f %.2f ", 100 * foglift::probe::accuracy(r.predicted, truth),
                100 * interval.low, 100 * interval.high,
                100 * foglift::probe::accuracy(r.ridge, truth))
        << '"' << r.name << "\" \"" << r.where << ", " << r.dimension << " features\"\n";
  }
  out << "EOD\n";
  return out.str();
}

/// Ten digits a row with a line of paper between them, as a matrix of grey levels.
std::string digits(const foglift::Tensor<float>& images) {
  const Index rows = images.dim(0) / 10;
  std::ostringstream out;
  out << "$digits << EOD\n";
  for (Index y = 0; y < 9 * rows - 1; ++y)
    for (Index x = 0; x < 89; ++x) {
      const bool gap = y % 9 == 8 || x % 9 == 8;
      const float v = gap ? -1.0F : images(y / 9 * 10 + x / 9, y % 9, x % 9, 0);
      out << text("%.2f", std::clamp((v + 1) / 2, 0.0F, 1.0F)) << (x < 88 ? ' ' : '\n');
    }
  out << "EOD\n";
  return out.str();
}

/// One map between screen positions left and right.
std::string map(const char* name, const foglift::probe::HeatMap& m, const char* title, double left,
                double right) {
  const auto& best = m.best();
  std::ostringstream out;
  out << "set lmargin at screen " << left << "; set rmargin at screen " << right << '\n'
      << "set label 3 '" << title << "' at graph 0,1.06 font ',14' textcolor rgb ink\n"
      << "set object 1 rectangle from " << static_cast<double>(best.block) - 0.5 << ','
      << static_cast<double>(best.level) - 0.5 << " to " << static_cast<double>(best.block) + 0.5
      << ',' << static_cast<double>(best.level) + 0.5
      << " front fillstyle empty border rgb '#d55e00' linewidth 4\n"
      << "plot $" << name << " using 1:2:(0.485):(0.485):3 with boxxyerror fillcolor palette, \\\n"
      << "     '' using 1:2:(sprintf('%.1f', $3)):(on($3)) with labels font ',12' "
         "textcolor rgb variable\n";
  return out.str();
}

std::string maps(const ProbeFigure& f) {
  double low = 100, high = 0;  // one scale for both
  for (const auto* m : {&f.trained, &f.untrained})
    for (const auto& cell : m->cells) {
      low = std::min(low, 100 * cell.validation);
      high = std::max(high, 100 * cell.validation);
    }
  low = std::max(low, high - 40);  // what is near chance need not be told apart
  std::ostringstream out;
  out << "low = " << low << "; high = " << high
      << "\n# viridis (Smith and van der Walt 2015): even steps, and no red against green\n"
         "set palette defined (0 '#440154', 0.125 '#472d7b', 0.25 '#3b528b', 0.375 '#2c728e', "
         "0.5 '#21918c', 0.625 '#28ae80', 0.75 '#5ec962', 0.875 '#addc30', 1 '#fde725')\n"
         "set cbrange [low:high]\nunset colorbox\nunset key\nset border 0\n"
         "on(v) = v < low + 0.55 * (high - low) ? 0xffffff : 0x1a1a1a\n"
         "set style fill solid 1 noborder\n"
         "set tics scale 0 textcolor rgb grey font ',12'\n"
         "set tmargin at screen 0.825; set bmargin at screen 0.415\n"
      << "set xrange [-0.5:" << static_cast<double>(f.trained.blocks.size()) - 0.5
      << "]\nset yrange [-0.5:" << static_cast<double>(f.trained.levels.size()) - 0.5
      << "]\nset xtics rotate by 30 right (";
  for (std::size_t b = 0; b < f.trained.blocks.size(); ++b)
    out << (b ? ", '" : "'") << f.trained.blocks[b] << "' " << b;
  out << ")\nset ytics (";
  for (std::size_t t = 0; t < f.trained.levels.size(); ++t)
    out << (t ? ", '" : "'") << text("%.2f' %zu", f.trained.levels[t].t, t);
  out << ")\nset ylabel 'noise level t' textcolor rgb grey\n"
      << map("trained", f.trained, "trained network: validation accuracy, %", 0.08, 0.50)
      << "unset label 1; unset label 2; unset ylabel\n"
      << map("untrained", f.untrained, "the same network, untrained", 0.56, 0.98);
  return out.str();
}

std::string script(const ProbeFigure& f) {
  const auto& split = f.examples.split;
  double low = 100;
  const auto truth = report::test_labels(f.examples);
  for (const Result& r : f.results)
    low = std::min({low, 100 * foglift::probe::accuracy(r.ridge, truth),
                    100 * foglift::probe::wilson_interval(foglift::probe::hits(r.predicted, truth),
                                                          static_cast<Index>(truth.size()))
                              .low});
  low = 2 * std::floor((low - 0.5) / 2);
  std::ostringstream out;
  out << "# Draws probe.svg and probe.png: run  gnuplot probe.gp  here.\n"
      << cells("trained", f.trained) << cells("untrained", f.untrained) << scores(f)
      << digits(f.drawn)
      << "set encoding utf8\nink = '#1a1a1a'; grey = '#555555'\n"
         "do for [format in 'svg png'] {\n"
         "if (format eq 'svg') { set terminal svg size 1280,960 dynamic font 'DejaVu Sans,13' "
         "background '#ffffff' } else { set terminal pngcairo size 1280,960 font 'DejaVu Sans,11' "
         "background '#ffffff' }\n"
         "set output 'probe.'.format\nset multiplot\n"
         "set label 1 'Where a denoiser knows which digit it sees' at screen 0.03,0.962 font "
         "',22' textcolor rgb ink\nset label 2 'Linear classifiers on frozen features of a network "
         "trained on "
      << split.train.size() << " digits without their labels. Frame: the best cell on "
      << split.validation.size() << " others.' at screen 0.03,0.918 font ',12' textcolor rgb grey\n"
      << maps(f)
      << "unset object 1\nunset ytics\n"
         "set tmargin at screen 0.265; set bmargin at screen 0.075\n"
         "set lmargin at screen 0.215; set rmargin at screen 0.50\n"
         "set xtics norotate center autofreq\nset grid xtics linetype 1 linecolor rgb '#e0e0e0'\n"
      << "set xrange [" << low << ":100]; set yrange [-0.6:2.6]\n"
      << "set label 3 'accuracy on " << truth.size()
      << " test digits, %  (○ by least squares)' at screen 0.08,0.31 font ',14'\n"
         "plot $scores using 5:1 with points pointtype 6 pointsize 1.3 linewidth 1.5 linecolor rgb "
         "grey, \\\n     '' using 2:1:3:4 with xerrorbars pointtype 7 pointsize 1.4 linewidth 2 "
         "linecolor rgb '#0072b2', \\\n"
         "     '' using 2:1:(sprintf('%.1f', $2)) with labels offset 0,1 font ',12', \\\n"
      << "     '' using (" << low << "):1:6 with labels right offset -1,0.5 font ',13', \\\n"
      << "     '' using (" << low
      << "):1:7 with labels right offset -1,-0.6 font ',10' textcolor rgb grey\n"
         "unset grid; unset tics\n"
         "set lmargin at screen 0.58; set rmargin at screen 0.96\n"
         "set tmargin at screen 0.285; set bmargin at screen 0.03\n"
         "set label 3 'digits that the trained network drew' at screen 0.56,0.31\n"
      << "set size ratio -1\nset xrange [-0.5:88.5]; set yrange [" << 9 * (f.drawn.dim(0) / 10) - 1
      << ":-0.5]\n"
      << "set palette defined (0 'white', 1 '#1a1a1a'); set cbrange [0:1]\n"
         "plot $digits matrix with image\n"
         "unset multiplot\nreset\n}\nunset output\n";
  return out.str();
}

}  // namespace

bool draw(const ProbeFigure& figure, const std::string& folder) {
  foglift::write_file(folder + "/probe.gp", script(figure));
  return gnuplot::run(folder, "probe.gp");
}
