#pragma once

#include "foglift/core/autocast.hpp"
#include "foglift/kernels/conv/source.hpp"
#include "foglift/kernels/conv/winograd.hpp"
#include "foglift/kernels/conv/winograd_rows.hpp"

#include <algorithm>
#include <type_traits>

namespace foglift::inline v0::kernels {

namespace detail {

/// Along how many axes a convolution goes by Winograd's algorithm; 0: it does not. Of automatic
/// ones, float's where it was measured to win: along two axes, with 64 channels and more on both
/// sides, at 4 tiles and more a sample that save half of the products and more; along one, with 32
/// channels, at 4 tiles that save a third, unless the machine multiplies pairs of bfloat16 and is
/// asked to. Never by the batch, on which no sample's bits may depend.
template <Scalar T>
int winograd_axes(const ConvGeometry& g) {
  const bool fits = g.kw == 3 && (g.kh == 3 || g.kh == 1) && g.stride == 1 && g.dilation == 1;
  if (!fits || g.algorithm == ConvAlgorithm::direct) return 0;
  const int axes = g.kh == 3 ? 2 : 1;
  if (g.algorithm == ConvAlgorithm::winograd) return axes;
  const Index channels = std::min(g.Cin, g.Cout), outputs = g.out_h() * g.out_w();
  const Index tiles =
      axes == 1 ? WinogradTiles<T, 1>::tiles_a_sample(g) : WinogradTiles<T, 2>::tiles_a_sample(g);
  if (!std::is_same_v<T, float> || tiles < 4) return 0;
  if (axes == 1 && pair_products && Autocast::current() == ProductType::bfloat16) return 0;
  const bool wins = axes == 1 ? channels >= 32 && 3 * winograd::points<1> * tiles <= 6 * outputs
                              : channels >= 64 && 2 * winograd::points<2> * tiles <= 9 * outputs;
  return wins ? axes : 0;
}

/// Whether products of bfloat16 are asked for and a convolution goes by F(4, 3) along its rows in
/// them: of automatic ones, where the machine multiplies pairs, tiles save a third of the products,
/// and it was measured to win, with 32 channels and more on both sides, 128 where the kernel is one
/// row. Never by the batch.
template <Scalar T>
bool winograd_in_pairs(const ConvGeometry& g) {
  const bool fits = g.kw == 3 && g.stride == 1 && g.dilation == 1 && g.Cin % 2 == 0;
  if (!fits || Autocast::current() != ProductType::bfloat16) return false;
  if (g.algorithm != ConvAlgorithm::automatic) return g.algorithm == ConvAlgorithm::winograd;
  const Index tiles = WinogradRowBlocks<T>::tiles_across(g);
  return pair_products && std::min(g.Cin, g.Cout) >= (g.kh == 1 ? 128 : 32) &&
         winograd::inputs * tiles <= 2 * g.out_w();
}

/// conv by an algorithm of Winograd's. Parallel over groups of samples with the pieces of a block,
/// or within the only one.
template <class Blocks, Scalar T>
void conv_by_winograd(const ConvGeometry& g, const ConvSource<T>& source, const T* w,
                      const ConvEpilogue<T>& end, T* y) {
  const auto weights = Blocks::weights(g, w);
  const Index pieces = Blocks::pieces_a_sample(g);
  const Index block = (Blocks::block(g) + pieces - 1) / pieces;
  const Index share = (g.B + threads() - 1) / threads();
  const Index group = std::clamp<Index>(share, 1, block);
  parallel_for((g.B + group - 1) / group, grain_for(group * g.multiply_adds() / 4), [&](Index i) {
    const Index first = i * group, samples = std::min(group, g.B - first);
    auto padded = Tensor<T>::uninitialized({samples, g.padded_size()});
    parallel_for(samples, grain_of(g.padded_size()),
                 [&](Index b) { source.fill(g, first + b, padded.data() + b * g.padded_size()); });
    const Index from = first * g.output_size();
    const ConvEpilogue<T> rest{.bias = end.bias ? end.bias + first * end.bias_stride : nullptr,
                               .bias_stride = end.bias_stride,
                               .residual = end.residual ? end.residual + from : nullptr};
    winograd_conv(g, samples, padded.data(), weights, rest, y + from);
  });
}

}  // namespace detail

}  // namespace foglift::inline v0::kernels
