// See foglift/core/instances.hpp.
#include "foglift/nn/nets/uvit.hpp"

namespace foglift::inline v0::nn {

FOGLIFT_FOR_SCALARS(FOGLIFT_NN_UVIT, template);

}  // namespace foglift::inline v0::nn
