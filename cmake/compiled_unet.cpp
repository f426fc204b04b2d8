// See foglift/core/instances.hpp.
#include "foglift/nn/nets/unet.hpp"

namespace foglift::inline v0::nn {

FOGLIFT_FOR_SCALARS(FOGLIFT_NN_UNET, template);

}  // namespace foglift::inline v0::nn
