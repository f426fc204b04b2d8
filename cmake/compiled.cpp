// The definitions behind the `extern template` lines of the headers: see FOGLIFT_COMPILED there.
#include "foglift/kernels/gemm.hpp"

namespace foglift {
inline namespace v0 {
namespace kernels {

template class Panels<float>;
template class Panels<double>;
template void gemm(Index, Index, Operand<float>, const Panels<float>&, Index, float*, Index,
                   const GemmOptions<float>&);
template void gemm(Index, Index, Operand<double>, const Panels<double>&, Index, double*, Index,
                   const GemmOptions<double>&);

}  // namespace kernels
}  // namespace v0
}  // namespace foglift
