#pragma once

#include "foglift/forecast/score/metrics.hpp"

namespace foglift::inline v0::forecast {

// Scores of the point that sample paths agree on. Shapes, missing values and errors are those of
// metrics.hpp. The mean has the least squared error, the median the least absolute one, so each is
// the default where it is at its best; papers often give the error of the other.

/// Which point of a cell's members is judged.
enum class Point { mean, median };

namespace detail {
/// The point of sorted members.
inline double point_of(std::span<const double> members, Point point) {
  if (point == Point::median) return quantile_linear(members, 0.5);
  double sum = 0;
  for (const double v : members) sum += v;
  return sum / static_cast<double>(members.size());
}

/// Mean of f(point, actual) over the observed cells.
template <Scalar T, Scalar U, class F>
double mean_of_points(const Tensor<T>& paths, const Tensor<U>& actual, Point point,
                      const char* where, const F& f) {
  double sum = 0;
  const Index cells =
      each_cell(paths, actual, where, [&](Index, Index, std::span<const double> members, double y) {
        sum += f(point_of(members, point), y);
      });
  return finite_result(sum / static_cast<double>(cells), where);
}
}  // namespace detail

/// Mean absolute error, in the unit of the data.
template <Scalar T, Scalar U>
double mae(const Tensor<T>& paths, const Tensor<U>& actual, Point point = Point::median) {
  return detail::mean_of_points(paths, actual, point, "mae",
                                [](double x, double y) { return std::abs(x - y); });
}

/// Mean squared error; of values of at most 1e150 in size, or the square is beyond double.
template <Scalar T, Scalar U>
double mse(const Tensor<T>& paths, const Tensor<U>& actual, Point point = Point::mean) {
  return detail::mean_of_points(paths, actual, point, "mse",
                                [](double x, double y) { return (x - y) * (x - y); });
}

/// Root of the mean squared error over all cells: not a mean of the roots of windows or steps.
template <Scalar T, Scalar U>
double rmse(const Tensor<T>& paths, const Tensor<U>& actual, Point point = Point::mean) {
  return std::sqrt(mse(paths, actual, point));
}

/// Symmetric mean absolute percentage error as the M4 competition has it, in per cent: the mean of
/// 200 |x - y| / (|x| + |y|), at most 200; a cell where both are 0 counts as 0.
template <Scalar T, Scalar U>
double smape(const Tensor<T>& paths, const Tensor<U>& actual, Point point = Point::median) {
  return detail::mean_of_points(paths, actual, point, "smape", [](double x, double y) {
    const double size = std::abs(x) + std::abs(y);
    return size > 0 ? 200 * std::abs(x - y) / size : 0;
  });
}

/// Normalized deviation: sum |x - y| / sum |y| over all cells. It is what the weighted quantile
/// losses are for a point. Throws NumericError if every actual value is 0.
template <Scalar T, Scalar U>
double normalized_deviation(const Tensor<T>& paths, const Tensor<U>& actual,
                            Point point = Point::median) {
  const auto size = [](double, double y) { return std::abs(y); };
  const double whole = detail::mean_of_points(paths, actual, point, "normalized_deviation", size);
  if (whole == 0) raise<NumericError>("normalized_deviation: every actual value is 0");
  return mae(paths, actual, point) / whole;
}

}  // namespace foglift::inline v0::forecast
