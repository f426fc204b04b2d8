// The definitions behind the `extern template` lines of the headers: see FOGLIFT_COMPILED there.
#include "foglift/kernels/attention_backward.hpp"
#include "foglift/kernels/conv_backward.hpp"
#include "foglift/kernels/gemm.hpp"
#include "foglift/kernels/winograd.hpp"

namespace foglift {
inline namespace v0 {
namespace kernels {

template class Panels<float>;
template class Panels<double>;
template void gemm(Index, Index, Operand<float>, const Panels<float>&, Index, float*, Index,
                   const GemmOptions<float>&);
template void gemm(Index, Index, Operand<double>, const Panels<double>&, Index, double*, Index,
                   const GemmOptions<double>&);

template struct ConvSource<float>;
template struct ConvSource<double>;
template void conv(const ConvGeometry&, const ConvSource<float>&, const float*,
                   const ConvEnd<float>&, float*);
template void conv(const ConvGeometry&, const ConvSource<double>&, const double*,
                   const ConvEnd<double>&, double*);
template void conv_backward_input(const ConvGeometry&, const float*, const float*, float*);
template void conv_backward_input(const ConvGeometry&, const double*, const double*, double*);
template void conv_backward_weight(const ConvGeometry&, const ConvSource<float>&, const float*,
                                   float*);
template void conv_backward_weight(const ConvGeometry&, const ConvSource<double>&, const double*,
                                   double*);

template class WinogradWeights<float, 1>;
template class WinogradWeights<float, 2>;
template class WinogradWeights<double, 1>;
template class WinogradWeights<double, 2>;
template void winograd_conv(const ConvGeometry&, Index, const float*,
                            const WinogradWeights<float, 1>&, const ConvEnd<float>&, float*);
template void winograd_conv(const ConvGeometry&, Index, const float*,
                            const WinogradWeights<float, 2>&, const ConvEnd<float>&, float*);
template void winograd_conv(const ConvGeometry&, Index, const double*,
                            const WinogradWeights<double, 1>&, const ConvEnd<double>&, double*);
template void winograd_conv(const ConvGeometry&, Index, const double*,
                            const WinogradWeights<double, 2>&, const ConvEnd<double>&, double*);

template void attention(const AttentionGeometry&, Tokens<const float>, Tokens<const float>,
                        Tokens<const float>, const AttentionMask<float>&, Tokens<float>, float*);
template void attention(const AttentionGeometry&, Tokens<const double>, Tokens<const double>,
                        Tokens<const double>, const AttentionMask<double>&, Tokens<double>,
                        double*);
template void attention_backward(const AttentionGeometry&, Tokens<const float>, Tokens<const float>,
                                 Tokens<const float>, const AttentionMask<float>&, const float*,
                                 Tokens<const float>, Tokens<float>, Tokens<float>, Tokens<float>);
template void attention_backward(const AttentionGeometry&, Tokens<const double>,
                                 Tokens<const double>, Tokens<const double>,
                                 const AttentionMask<double>&, const double*, Tokens<const double>,
                                 Tokens<double>, Tokens<double>, Tokens<double>);

template void winograd_backward_weight<1>(const ConvGeometry&, const float*, const float*, float*);
template void winograd_backward_weight<2>(const ConvGeometry&, const float*, const float*, float*);
template void winograd_backward_weight<1>(const ConvGeometry&, const double*, const double*,
                                          double*);
template void winograd_backward_weight<2>(const ConvGeometry&, const double*, const double*,
                                          double*);

}  // namespace kernels
}  // namespace v0
}  // namespace foglift
