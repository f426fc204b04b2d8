// See foglift/core/instances.hpp.
#include "foglift/autograd/ops/attention.hpp"
#include "foglift/autograd/ops/conv.hpp"
#include "foglift/autograd/ops/fused_conv.hpp"
#include "foglift/autograd/ops/linear.hpp"
#include "foglift/autograd/ops/modulation.hpp"
#include "foglift/autograd/ops/norm.hpp"

namespace foglift::inline v0 {

FOGLIFT_FOR_VALUES(FOGLIFT_OPS_ATTENTION, template);
FOGLIFT_FOR_VALUES(FOGLIFT_OPS_CONV, template);
FOGLIFT_FOR_VALUES(FOGLIFT_OPS_FUSED_CONV, template);
FOGLIFT_FOR_VALUES(FOGLIFT_OPS_LINEAR, template);
FOGLIFT_FOR_VALUES(FOGLIFT_OPS_MODULATION, template);
FOGLIFT_FOR_VALUES(FOGLIFT_OPS_NORM, template);

}  // namespace foglift::inline v0
