// See foglift/core/instances.hpp.
#include "foglift/kernels/norm/norm.hpp"
#include "foglift/kernels/norm/row_norm.hpp"

namespace foglift::inline v0::kernels {

FOGLIFT_FOR_SCALARS(FOGLIFT_KERNELS_GROUP_STATISTICS, template);
FOGLIFT_FOR_SCALARS(FOGLIFT_KERNELS_NORM, template);
FOGLIFT_FOR_SCALARS(FOGLIFT_KERNELS_ROW_NORM, template);

}  // namespace foglift::inline v0::kernels
