// See foglift/forecast/baselines/list.hpp.
#include "foglift/forecast/baselines/arima.hpp"
#include "foglift/forecast/baselines/autoregression.hpp"
#include "foglift/forecast/baselines/climatology.hpp"
#include "foglift/forecast/baselines/drift.hpp"
#include "foglift/forecast/baselines/ets.hpp"
#include "foglift/forecast/baselines/list.hpp"
#include "foglift/forecast/baselines/mstl.hpp"
#include "foglift/forecast/baselines/recent_walk.hpp"
#include "foglift/forecast/baselines/theta.hpp"

namespace foglift::inline v0::forecast {

extern constinit const std::array<Baseline, 10> baselines = FOGLIFT_FORECAST_BASELINES;

}  // namespace foglift::inline v0::forecast
