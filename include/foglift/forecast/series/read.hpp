#pragma once

#include "foglift/core/file.hpp"
#include "foglift/forecast/series/read/options.hpp"
#ifndef FOGLIFT_COMPILED
#include "foglift/forecast/series/read/panel_of.hpp"
#endif

#include <cstdint>
#include <string>
#include <string_view>

namespace foglift::inline v0::forecast {

/// The panel that CSV-like text holds: its table, dates, series and what is known beside them are
/// found out where the options do not say them; docs/forecasting.md has what is recognised. Errors
/// and guesses name the options. Throws FormatError, beginning with `source` (and the line), for
/// text that has no dates or nothing to forecast, and for rows that make no regular series.
/// Programs that link foglift::compiled find it there.
#ifdef FOGLIFT_COMPILED
Reading parse_panel(std::string_view text, const ReadOptions& options = {},
                    std::string_view source = "text");
#else
inline Reading parse_panel(std::string_view text, const ReadOptions& options = {},
                           std::string_view source = "text") {
  return detail::panel_of(text, options, source);
}
#endif

/// parse_panel of a file.
inline Reading read_panel(const std::string& path, const ReadOptions& options = {}) {
  return parse_panel(read_file(path, std::uint64_t{1} << 40), options, path);
}

}  // namespace foglift::inline v0::forecast
