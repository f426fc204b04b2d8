#pragma once

#include "foglift/forecast/score/metrics.hpp"

namespace foglift::inline v0::forecast {

// Whether a forecast is as sure as it may be. Shapes, missing values and errors are those of
// metrics.hpp, which has coverage and pit.

/// Quantile interval coverage error, in per cent (Han, Zheng & Zhou 2022, "CARD", eq. 12): the
/// mean over `bins` intervals between neighbouring quantiles of the members of |share of actual
/// values in it - 1 / bins|. As in the authors' program, a value on an upper end belongs to the
/// interval, and values beyond all members to the outermost ones. Throws ArgumentError for less
/// than 2 bins.
template <Scalar T, Scalar U>
double qice(const Tensor<T>& paths, const Tensor<U>& actual, Index bins = 10) {
  if (bins < 2) raise<ArgumentError>("qice: ", bins, " bins, at least 2 are needed");
  std::vector<double> counts(static_cast<std::size_t>(bins));
  const auto all = static_cast<double>(bins);
  const Index cells = detail::each_cell(
      paths, actual, "qice", [&](Index, Index, std::span<const double> members, double y) {
        std::size_t bin = 0;
        while (bin + 1 < counts.size() &&
               quantile_linear(members, static_cast<double>(bin + 1) / all) < y)
          ++bin;
        ++counts[bin];
      });
  double error = 0;
  for (const double n : counts) error += std::abs(n / static_cast<double>(cells) - 1 / all);
  return 100 * error / all;
}

/// How large an ensemble's spread is beside the error of its mean; 1 for a calibrated one.
struct SpreadSkill {
  double spread = 0;  ///< root of the mean variance of the members (with n - 1)
  double error = 0;   ///< RMSE of the mean of the members

  /// spread / error times sqrt((n + 1) / n): the mean of n members of the law of the actual value
  /// has an error that is larger than their spread by this factor (Fortin et al. 2014, eq. 15).
  double ratio = 0;
  /// The same without the factor and with variances over n, as WeatherBench and DYffusion give it.
  double plain_ratio = 0;
};

/// Throws ArgumentError for a single member, NumericError if the mean is right everywhere.
template <Scalar T, Scalar U>
SpreadSkill spread_skill(const Tensor<T>& paths, const Tensor<U>& actual) {
  double variance = 0, error = 0, n = 0;
  const Index cells = detail::each_cell(
      paths, actual, "spread_skill", [&](Index, Index, std::span<const double> members, double y) {
        n = static_cast<double>(members.size());
        double mean = 0, square = 0;
        for (const double v : members) mean += v / n;
        for (const double v : members) square += (v - mean) * (v - mean);
        variance += square;
        error += (mean - y) * (mean - y);
      });
  if (n < 2) raise<ArgumentError>("spread_skill: a single member has no spread");
  if (error == 0) raise<NumericError>("spread_skill: the mean is right everywhere");
  const auto all = static_cast<double>(cells);
  const double spread = std::sqrt(variance / (n - 1) / all), rmse = std::sqrt(error / all);
  return {spread, detail::finite_result(rmse, "spread_skill"),
          std::sqrt((n + 1) / n) * spread / rmse, std::sqrt((n - 1) / n) * spread / rmse};
}

/// How often intervals of each probability hold the actual value: pairs for a reliability diagram.
template <Scalar T, Scalar U>
std::vector<double> coverages(const Tensor<T>& paths, const Tensor<U>& actual,
                              std::span<const double> probabilities = nine_levels) {
  std::vector<double> out;
  for (const double p : probabilities) out.push_back(coverage(paths, actual, p));
  return out;
}

/// Mean distance of coverages from the probabilities that they should have.
template <Scalar T, Scalar U>
double coverage_error(const Tensor<T>& paths, const Tensor<U>& actual,
                      std::span<const double> probabilities = nine_levels) {
  if (probabilities.empty()) raise<ArgumentError>("coverage_error: no probability");
  const std::vector<double> found = coverages(paths, actual, probabilities);
  double sum = 0;
  for (std::size_t i = 0; i < found.size(); ++i) sum += std::abs(found[i] - probabilities[i]);
  return sum / static_cast<double>(found.size());
}

}  // namespace foglift::inline v0::forecast
