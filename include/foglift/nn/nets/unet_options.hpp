#pragma once

#include "foglift/nn/layers/conv.hpp"
#include "foglift/nn/layers/embedding.hpp"

#include <array>
#include <vector>

namespace foglift::inline v0::nn {

struct UNetOptions {
  Index in = 1;
  Index out = 0;                               ///< 0: as many as in
  Index width = 32;                            ///< channels of the first level
  std::vector<Index> multipliers = {1, 2, 4};  ///< channels of level l: width * multipliers[l]
  Index blocks = 2;                   ///< residual blocks a level downwards; one more upwards
  std::vector<Index> attention = {};  ///< levels with attention after each block; 0 is the finest
  bool middle_attention = true;
  Index heads = 4;
  Index head_width = 0;  ///< > 0: channels of each head, whatever the level's, instead of `heads`
  Index groups = 8;
  double norm_eps = 1e-5;  ///< of all group norms
  Index kernel = 3;        ///< odd
  Padding padding = Padding::zero;
  bool same_padding = false;  ///< levels are halved with TensorFlow's padding, see padded_same
  bool scale_shift = false;   ///< the time scales and shifts (FiLM) instead of adding
  double dropout = 0;
  bool zero_out = false;  ///< output layer and each residual branch's last layer start at zero
  Index sequence = 0;     ///< > 0: attention blocks also attend to a sequence of so many channels
  Index map = 0;          ///< > 0: takes a condition map of so many channels
  TimeEmbeddingOptions embedding = {};  ///< features 0: width; width 0: 4 * width
  bool checkpoint = false;  ///< training keeps only residual blocks' inputs and runs them again

  /// See nn::description. An option that is added has to be sorted here.
  static void untold(const UNetOptions& o, auto&& f) {
    const auto& [in, out, width, multipliers, blocks, attention, middle_attention, heads,
                 head_width, groups, norm_eps, kernel, padding, same_padding, scale_shift, dropout,
                 zero_out, sequence, map, embedding, checkpoint] = o;
    f("heads", heads);
    f("head_width", head_width);
    f("groups", groups);
    f("norm_eps", norm_eps);
    f("same_padding", same_padding);
    f("map", map);
    constexpr std::array<const char*, 3> paddings{"zero", "circular", "reflect"};
    f("padding", paddings[static_cast<std::size_t>(padding)]);
    TimeEmbeddingOptions::untold(embedding, f);
  }
};

}  // namespace foglift::inline v0::nn
