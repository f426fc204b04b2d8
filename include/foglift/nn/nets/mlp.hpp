#pragma once

#include "foglift/nn/layers/embedding.hpp"
#include "foglift/nn/network.hpp"

#include <string>
#include <vector>

namespace foglift::inline v0::nn {

struct MlpOptions {
  Index in = 2;
  Index out = 0;      ///< 0: as many as in
  Index width = 128;  ///< of the hidden layers
  Index depth = 3;    ///< hidden layers
  double dropout = 0;
  bool zero_out = false;                ///< the output layer starts at zero
  TimeEmbeddingOptions embedding = {};  ///< its features and width are `width`

  /// See nn::description. An option that is added has to be sorted here.
  static void untold(const MlpOptions& o, auto&& f) {
    const auto& [in, out, width, depth, dropout, zero_out, embedding] = o;
    TimeEmbeddingOptions::untold(embedding, f);
  }
};

/// A denoiser of vectors: x [B, in], time [B] -> [B, out]. The first layer's output is shifted by
/// the embedding of the time; every hidden layer ends in SiLU.
template <Scalar T = float>
class Mlp : public Network<Mlp<T>, T, MlpOptions> {
 public:
  static constexpr Signature kind{.name = "Mlp"};

  TimeEmbedding<T> embedding;
  std::vector<Linear<T>> layers;
  Linear<T> output;

  /// Throws ArgumentError for an extent that is not positive, an odd width, or a bad embedding.
  explicit Mlp(const MlpOptions& o, Rng& rng);

  /// Names of the blocks in order: the hidden layers, "layers.<i>".
  std::vector<std::string> block_names() const {
    return detail::with_blocks({}, "layers", layers.size());
  }

  detail::SampleCost sample_cost(const Shape&) const {
    return {.multiply_adds = options_.depth * options_.width * options_.width,
            .live = 4 * options_.width + options_.in + this->outputs()};
  }
  template <ValueOf<T> X, class H>
  X forward(const X& x, const Tensor<T>& time, const ConditionFor<X>& condition,
            DropoutCalls dropouts, const Call<H>& call) const;

  FOGLIFT_CHILDREN(embedding, layers, output);

 private:
  using Mlp::Network::options_;

  static std::vector<Linear<T>> hidden(const MlpOptions& o, Rng& rng) {
    detail::need_positive("Mlp", "depth", o.depth);
    detail::need_dropout("Mlp", o.dropout);
    std::vector<Linear<T>> result;
    for (Index i = 0; i < o.depth; ++i)
      result.emplace_back(LinearOptions{.in = i == 0 ? o.in : o.width, .out = o.width}, rng);
    return result;
  }
};

template <Scalar T>
Mlp<T>::Mlp(const MlpOptions& o, Rng& rng)
    : Mlp::Network(o),
      embedding(this->embedding_of(o.width), rng),
      layers(hidden(o, rng)),
      output({.in = o.width, .out = this->outputs(), .zero = o.zero_out}, rng) {}

template <Scalar T>
template <ValueOf<T> X, class H>
X Mlp<T>::forward(const X& x, const Tensor<T>& time, const ConditionFor<X>& condition,
                  DropoutCalls dropouts, const Call<H>& call) const {
  X h = layers[0](x) + embedding.rows(time, condition, x);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto at = call.at({}, "layers", i);
    if (!at.skip())
      h = dropouts(i == 0 ? silu(h) : layers[i](h, Activation::silu), options_.dropout);
    at.block(h);
    if (at.done()) return detail::unfinished(x, this->outputs());
  }
  return output(h);
}

#define FOGLIFT_NN_MLP(linkage, T) FOGLIFT_NN_NETWORK(linkage, T, Mlp<T>)
FOGLIFT_FOR_SCALARS(FOGLIFT_NN_MLP, extern template);

}  // namespace foglift::inline v0::nn
