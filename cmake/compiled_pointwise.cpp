// See foglift/core/instances.hpp.
#include "foglift/autograd/ops/activation.hpp"
#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/autograd/ops/gated.hpp"

namespace foglift::inline v0 {

FOGLIFT_FOR_VALUES(FOGLIFT_OPS_ARITHMETIC, template);
FOGLIFT_FOR_VALUES(FOGLIFT_OPS_ACTIVATION, template);
FOGLIFT_FOR_VALUES(FOGLIFT_OPS_GATED, template);

}  // namespace foglift::inline v0
