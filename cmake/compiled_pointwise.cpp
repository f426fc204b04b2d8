// The definitions behind the `extern template` lines of the headers: see FOGLIFT_COMPILED there.
#include "foglift/kernels/norm.hpp"
#include "foglift/kernels/row_norm.hpp"

namespace foglift {
inline namespace v0 {
namespace kernels {

template void group_norm(const NormExtents&, const float*, const float*, const float*, double,
                         float*, double*, double*);
template void group_norm(const NormExtents&, const double*, const double*, const double*, double,
                         double*, double*, double*);
template void group_statistics(const NormExtents&, const Halves<const float>&, Index, double,
                               double*, double*);
template void group_statistics(const NormExtents&, const Halves<const double>&, Index, double,
                               double*, double*);
template void norm_silu_backward(const NormExtents&, const Halves<const float>&, const float*,
                                 const float*, const double*, const double*, float*);
template void norm_silu_backward(const NormExtents&, const Halves<const double>&, const double*,
                                 const double*, const double*, const double*, double*);
template void group_norm_backward(const NormExtents&, const Halves<const float>&, const float*,
                                  const double*, const double*, const float*, const Halves<float>&,
                                  float*, float*);
template void group_norm_backward(const NormExtents&, const Halves<const double>&, const double*,
                                  const double*, const double*, const double*,
                                  const Halves<double>&, double*, double*);
template void row_norm(RowNorm, Index, Index, const float*, const NormGain<float>&, double, float*,
                       double*, double*);
template void row_norm(RowNorm, Index, Index, const double*, const NormGain<double>&, double,
                       double*, double*, double*);
template void row_norm_backward(RowNorm, Index, Index, const float*, const NormGain<float>&,
                                const double*, const double*, const float*, float*, float*, float*,
                                Index);
template void row_norm_backward(RowNorm, Index, Index, const double*, const NormGain<double>&,
                                const double*, const double*, const double*, double*, double*,
                                double*, Index);

}  // namespace kernels
}  // namespace v0
}  // namespace foglift
