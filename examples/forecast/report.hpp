#pragma once

#include "outcome.hpp"
#include "support/run_folder.hpp"

namespace tool {

/// Writes all that was found into the folder of a run. True if it could be drawn.
bool write(const RunFolder& folder, const Outcome& r, const std::string& rerun);

}  // namespace tool
