#pragma once

#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/autograd/ops/embedding.hpp"
#include "foglift/autograd/ops/linear.hpp"
#include "foglift/autograd/ops/loss.hpp"
#include "foglift/autograd/ops/shape_ops.hpp"
#include "foglift/autograd/ops/straight_through.hpp"
#include "foglift/nn/layers/init.hpp"
#include "foglift/nn/module.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace foglift::inline v0::nn {

struct QuantizerOptions {
  Index codes = 512;         ///< entries of the codebook
  Index width = 0;           ///< numbers of a code
  double commitment = 0.25;  ///< beta: weight of the commitment loss
};

/// What a quantizer returns.
template <Value X>
struct QuantizerOutput {
  X quantized;          ///< like the input: its nearest codes
  Tensor<Index> codes;  ///< which they are: [...] for an input [..., width]
  X loss;               ///< [], for training: codebook loss + beta commitment loss
};

/// Vector quantizer (van den Oord et al. 2017, "Neural discrete representation learning", eq. 3):
/// each vector z of the last axis becomes its nearest code e, with the gradient passed straight
/// through to z; the loss is |sg(z) - e|^2 + beta |z - sg(e)|^2, means over all numbers. Codes
/// start uniform within 1 / codes.
template <Scalar T = float>
class Quantizer : public Layer<T, QuantizerOptions> {
 public:
  Parameter<T> codebook;  ///< [codes, width]

  /// Throws ArgumentError for an extent that is not positive or a negative weight.
  explicit Quantizer(const QuantizerOptions& o, Rng& rng) : options_(o) {
    detail::need_positive("Quantizer", {{"codes", o.codes}, {"width", o.width}});
    if (!(o.commitment >= 0))
      raise<ArgumentError>("Quantizer: commitment = ", o.commitment, ", must not be negative");
    codebook = uniform_parameter<T>({o.codes, o.width}, 1 / static_cast<double>(o.codes), rng);
  }

  const QuantizerOptions& options() const { return options_; }

  /// z [..., width], not empty. Throws ShapeError for another width.
  template <ValueOf<T> X>
  QuantizerOutput<X> operator()(const X& z) const {
    const Shape& shape = value_of(z).shape();
    Tensor<Index> codes = nearest(value_of(z));
    const X e = reshape(embedding(use(codebook, z), std::as_const(codes).span()), shape);
    const X loss = mse(e, value_of(z)) + mse(z, value_of(e)) * options_.commitment;
    return {straight_through(z, value_of(e)), std::move(codes), loss};
  }

  /// The nearest code of each vector of z [..., width], as [...]; of equally near ones the first.
  Tensor<Index> nearest(const Tensor<T>& z) const {
    check(z.shape());
    // |z - e|^2 = |z|^2 - 2 (z e - |e|^2 / 2): the largest of the products that are less half |e|^2
    const Index K = options_.codes, D = options_.width;
    Tensor<T> half({K});
    for (Index k = 0; k < K; ++k)
      for (Index c = 0; c < D; ++c) half[k] -= codebook.value(k, c) * codebook.value(k, c) / 2;
    const Tensor<T> score =
        linear(reshape(z, {z.size() / D, D}), transpose(codebook.value, 0, 1), half);
    auto codes = Tensor<Index>::uninitialized(z.shape().slice(0, z.rank() - 1));
    for (Index i = 0; i < codes.size(); ++i) {
      const T* const row = score.data() + i * K;
      codes[i] = std::max_element(row, row + K) - row;
    }
    return codes;
  }

  /// The vectors of codes [...] as [..., width]. Throws ArgumentError for a code outside the book.
  Tensor<T> decode(const Tensor<Index>& codes) const {
    std::vector<Index> extents(codes.shape().begin(), codes.shape().end());
    extents.push_back(options_.width);
    return reshape(embedding(codebook.value, codes.span()), Shape(extents.data(), extents.size()));
  }

  FOGLIFT_CHILDREN(codebook);

 private:
  void check(const Shape& z) const {
    if (z.rank() < 1 || z.dim(-1) != options_.width)
      raise<ShapeError>("Quantizer: input ", z, ", expected [..., ", options_.width, "]");
  }

  QuantizerOptions options_;
};

/// How often each of `entries` codes is used, [entries]. Throws ArgumentError for a code outside.
inline Tensor<Index> code_usage(const Tensor<Index>& codes, Index entries) {
  Tensor<Index> counts(Shape{entries});
  for (const Index code : codes) {
    if (code < 0 || code >= entries)
      raise<ArgumentError>("code_usage: code ", code, " of ", entries, " entries");
    ++counts[code];
  }
  return counts;
}

/// exp of the entropy of the usage: the number of codes that would be used if all were used alike;
/// 0 without codes.
inline double code_perplexity(const Tensor<Index>& usage) {
  double total = 0, entropy = 0;
  for (const Index n : usage) total += static_cast<double>(n);
  if (total == 0) return 0;
  for (const Index n : usage)
    if (n > 0) entropy -= static_cast<double>(n) / total * std::log(static_cast<double>(n) / total);
  return std::exp(entropy);
}

}  // namespace foglift::inline v0::nn
