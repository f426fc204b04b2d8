#pragma once

#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/autograd/ops/reduce.hpp"
#include "foglift/nn/layers/quantizer.hpp"
#include "foglift/nn/nets/encoder.hpp"

namespace foglift::inline v0::nn {

struct AutoencoderOptions {
  ConvEncoderOptions codec = {};  ///< its `out` is the width of the latent
  Index codes = 512;              ///< of a VqAutoencoder's book
  double commitment = 0.25;       ///< of a VqAutoencoder, see QuantizerOptions
};

namespace detail {
/// Throws ShapeError unless the decoder gives back x's extents.
inline void check_codec_input(const char* net, const Shape& x, int dims,
                              const ConvEncoderOptions& o) {
  const Index factor = Index{1} << (o.multipliers.size() - 1);
  bool fits = x.rank() == dims + 2 && x.dim(-1) == o.in;
  for (int axis = 1; fits && axis <= dims; ++axis) fits = x[axis] > 0 && x[axis] % factor == 0;
  if (!fits)
    raise<ShapeError>(net, ": input ", x, ", expected [batch, ", dims, " extents divisible by ",
                      factor, ", ", o.in, "]");
}
}  // namespace detail

/// A normal law of each number of a latent, independent of each other.
template <Value X>
struct LatentLaw {
  X mean, log_variance;

  /// mean + exp(log_variance / 2) noise, for standard normals of the latent's shape.
  X sample(const Tensor<scalar_of<X>>& noise) const {
    return mean + exp(log_variance * 0.5) * constant(noise, mean);
  }
  /// KL(law || standard normal), of shape []: summed over a sample's numbers, the mean over samples
  /// (Kingma & Welling 2014, appendix B).
  X divergence() const {
    const X each = mean * mean + exp(log_variance) - log_variance;
    const auto n = static_cast<double>(value_of(mean).size());
    const auto B = static_cast<double>(value_of(mean).dim(0));
    return sum(each) * (0.5 / B) - 0.5 * n / B;
  }
};

/// Variational autoencoder with a latent at every position of a coarse grid, as diffusion in
/// latents uses it (Rombach et al. 2022): x [B, ..., in] -> law of z [B, ... / s, out] -> [B, ...,
/// in]. Train it by a reconstruction loss plus a small weight of the divergence.
template <int Dims, Scalar T = float>
class KlAutoencoder : public Layer<T, AutoencoderOptions> {
 public:
  ConvEncoder<Dims, T> encoder;  ///< gives [mean | log variance]
  ConvDecoder<Dims, T> decoder;

  /// Throws as ConvEncoder.
  explicit KlAutoencoder(const AutoencoderOptions& o, Rng& rng)
      : encoder(doubled(o.codec), rng), decoder(o.codec, rng), options_(o) {}

  /// Throws ShapeError unless all extents are multiples of s.
  template <ValueOf<T> X>
  LatentLaw<X> encode(const X& x) const {
    detail::check_codec_input("KlAutoencoder", value_of(x).shape(), Dims, options_.codec);
    const X both = encoder(x);
    return {chunk(both, 0, 2), chunk(both, 1, 2)};
  }
  template <ValueOf<T> X>
  X decode(const X& z) const {
    return decoder(z);
  }

  FOGLIFT_CHILDREN(encoder, decoder);

 private:
  static ConvEncoderOptions doubled(ConvEncoderOptions o) {
    o.out *= 2;
    o.pool = false;
    return o;
  }

  AutoencoderOptions options_;
};

/// Autoencoder with one of `codes` vectors at every position of a coarse grid (VQ-VAE; van den Oord
/// et al. 2017). Train it by a reconstruction loss of decode(encode(x).quantized) plus the
/// quantizer's loss.
template <int Dims, Scalar T = float>
class VqAutoencoder : public Layer<T, AutoencoderOptions> {
 public:
  ConvEncoder<Dims, T> encoder;
  Quantizer<T> quantizer;
  ConvDecoder<Dims, T> decoder;

  /// Throws as ConvEncoder and Quantizer.
  explicit VqAutoencoder(const AutoencoderOptions& o, Rng& rng)
      : encoder(unpooled(o.codec), rng),
        quantizer({.codes = o.codes, .width = o.codec.out, .commitment = o.commitment}, rng),
        decoder(o.codec, rng),
        options_(o) {}

  /// Throws ShapeError unless all extents are multiples of s.
  template <ValueOf<T> X>
  QuantizerOutput<X> encode(const X& x) const {
    detail::check_codec_input("VqAutoencoder", value_of(x).shape(), Dims, options_.codec);
    return quantizer(encoder(x));
  }
  template <ValueOf<T> X>
  X decode(const X& z) const {
    return decoder(z);
  }
  /// From codes [B, l] or [B, h, w]. Throws ArgumentError for a code outside the book.
  Tensor<T> decode(const Tensor<Index>& codes) const { return decoder(quantizer.decode(codes)); }

  FOGLIFT_CHILDREN(encoder, quantizer, decoder);

 private:
  static ConvEncoderOptions unpooled(ConvEncoderOptions o) {
    o.pool = false;
    return o;
  }

  AutoencoderOptions options_;
};

}  // namespace foglift::inline v0::nn
