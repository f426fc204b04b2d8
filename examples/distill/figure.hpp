#pragma once

#include "../support/gnuplot.hpp"
#include "../support/text.hpp"
#include "foglift/core/atomic_file.hpp"
#include "foglift/core/tensor.hpp"

#include <string>
#include <vector>

/// The picture of the distill example: points that each sampler makes, a column each, in 1, 2 and 4
/// evaluations.
namespace distill_figure {

/// A column: what its sampler is called, and the points [n, 2] of each row, empty where it has
/// none.
struct Column {
  std::string name;
  std::vector<foglift::Tensor<float>> rows;
};

inline std::string script(const std::vector<Column>& columns,
                          const std::vector<std::string>& rows) {
  std::string out = text("set terminal png size %zu,%zu font ',10'\nset output 'distill.png'\n",
                         190 * columns.size() + 40, 205 * rows.size() + 20);
  out += text("set multiplot layout %zu,%zu margins 0.02,0.995,0.02,0.92 spacing 0.006,0.06\n",
              rows.size(), columns.size());
  out += "unset key\nunset tics\nset xrange [-2.6:2.6]\nset yrange [-2.6:2.6]\nset size ratio 1\n";
  std::string data;
  for (std::size_t r = 0; r < rows.size(); ++r)
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const auto& points = columns[c].rows[r];
      const std::string name = text("p%zu_%zu", r, c);
      data += "$" + name + " << EOD\n9 9\n";  // a block may not be empty
      for (foglift::Index i = 0; i < points.size() / 2; ++i)
        data += text("%.3g %.3g\n", static_cast<double>(points(i, 0)),
                     static_cast<double>(points(i, 1)));
      data += "EOD\n";
      out += "set title " + gnuplot::quoted(r == 0 ? columns[c].name : "") + "\n";
      out += c == 0 ? "set ylabel " + gnuplot::quoted(rows[r]) + "\n" : "unset ylabel\n";
      out += "plot $" + name + " with points pt 7 ps 0.2 lc rgb '#3b6ea5'\n";
    }
  return data + out + "unset multiplot\n";
}

/// Writes distill.gp and lets gnuplot draw it. False if there is none.
inline bool draw(const std::string& folder, const std::vector<Column>& columns,
                 const std::vector<std::string>& rows) {
  foglift::write_file(folder + "/distill.gp", script(columns, rows));
  return gnuplot::run(folder, "distill.gp");
}

}  // namespace distill_figure
