// See foglift/core/instances.hpp.
#include "foglift/probe/probes/logistic.hpp"
#include "foglift/probe/probes/ridge.hpp"

namespace foglift::inline v0::probe {

FOGLIFT_FOR_SCALARS(FOGLIFT_PROBE_LOGISTIC, template);
FOGLIFT_FOR_SCALARS(FOGLIFT_PROBE_RIDGE, template);

}  // namespace foglift::inline v0::probe
