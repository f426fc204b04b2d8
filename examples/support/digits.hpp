#pragma once

#include "foglift/core/tensor.hpp"
#include "foglift/data/csv.hpp"

#include <cmath>
#include <string>
#include <vector>

/// The handwritten digits of examples/data/digits.csv.
struct Digits {
  foglift::Tensor<float> images;       ///< [n, 8, 8, 1], paper -1, ink +1
  std::vector<foglift::Index> labels;  ///< [n], 0 to 9
};

inline constexpr foglift::Index digit_classes = 10;

/// Reads a CSV file of columns "label" and "p<row><column>", pixels from 0 (paper) to 16 (ink).
/// Throws FormatError naming the line of a label or pixel that is no whole number in its range.
inline Digits read_digits(const std::string& path) {
  using foglift::Index;
  const foglift::data::CsvTable table = foglift::data::read_csv(path);
  const auto checked = [&](const std::string& column, std::size_t row, double most) {
    const double v = table.numbers(column)[row];
    if (!(v >= 0 && v <= most && v == std::floor(v)))
      foglift::raise<foglift::FormatError>(path, ':', table.lines()[row], ": column \"", column,
                                           "\" is ", v, ", needed a whole number from 0 to ", most);
    return v;
  };
  const std::size_t n = table.rows();
  Digits digits{foglift::Tensor<float>({static_cast<Index>(n), 8, 8, 1}), {}};
  for (std::size_t i = 0; i < n; ++i)
    digits.labels.push_back(static_cast<Index>(checked("label", i, digit_classes - 1.0)));
  for (Index y = 0; y < 8; ++y)
    for (Index x = 0; x < 8; ++x) {
      const std::string column = "p" + std::to_string(y) + std::to_string(x);
      for (std::size_t i = 0; i < n; ++i)
        digits.images(static_cast<Index>(i), y, x, 0) =
            static_cast<float>(checked(column, i, 16) / 8 - 1);
    }
  return digits;
}
