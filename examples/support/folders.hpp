#pragma once

#include "foglift/core/error.hpp"

#include <filesystem>
#include <initializer_list>
#include <string>
#include <system_error>

/// A file of examples/data: where it was when the program was built, or beside the program.
inline std::string shipped_file(const std::string& name) {
  namespace fs = std::filesystem;
  std::error_code none;
  const fs::path program = fs::read_symlink("/proc/self/exe", none).parent_path();
  for (const fs::path& folder : {fs::path(FOGLIFT_EXAMPLE_DATA), program / "data", program})
    if (fs::exists(folder / name, none)) return folder / name;
  foglift::raise<foglift::FormatError>(name, ": not found beside the program; name a file");
}

/// Makes the folder for results. Throws FormatError if that fails, ArgumentError naming the first
/// of `results` that is already there and what to do about it.
inline void make_results_folder(const std::string& out, std::initializer_list<const char*> results,
                                bool overwrite, const char* advice) {
  namespace fs = std::filesystem;
  std::error_code failed;
  fs::create_directories(out, failed);
  if (failed)
    foglift::raise<foglift::FormatError>(out, ": can not make this folder: ", failed.message());
  for (const char* name : results)
    if (!overwrite && fs::exists(fs::path(out) / name))
      foglift::raise<foglift::ArgumentError>(out, "/", name, " exists; ", advice);
}
