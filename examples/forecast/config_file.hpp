#pragma once

#include <string>

#include <nlohmann/json.hpp>

/// Options of a program in a file: a flat TOML document, or a JSON object.
namespace config {

using Json = nlohmann::ordered_json;

/// A flat object as TOML, a line for each key.
std::string toml(const Json& table);

/// The object in a file: JSON if it begins with a brace, else TOML. Throws FormatError naming the
/// place of what can not be read.
Json read(const std::string& path);

}  // namespace config
