#pragma once

#include "foglift/nn/blocks/wavenet.hpp"
#include "foglift/nn/layers/embedding.hpp"
#include "foglift/nn/network.hpp"

#include <cmath>
#include <optional>
#include <string>
#include <vector>

namespace foglift::inline v0::nn {

struct WavenetOptions {
  Index in = 0;
  Index out = 0;  ///< 0: as many as in
  Index width = 64;
  Index depth = 10;  ///< residual blocks
  Index cycle = 10;  ///< block i has dilation 2^(i mod cycle)
  Index kernel = 3;
  bool causal = false;    ///< a position sees none behind it
  Index map = 0;          ///< > 0: takes a condition map of so many channels, told to every block
  bool zero_out = false;  ///< the output layer starts at zero
  TimeEmbeddingOptions embedding = {};  ///< its features are `width`, its width four times that

  /// See nn::description. An option that is added has to be sorted here.
  static void untold(const WavenetOptions& o, auto&& f) {
    const auto& [in, out, width, depth, cycle, kernel, causal, map, zero_out, embedding] = o;
    f("cycle", cycle);
    f("causal", causal);
    TimeEmbeddingOptions::untold(embedding, f);
  }
};

/// DiffWave (Kong et al. 2021): x [B, L, in], time [B] -> [B, L, out], any L. Blocks of gated
/// convolutions with dilations 1, 2, 4, ... that start over every `cycle` blocks; the output is
/// made of the sum of what they skip. A condition map [B, L, map] enters every block; a network
/// built for one is told zeros where it is given none.
template <Scalar T = float>
class Wavenet : public Network<Wavenet<T>, T, WavenetOptions> {
 public:
  static constexpr Signature kind{.name = "Wavenet", .dims = 1};

  TimeEmbedding<T> embedding;
  Linear<T> input;
  std::vector<WavenetBlock<T>> blocks;
  Linear<T> skip, output;

  /// Throws ArgumentError for an extent that is not positive, an odd width, or an even kernel where
  /// not causal.
  explicit Wavenet(const WavenetOptions& o, Rng& rng)
      : Wavenet::Network(o),
        embedding(this->embedding_of(embedding_width(o)), rng),
        input({.in = o.in, .out = o.width}, rng),
        blocks(make_blocks(o, rng)),
        skip({.in = o.width, .out = o.width}, rng),
        output({.in = o.width, .out = this->outputs(), .zero = o.zero_out}, rng) {}

  /// Names of the blocks in order: "input", "blocks.<i>"; outputs [B, L, width].
  std::vector<std::string> block_names() const {
    return detail::with_blocks({"input"}, "blocks", blocks.size());
  }

  detail::SampleCost sample_cost(const Shape& x) const {
    const Index cells = x.dim(1) * options_.width;
    return {.multiply_adds = cells * options_.depth * 2 * options_.width * (options_.kernel + 1),
            .live = 10 * cells};
  }
  template <ValueOf<T> X, class H>
  X forward(const X& x, const Tensor<T>& time, const ConditionFor<X>& condition, DropoutCalls,
            const Call<H>& call) const;

  FOGLIFT_CHILDREN(embedding, input, blocks, skip, output);

 private:
  using Wavenet::Network::options_;

  static Index embedding_width(const WavenetOptions& o) {
    return o.embedding.width == 0 ? 4 * o.width : o.embedding.width;
  }
  static std::vector<WavenetBlock<T>> make_blocks(const WavenetOptions& o, Rng& rng) {
    detail::need_positive("Wavenet", {{"depth", o.depth}, {"cycle", o.cycle}});
    std::vector<WavenetBlock<T>> result;
    for (Index i = 0; i < o.depth; ++i)
      result.emplace_back(WavenetBlockOptions{.width = o.width,
                                              .embedding = embedding_width(o),
                                              .condition = o.map,
                                              .kernel = o.kernel,
                                              .dilation = Index{1} << (i % o.cycle),
                                              .causal = o.causal},
                          rng);
    return result;
  }
  /// What every block is told, if this network is built for it.
  template <Value X>
  std::optional<X> told(const ConditionFor<X>& c, const X& like) const {
    if (options_.map == 0) return std::nullopt;
    if (!c.map) return constant(Tensor<T>({1, 1, options_.map}), like);
    return detail::where_present(detail::shown(*c.map, c.present), c.present);
  }
};

template <Scalar T>
template <ValueOf<T> X, class H>
X Wavenet<T>::forward(const X& x, const Tensor<T>& time, const ConditionFor<X>& condition,
                      DropoutCalls, const Call<H>& call) const {
  const Shape grid{x.dim(1)};
  const X e = embedding.rows(time, condition, x);
  const std::optional<X> map = told(condition, x);
  X h = relu(input(x));
  const auto entry = call.at(grid, "input");
  entry.block(h);
  if (entry.done()) return detail::unfinished(x, this->outputs());
  std::optional<X> sum;  // of the skips; a block that is left out adds nothing
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto at = call.at(grid, "blocks", i);
    if (!at.skip()) {
      const SkipOutput<X> next = blocks[i](h, &e, map ? &*map : nullptr);
      h = next.x;
      sum = sum ? *sum + next.skip : next.skip;
    }
    at.block(h);
    if (at.done()) return detail::unfinished(x, this->outputs());
  }
  if (!sum) sum = constant(Tensor<T>(value_of(h).shape()), x);
  return output(relu(skip(*sum * std::sqrt(1.0 / static_cast<double>(options_.depth)))));
}

}  // namespace foglift::inline v0::nn
