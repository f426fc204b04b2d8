#pragma once

// A grid of known factors for the tests of disentanglement.

#include "foglift/core/rng.hpp"
#include "foglift/probe/metric/disentanglement/information.hpp"
#include "foglift/probe/split.hpp"

#include <cmath>
#include <vector>

namespace probe_test {

/// A full grid of three factors of 4, 5 and 6 values, and codes that are the factors, standardized.
struct Grid {
  foglift::probe::Factors factors{3};
  foglift::Tensor<double> codes{foglift::Shape{120, 3}};
  foglift::probe::Split split;

  Grid() {
    const std::vector<foglift::Index> values{4, 5, 6};
    for (foglift::Index i = 0; i < 120; ++i) {
      foglift::Index rest = i;
      for (std::size_t k = 0; k < 3; ++k) {
        const foglift::Index v = rest % values[k], n = values[k];
        rest /= n;
        factors[k].push_back(v);
        codes(i, static_cast<foglift::Index>(k)) =
            (double(v) - double(n - 1) / 2) / std::sqrt(double(n * n - 1) / 12);
      }
      (foglift::Rng(1).uniform(std::uint64_t(i)) < 0.6 ? split.train : split.test).push_back(i);
    }
  }

  /// codes times a rotation by 45 degrees in the first two, then in the last two codes.
  foglift::Tensor<double> rotated() const {
    foglift::Tensor<double> out = codes;
    const double c = std::sqrt(0.5);
    for (foglift::Index i = 0; i < 120; ++i)
      for (const foglift::Index j : {0, 1}) {
        const double a = out(i, j), b = out(i, j + 1);
        out(i, j) = c * (a + b);
        out(i, j + 1) = c * (a - b);
      }
    return out;
  }
};

}  // namespace probe_test
