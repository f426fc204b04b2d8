// See foglift/forecast/series/read.hpp.
#include "foglift/forecast/series/read.hpp"
#include "foglift/forecast/series/read/panel_of.hpp"

namespace foglift::inline v0::forecast {

Reading parse_panel(std::string_view text, const ReadOptions& options, std::string_view source) {
  return detail::panel_of(text, options, source);
}

}  // namespace foglift::inline v0::forecast
