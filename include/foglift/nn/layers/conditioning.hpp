#pragma once

#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/nn/layers/chunk.hpp"
#include "foglift/nn/layers/linear.hpp"
#include "foglift/nn/layers/norm.hpp"

namespace foglift::inline v0::nn {

/// x (1 + scale) + shift, with a scale and a shift that broadcast to x.
template <Value X>
X modulate(const X& x, const X& shift, const X& scale) {
  return x * (scale + scalar_of<X>(1)) + shift;
}

struct FilmOptions {
  Index channels = 0;   ///< of x
  Index condition = 0;  ///< features of the conditioning vector
  bool zero = false;    ///< start as the identity
};

/// Feature-wise linear modulation (Perez et al. 2018): x [B, ..., channels], c [B, condition] ->
/// x (1 + scale(c)) + shift(c), linear in c; the output of `linear` is [shift | scale].
template <Scalar T = float>
class Film : public Layer<T, FilmOptions> {
 public:
  Linear<T> linear;

  explicit Film(const FilmOptions& o, Rng& rng)
      : linear({.in = o.condition, .out = 2 * o.channels, .zero = o.zero}, rng) {}

  template <ValueOf<T> X>
  X operator()(const X& x, const X& c) const {
    const X both = per_sample(linear(c), x.rank());
    return modulate(x, chunk(both, 0, 2), chunk(both, 1, 2));
  }

  FOGLIFT_CHILDREN(linear);
};

struct AdaLayerNormOptions {
  Index channels = 0;
  Index condition = 0;
  double eps = 1e-6;
  bool zero = false;  ///< start as a plain layer normalization
};

/// Adaptive layer normalization: LayerNorm without gain and shift of its own, then FiLM.
template <Scalar T = float>
class AdaLayerNorm : public Layer<T, AdaLayerNormOptions> {
 public:
  LayerNorm<T> norm;
  Film<T> film;

  explicit AdaLayerNorm(const AdaLayerNormOptions& o, Rng& rng)
      : norm({.channels = o.channels, .eps = o.eps, .affine = false}),
        film({.channels = o.channels, .condition = o.condition, .zero = o.zero}, rng) {}

  template <ValueOf<T> X>
  X operator()(const X& x, const X& c) const {
    return norm(x, film.linear(c), 0, 1);
  }

  FOGLIFT_CHILDREN(film);
};

}  // namespace foglift::inline v0::nn
