#pragma once

#include "model.hpp"
#include "options.hpp"

#include <memory>
#include <string>

namespace tool {

/// A file with a model of this program.
struct SavedModel {
  std::string path;
  Json config;  ///< what the program keeps beside the weights: options, plan, sha256 of the rows
  Index step = 0, weights = 0;
  std::shared_ptr<const foglift::io::Checkpoint> file;
};

/// Throws FormatError for what is no such file.
SavedModel open_model(const std::string& path);

}  // namespace tool
