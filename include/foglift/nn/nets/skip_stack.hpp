#pragma once

#include "foglift/nn/blocks/wavenet.hpp"
#include "foglift/nn/layers/embedding.hpp"

#include <cmath>
#include <vector>

namespace foglift::inline v0::nn {

template <class Block>
struct SkipStackOptions {
  Index in = 0;
  Index out = 0;                       ///< 0: as many as in
  Index depth = 0;                     ///< blocks
  typename Block::Options block = {};  ///< but for `embedding`, which follows from the next
  TimeEmbeddingOptions embedding = {};
};

/// A network of residual blocks with skip connections, as DiffWave (Kong et al. 2021), TSDiff and
/// SSSD have: x [B, L, in], time [B], a condition of every position [B, L, block.condition] or
/// nullptr -> [B, L, out], made of the sum of what the blocks skip. The output starts at zero.
template <class Block>
class SkipStack : public Layer<typename Block::value_type, SkipStackOptions<Block>> {
 public:
  using T = typename Block::value_type;

  TimeEmbedding<T> embedding;
  Linear<T> input;
  std::vector<Block> blocks;
  Linear<T> skip, output;

  /// Throws ArgumentError for an extent that is not positive.
  explicit SkipStack(const SkipStackOptions<Block>& o, Rng& rng)
      : embedding(o.embedding, rng),
        input({.in = o.in, .out = o.block.width}, rng),
        skip({.in = o.block.width, .out = o.block.width}, rng),
        output({.in = o.block.width, .out = o.out == 0 ? o.in : o.out, .zero = true}, rng) {
    detail::need_positive("SkipStack", "depth", o.depth);
    typename Block::Options block = o.block;
    block.embedding = o.embedding.width;
    for (Index i = 0; i < o.depth; ++i) blocks.emplace_back(block, rng);
  }

  template <ValueOf<T> X>
  X operator()(const X& x, const Tensor<T>& time, const X* condition = nullptr) const {
    const X e = embedding.rows(time, Condition<T>{}, x);
    X h = relu(input(x));
    X sum = h;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      const SkipOutput<X> next = blocks[i](h, &e, condition);
      sum = i == 0 ? next.skip : sum + next.skip;
      h = next.x;
    }
    return output(relu(skip(sum * std::sqrt(1 / static_cast<double>(blocks.size())))));
  }

  FOGLIFT_CHILDREN(embedding, input, blocks, skip, output);
};

}  // namespace foglift::inline v0::nn
