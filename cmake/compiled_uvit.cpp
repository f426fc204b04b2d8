// See foglift/core/instances.hpp.
#include "foglift/nn/nets/uvit.hpp"

namespace foglift {
inline namespace v0 {
namespace nn {

FOGLIFT_FOR_SCALARS(FOGLIFT_NN_UVIT, template);

}  // namespace nn
}  // namespace v0
}  // namespace foglift
