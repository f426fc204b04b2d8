#pragma once

// Small labelled data sets for the tests of probes.

#include "foglift/core/rng.hpp"

#include <vector>

namespace probe_test {

using foglift::Index;
using foglift::Rng;
using foglift::Tensor;

struct Labelled {
  Tensor<double> x;  // [n, d]
  std::vector<Index> labels;
};

/// Example i has class i % classes; its features are normal around a random centre of the class at
/// a typical distance of `distance` from the origin.
inline Labelled blobs(Index n, Index d, Index classes, double distance, std::uint64_t seed) {
  const Rng rng(seed);
  const auto centres = rng.stream(0).normal<double>({classes, d});
  Labelled data{rng.stream(1).normal<double>({n, d}), {}};
  for (Index i = 0; i < n; ++i) {
    data.labels.push_back(i % classes);
    for (Index j = 0; j < d; ++j) data.x(i, j) += distance * centres(i % classes, j);
  }
  return data;
}

}  // namespace probe_test
