#pragma once

#include "foglift/kernels/conv_source.hpp"
#include "foglift/kernels/winograd.hpp"

#include <algorithm>
#include <type_traits>

namespace foglift {
inline namespace v0 {
namespace kernels {

namespace detail {

/// Whether a convolution goes by Winograd's algorithm. Of automatic ones, float's where it was
/// measured to win: with 64 channels and more on both sides, at 4 tiles and more a sample that save
/// half of the products and more. Never by the batch, on which no sample's bits may depend.
template <Scalar T>
bool by_winograd(const ConvGeometry& g) {
  if (g.kh != 3 || g.kw != 3 || g.stride != 1 || g.dilation != 1) return false;
  if (g.algorithm != ConvAlgorithm::automatic) return g.algorithm == ConvAlgorithm::winograd;
  const Index tiles = WinogradTiles<T>::tiles_a_sample(g);
  return std::is_same_v<T, float> && g.Cin >= 64 && g.Cout >= 64 && tiles >= 4 &&
         2 * winograd::points * tiles <= 9 * g.out_h() * g.out_w();
}

/// conv by Winograd's algorithm. Parallel over groups of samples with the tiles of a block, or
/// within the only one.
template <Scalar T>
void conv_by_winograd(const ConvGeometry& g, const ConvSource<T>& source, const T* w,
                      const ConvEnd<T>& end, T* y) {
  const WinogradWeights<T> weights(g.Cin, g.Cout, w);
  const Index tiles = WinogradTiles<T>::tiles_a_sample(g);
  const Index block = (WinogradTiles<T>::block(g) + tiles - 1) / tiles;
  const Index share = (g.B + threads() - 1) / threads();
  const Index group = std::clamp<Index>(share, 1, block);
  parallel_for((g.B + group - 1) / group, grain_for(group * g.multiply_adds() / 4), [&](Index i) {
    const Index first = i * group, samples = std::min(group, g.B - first);
    auto padded = Tensor<T>::uninitialized({samples, g.padded_size()});
    parallel_for(samples, grain_of(g.padded_size()),
                 [&](Index b) { source.fill(g, first + b, padded.data() + b * g.padded_size()); });
    const Index from = first * g.output_size();
    const ConvEnd<T> rest{.bias = end.bias ? end.bias + first * end.bias_stride : nullptr,
                          .bias_stride = end.bias_stride,
                          .residual = end.residual ? end.residual + from : nullptr};
    winograd_conv(g, samples, padded.data(), weights, rest, y + from);
  });
}

}  // namespace detail

}  // namespace kernels
}  // namespace v0
}  // namespace foglift
