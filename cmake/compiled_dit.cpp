// See foglift/core/instances.hpp.
#include "foglift/nn/nets/dit.hpp"
#include "foglift/nn/nets/mlp.hpp"

namespace foglift {
inline namespace v0 {
namespace nn {

FOGLIFT_FOR_SCALARS(FOGLIFT_NN_DIT, template);
FOGLIFT_FOR_SCALARS(FOGLIFT_NN_MLP, template);

}  // namespace nn
}  // namespace v0
}  // namespace foglift
