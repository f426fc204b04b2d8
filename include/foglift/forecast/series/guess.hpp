#pragma once

#include "foglift/version.hpp"

#include <string>

namespace foglift::inline v0::forecast {

/// What was found out about data, why, and what overrules it.
struct Guess {
  std::string text;         ///< "target 'sales'"
  std::string reason = {};  ///< "its name says so"
  std::string option = {};  ///< "--target"

  /// One line for the console: "target 'sales' (its name says so); --target overrules".
  std::string line() const {
    return text + (reason.empty() ? "" : " (" + reason + ')') +
           (option.empty() ? "" : "; " + option + " overrules");
  }
};

}  // namespace foglift::inline v0::forecast
