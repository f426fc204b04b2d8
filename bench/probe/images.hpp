#pragma once

#include "foglift/core/tensor.hpp"
#include "foglift/probe/split.hpp"

#include <string>
#include <vector>

namespace foglift::bench {

/// Grey images [n, 28, 28, 1] in [-1, 1] with their classes.
struct Images {
  Tensor<float> x;
  std::vector<Index> labels;

  Images rows(const std::vector<Index>& index) const {
    return {gather(x, index), gather(labels, index)};
  }
};

/// The `train` and `t10k` images of a folder that holds MNIST's four files, or those of a set of
/// its form, packed by gzip (which must be installed) or not. Throws FormatError for what is none.
Images read_images(const std::string& folder, const std::string& part);

/// 0 .. count - 1, from `first` on.
std::vector<Index> range(Index first, Index count);

/// [n, 28, 28, 1] as [n, 14, 14, 4], by cells of two by two, and back: a network sees a quarter of
/// the positions.
Tensor<float> folded(const Tensor<float>& images);
Tensor<float> flat(const Tensor<float>& x);

}  // namespace foglift::bench
