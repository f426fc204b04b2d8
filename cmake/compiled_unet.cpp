// See foglift/core/instances.hpp.
#include "foglift/nn/nets/unet.hpp"

namespace foglift {
inline namespace v0 {
namespace nn {

FOGLIFT_FOR_SCALARS(FOGLIFT_NN_UNET, template);

}  // namespace nn
}  // namespace v0
}  // namespace foglift
