#pragma once

#include "outcome.hpp"

namespace tool {

/// report.html: everything on a page of its own.
std::string html_report(const Outcome& r, const std::string& rerun);

}  // namespace tool
