#pragma once

#include "foglift/core/tensor.hpp"
#include "foglift/data/csv.hpp"
#include "foglift/diffusion/analytic/mixture.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

/// Points of the plane, and the exact denoiser of their density.
struct Scatter {
  std::string title, x_axis, y_axis;
  foglift::Tensor<double> points;      ///< [n, 2]
  foglift::analytic::Mixture density;  ///< what is sampled
};

/// Six Gaussians on a spiral, the outer ones wider and likelier: a distribution in closed form.
inline Scatter spiral(foglift::Index n, const foglift::Rng& rng) {
  std::vector<foglift::analytic::Mixture::Component> parts;
  for (int k = 0; k < 6; ++k) {
    const double angle = 1.1 * k, radius = 0.35 + 0.24 * k;
    parts.push_back(
        {1.0 + 0.4 * k, {radius * std::cos(angle), radius * std::sin(angle)}, 0.004 + 0.003 * k});
  }
  foglift::analytic::Mixture density(parts);
  auto points = density.draw<double>({n, 2}, rng);
  return {"Six Gaussians on a spiral", "", "", std::move(points), std::move(density)};
}

/// A Gaussian around every point, of the deviation that Silverman's rule gives for two dimensions,
/// divided by three since the points lie in clusters.
inline foglift::analytic::Mixture kernel_density(const foglift::Tensor<double>& points) {
  using foglift::Index;
  const auto n = static_cast<double>(points.dim(0));
  double variance = 0;
  for (Index axis = 0; axis < 2; ++axis) {
    double sum = 0, square = 0;
    for (Index i = 0; i < points.dim(0); ++i) {
      sum += points(i, axis);
      square += points(i, axis) * points(i, axis);
    }
    variance += 0.5 * (square / n - sum * sum / n / n);
  }
  std::vector<foglift::analytic::Mixture::Component> parts;
  for (Index i = 0; i < points.dim(0); ++i)
    parts.push_back({1, {points(i, 0), points(i, 1)}, variance * std::pow(n, -1.0 / 3) / 9});
  return foglift::analytic::Mixture(parts);
}

/// Each day of examples/data/bikes.csv as a point: bicycles hired from 8 to 9 in the morning and
/// from 5 to 6 in the afternoon, in hundreds. Working days and days off are two clouds.
inline Scatter commuters(const std::string& path) {
  const foglift::data::CsvTable table = foglift::data::read_csv(path);
  const auto& time = table.dates("time");
  const auto& bikes = table.numbers("bikes");
  std::map<std::int64_t, std::pair<double, double>> days;
  for (std::size_t i = 0; i < time.size(); ++i) {
    auto& [morning, evening] = days.try_emplace(time[i] / 86400, -1, -1).first->second;
    const auto hour = time[i] % 86400 / 3600;
    if (hour == 8) morning = bikes[i] / 100;
    if (hour == 17) evening = bikes[i] / 100;
  }
  std::vector<double> values;
  for (const auto& [day, point] : days)
    if (point.first >= 0 && point.second >= 0)
      values.insert(values.end(), {point.first, point.second});
  const auto n = static_cast<foglift::Index>(values.size() / 2);
  foglift::Tensor<double> points({n, 2});
  std::copy(values.begin(), values.end(), points.begin());
  auto density = kernel_density(points);
  return {"Bicycle hires in Washington, D.C., a point a day", "hired 8 to 9 am, hundreds",
          "hired 5 to 6 pm, hundreds", std::move(points), std::move(density)};
}

/// The first two columns of numbers of a CSV file.
inline Scatter scatter_file(const std::string& path) {
  const foglift::data::CsvTable table = foglift::data::read_csv(path);
  const auto names = table.names(foglift::data::ColumnKind::number);
  if (names.size() < 2)
    foglift::raise<foglift::FormatError>(path, ": needed two columns of numbers, found ",
                                         names.size());
  foglift::Tensor<double> points({static_cast<foglift::Index>(table.rows()), 2});
  for (foglift::Index axis = 0; axis < 2; ++axis) {
    const auto& column = table.numbers(names[static_cast<std::size_t>(axis)]);
    for (foglift::Index i = 0; i < points.dim(0); ++i)
      points(i, axis) = column[static_cast<std::size_t>(i)];
  }
  for (foglift::Index i = 0; i < points.dim(0); ++i)
    if (!(std::isfinite(points(i, 0)) && std::isfinite(points(i, 1))))
      foglift::raise<foglift::FormatError>(path, ':', table.lines()[static_cast<std::size_t>(i)],
                                           ": a value is missing");
  auto density = kernel_density(points);
  return {path, names[0], names[1], std::move(points), std::move(density)};
}
