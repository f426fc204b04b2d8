#pragma once

#include "foglift/nn/nets/dit.hpp"
#include "foglift/nn/nets/unet.hpp"
#include "foglift/nn/nets/uvit.hpp"
#include "nn/module_checks.hpp"

namespace foglift::test {

/// A network none of whose parameters is zero.
template <class Net>
Net made(const typename Net::Options& o, std::uint64_t seed) {
  Rng rng(seed);
  Net net(o, rng);
  randomize(net, seed);
  return net;
}

/// One channel; told sequences of 3 channels, classes up to 3 and vectors of 2.
inline nn::TransformerOptions small_transformer() {
  return {.in = 1,
          .patch = 2,
          .width = 8,
          .depth = 3,
          .heads = 2,
          .ratio = 2,
          .sequence = 3,
          .embedding = {.classes = 3, .vector = 2}};
}

/// A U-Net of two levels, attention on the lower one, that is told the same.
inline nn::UNetOptions small_unet() {
  return {.in = 1,
          .width = 4,
          .multipliers = {1, 2},
          .blocks = 1,
          .attention = {1},
          .heads = 2,
          .groups = 2,
          .sequence = 3,
          .embedding = {.classes = 3, .vector = 2}};
}

}  // namespace foglift::test
