#pragma once

#include "foglift/autograd/ops/activation.hpp"
#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/nn/layers/conv.hpp"
#include "foglift/nn/layers/dropout.hpp"

#include <vector>

namespace foglift::inline v0::nn {

struct ConvStackOptions {
  Index in = 0, out = 0;
  Index width = 0;   ///< between
  Index layers = 3;  ///< convolutions
  Index kernel = 3;
  double dropout = 0;
  bool zero = false;  ///< the last one starts at zero
};

/// Convolutions along a sequence that keep its length, [B, L, in] -> [B, L, out]; between two of
/// them stand a layer norm, a leaky ReLU (slope 0.1) and dropout.
template <Scalar T = float>
class ConvStack : public Layer<T, ConvStackOptions> {
 public:
  std::vector<Conv1d<T>> convs;
  std::vector<LayerNorm<T>> norms;

  /// Throws ArgumentError for an extent that is not positive.
  explicit ConvStack(const ConvStackOptions& o, Rng& rng) : dropout_(o.dropout) {
    detail::need_positive("ConvStack", "layers", o.layers);
    for (Index i = 0; i < o.layers; ++i) {
      const bool last = i + 1 == o.layers;
      convs.emplace_back(ConvLayerOptions{.in = i == 0 ? o.in : o.width,
                                          .out = last ? o.out : o.width,
                                          .kernel = o.kernel,
                                          .zero = last && o.zero},
                         rng);
      if (!last) norms.emplace_back(LayerNormOptions{.channels = o.width});
    }
  }

  template <ValueOf<T> X>
  X operator()(const X& x, DropoutCalls& dropout) const {
    X h = convs[0](x);
    for (std::size_t i = 0; i < norms.size(); ++i) {
      h = norms[i](h);
      h = convs[i + 1](dropout(0.1 * h + 0.9 * relu(h), dropout_));
    }
    return h;
  }

  FOGLIFT_CHILDREN(convs, norms);

 private:
  double dropout_;
};

}  // namespace foglift::inline v0::nn
