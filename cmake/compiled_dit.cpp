// See foglift/core/instances.hpp.
#include "foglift/nn/nets/dit.hpp"
#include "foglift/nn/nets/mlp.hpp"

namespace foglift::inline v0::nn {

FOGLIFT_FOR_SCALARS(FOGLIFT_NN_DIT, template);
FOGLIFT_FOR_SCALARS(FOGLIFT_NN_MLP, template);

}  // namespace foglift::inline v0::nn
