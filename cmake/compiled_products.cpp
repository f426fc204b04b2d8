// See foglift/core/instances.hpp.
#include "foglift/kernels/attention/backward.hpp"
#include "foglift/kernels/gemm/gemm.hpp"

namespace foglift::inline v0::kernels {

FOGLIFT_FOR_SCALARS(FOGLIFT_KERNELS_GEMM, template);
FOGLIFT_FOR_SCALARS(FOGLIFT_KERNELS_ATTENTION, template);
FOGLIFT_FOR_SCALARS(FOGLIFT_KERNELS_ATTENTION_BACKWARD, template);

}  // namespace foglift::inline v0::kernels
