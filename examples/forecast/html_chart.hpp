#pragma once

#include "html_frame.hpp"
#include "results.hpp"

#include <string>
#include <vector>

/// Charts of the report as inline SVG, which read without a script.
namespace tool::html {

/// A forecast of a series: from a cell on, seven quantiles a step.
struct Window {
  Index at = 0;
  Tensor<double> quantiles;  ///< [7, H]
};

/// Quantiles of a row of paths [W, S, H], from a cell on.
Window window_of(const Tensor<double>& paths, Index row, Index at);

std::vector<Window> future_windows(const Future& f, Index series);

std::vector<Window> backtest_windows(const Backtest& b, Index series);

/// A small chart of y over x, with the diagonal of the unit square where both are shares.
std::string line_chart(const std::vector<double>& x, const std::vector<double>& y, bool shares,
                       const std::string& caption);

/// A low chart of values from a cell of an axis on, as wide as a fan; marks of time below the last.
std::string strip(const forecast::TimeAxis& axis, Index first, const std::vector<double>& values,
                  const std::string& name, bool last);

/// Bars of a density on [0, 1], beside 1.
std::string bar_chart(const std::vector<double>& bars, const std::string& caption);

/// A fan chart of windows of a series, with some of what was before; a forecast also shows the
/// moment from which it looks ahead.
std::string fan(const forecast::Series& s, const std::vector<Window>& windows, Index horizon,
                bool future);

}  // namespace tool::html
