#pragma once

#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/autograd/ops/embedding.hpp"
#include "foglift/autograd/ops/linear.hpp"
#include "foglift/autograd/ops/loss.hpp"
#include "foglift/autograd/ops/shape_ops.hpp"
#include "foglift/autograd/ops/straight_through.hpp"
#include "foglift/nn/init.hpp"
#include "foglift/nn/module.hpp"

#include <cmath>
#include <span>
#include <vector>

namespace foglift {
inline namespace v0 {
namespace nn {

struct QuantizerOptions {
  Index codes = 512;         ///< entries of the codebook
  Index width = 0;           ///< numbers of a code
  double commitment = 0.25;  ///< beta: weight of the commitment loss
};

/// What a quantizer returns.
template <Value X>
struct QuantizerOutput {
  X quantized;               ///< like the input: its nearest codes
  std::vector<Index> codes;  ///< one a vector of the input, in row-major order
  X loss;                    ///< [], for training: codebook loss + beta commitment loss
};

/// Vector quantizer (van den Oord et al. 2017, "Neural discrete representation learning", eq. 3):
/// each vector z of the last axis becomes its nearest code e, with the gradient passed straight
/// through to z; the loss is |sg(z) - e|^2 + beta |z - sg(e)|^2, means over all numbers. Codes
/// start uniform within 1 / codes.
template <Scalar T = float>
class Quantizer {
 public:
  using value_type = T;
  using Options = QuantizerOptions;

  Parameter<T> codebook;  ///< [codes, width]

  /// Throws ArgumentError for an extent that is not positive or a negative weight.
  explicit Quantizer(const Options& o, Rng& rng) : options_(o) {
    detail::need_positive("Quantizer", "codes", o.codes);
    detail::need_positive("Quantizer", "width", o.width);
    if (!(o.commitment >= 0))
      raise<ArgumentError>("Quantizer: commitment = ", o.commitment, ", must not be negative");
    codebook = uniform_parameter<T>({o.codes, o.width}, 1 / static_cast<double>(o.codes), rng);
  }

  const Options& options() const { return options_; }

  /// z [..., width], not empty. Throws ShapeError for another width.
  template <ValueOf<T> X>
  QuantizerOutput<X> operator()(const X& z) const {
    const Shape& shape = value_of(z).shape();
    std::vector<Index> codes = nearest(value_of(z));
    const X e = reshape(embedding(use(codebook, z), std::span<const Index>(codes)), shape);
    const X loss = mse(e, value_of(z)) + mse(z, value_of(e)) * options_.commitment;
    return {straight_through(z, value_of(e)), std::move(codes), loss};
  }

  /// The nearest code of each vector of z [..., width]; of equally near ones the first.
  std::vector<Index> nearest(const Tensor<T>& z) const {
    check(z.shape());
    // |z - e|^2 = |z|^2 - 2 (z e - |e|^2 / 2): the largest of the products that are less half |e|^2
    const Index K = options_.codes, D = options_.width;
    Tensor<T> half({K});
    for (Index k = 0; k < K; ++k)
      for (Index c = 0; c < D; ++c) half[k] -= codebook.value(k, c) * codebook.value(k, c) / 2;
    const Tensor<T> score =
        linear(reshape(z, {z.size() / D, D}), transpose(codebook.value, 0, 1), half);
    std::vector<Index> codes;
    for (Index i = 0; i < score.dim(0); ++i) {
      const T* const row = score.data() + i * K;
      codes.push_back(std::max_element(row, row + K) - row);
    }
    return codes;
  }

  /// The vectors of codes, as `shape` [..., width]. Throws ArgumentError for a code outside the
  /// book, ShapeError if the shape holds another number of vectors.
  Tensor<T> decode(std::span<const Index> codes, const Shape& shape) const {
    return reshape(embedding(codebook.value, codes), shape);
  }

  static void each(auto& self, auto&& f) { f("codebook", self.codebook); }

 private:
  void check(const Shape& z) const {
    if (z.rank() < 1 || z.dim(-1) != options_.width)
      raise<ShapeError>("Quantizer: input ", z, ", expected [..., ", options_.width, "]");
  }

  Options options_;
};

/// How often each of `entries` codes is used. Throws ArgumentError for a code outside.
inline std::vector<Index> code_usage(std::span<const Index> codes, Index entries) {
  std::vector<Index> counts(static_cast<std::size_t>(std::max<Index>(entries, 0)), 0);
  for (const Index code : codes) {
    if (code < 0 || code >= entries)
      raise<ArgumentError>("code_usage: code ", code, " of ", entries, " entries");
    ++counts[static_cast<std::size_t>(code)];
  }
  return counts;
}

/// exp of the entropy of the usage: the number of codes that would be used if all were used alike;
/// 0 without codes.
inline double code_perplexity(std::span<const Index> usage) {
  double total = 0, entropy = 0;
  for (const Index n : usage) total += static_cast<double>(n);
  if (total == 0) return 0;
  for (const Index n : usage)
    if (n > 0) entropy -= static_cast<double>(n) / total * std::log(static_cast<double>(n) / total);
  return std::exp(entropy);
}

}  // namespace nn
}  // namespace v0
}  // namespace foglift
