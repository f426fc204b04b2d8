// See foglift/core/instances.hpp.
#include "foglift/autograd/ops/blur.hpp"
#include "foglift/autograd/ops/dropout.hpp"
#include "foglift/autograd/ops/embedding.hpp"
#include "foglift/autograd/ops/loss.hpp"
#include "foglift/autograd/ops/matmul.hpp"
#include "foglift/autograd/ops/reduce.hpp"
#include "foglift/autograd/ops/resample.hpp"
#include "foglift/autograd/ops/shape_ops.hpp"
#include "foglift/autograd/ops/softmax.hpp"

namespace foglift::inline v0 {

FOGLIFT_FOR_VALUES(FOGLIFT_OPS_BLUR, template);
FOGLIFT_FOR_VALUES(FOGLIFT_OPS_DROPOUT, template);
FOGLIFT_FOR_VALUES(FOGLIFT_OPS_EMBEDDING, template);
FOGLIFT_FOR_VALUES(FOGLIFT_OPS_LOSS, template);
FOGLIFT_FOR_VALUES(FOGLIFT_OPS_MATMUL, template);
FOGLIFT_FOR_VALUES(FOGLIFT_OPS_REDUCE, template);
FOGLIFT_FOR_VALUES(FOGLIFT_OPS_RESAMPLE, template);
FOGLIFT_FOR_VALUES(FOGLIFT_OPS_SHAPE_OPS, template);
FOGLIFT_FOR_VALUES(FOGLIFT_OPS_SOFTMAX, template);

}  // namespace foglift::inline v0
