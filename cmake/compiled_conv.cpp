// See foglift/core/instances.hpp.
#include "foglift/kernels/conv/backward.hpp"
#include "foglift/kernels/conv/winograd.hpp"

namespace foglift::inline v0::kernels {

FOGLIFT_FOR_SCALARS(FOGLIFT_KERNELS_CONV_SOURCE, template);
FOGLIFT_FOR_SCALARS(FOGLIFT_KERNELS_CONV, template);
FOGLIFT_FOR_SCALARS(FOGLIFT_KERNELS_CONV_BACKWARD, template);
FOGLIFT_FOR_SCALARS(FOGLIFT_KERNELS_WINOGRAD_WEIGHTS, template);
FOGLIFT_FOR_SCALARS(FOGLIFT_KERNELS_WINOGRAD, template);
FOGLIFT_FOR_SCALARS(FOGLIFT_KERNELS_WINOGRAD_BACKWARD, template);

}  // namespace foglift::inline v0::kernels
