#pragma once

#include <string>

#include <CLI/CLI.hpp>

/// Lets every option of an application that is a number refuse what is not written plainly. Newer
/// versions of CLI11 drop commas and other separators of thousands, and would take 1,5 for 15.
/// Called after the last option.
inline void require_plain_numbers(CLI::App& app) {
  const auto plain = [](const std::string& text) -> std::string {
    if (text.find_first_of(",'_ ") == std::string::npos) return {};
    return '"' + text +
           "\" is not a plain number; write it without separators, and with a point for decimals";
  };
  for (CLI::Option* option : app.get_options()) {
    const std::string type = option->get_type_name();
    if (type.find("INT") != std::string::npos || type.find("FLOAT") != std::string::npos)
      option->transform(CLI::Validator(plain, ""));  // stands before the checks of its range
  }
}
