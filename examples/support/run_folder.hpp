#pragma once

#include "foglift/core/atomic_file.hpp"

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

/// The folder of a run's results, all of them or none: files are written into a folder within it
/// and renamed at the end, so that the results of before stand until the new ones are whole.
class RunFolder {
 public:
  /// A file or folder that can not be written, which ends a program with status 3.
  struct Unwritable : foglift::Error {
    using Error::Error;
  };

  /// Throws Unwritable, without leaving anything, if results could not be put there, and
  /// ArgumentError with `advice` if the first of `results` that there is must not be replaced.
  static void require(const std::string& out, const std::vector<std::string>& results,
                      bool overwrite, const std::string& advice) {
    std::error_code none;
    std::filesystem::path parent = std::filesystem::absolute(out, none);
    while (!std::filesystem::exists(parent, none) && parent.has_relative_path())
      parent = parent.parent_path();
    if (!std::filesystem::is_directory(parent, none)) fail(out, parent.string() + " is a file");
    if (::access(parent.c_str(), W_OK | X_OK) != 0)
      fail(out, std::generic_category().message(errno));
    if (overwrite) return;
    for (const std::string& name : results)
      if (std::filesystem::exists(std::filesystem::path(out) / name, none))
        foglift::raise<foglift::ArgumentError>((std::filesystem::path(out) / name).string(),
                                               " exists; ", advice);
  }

  /// Makes the folder. Throws Unwritable if that fails, or another run writes there now.
  explicit RunFolder(std::string out) : out_(std::move(out)), staged_(out_ / ".unfinished") {
    std::error_code failed;
    std::filesystem::create_directories(out_, failed);
    if (failed) fail(out_.string(), "can not make this folder: " + failed.message());
    lock_ = ::open(out_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock_ >= 0 && ::flock(lock_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      ::close(lock_);
      fail(out_.string(), "another run writes into this folder now");
    }
    std::filesystem::remove_all(staged_, failed);  // of a run that was killed
    std::filesystem::create_directory(staged_, failed);
    if (failed) {
      ::close(lock_);
      fail(out_.string(), failed.message());
    }
  }
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;
  ~RunFolder() {
    std::error_code none;
    std::filesystem::remove_all(staged_, none);
    if (lock_ >= 0) ::close(lock_);
  }

  /// Where files of this run are until `commit`.
  std::string staged() const { return staged_.string(); }
  std::string path(const std::string& name) const { return (out_ / name).string(); }

  /// Writes a file that is put in place by `commit`.
  void write(const std::string& name, std::string_view bytes) const {
    try {
      foglift::write_file((staged_ / name).string(), bytes);
    } catch (const foglift::FormatError& error) {
      throw Unwritable(error.what());
    }
  }
  /// Writes a file that counts at once: what an interrupted run goes on from.
  void write_now(const std::string& name, std::string_view bytes) const {
    try {
      foglift::write_file(path(name), bytes);
    } catch (const foglift::FormatError& error) {
      throw Unwritable(error.what());
    }
  }

  /// Puts all files in place, and takes `gone` and those of `obsolete` that are not among them
  /// away. Returns their names, in order.
  std::vector<std::string> commit(const std::vector<std::string>& obsolete) const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(staged_))
      names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    std::error_code failed;
    for (const std::string& name : names) {
      std::filesystem::rename(staged_ / name, out_ / name, failed);
      if (failed) fail(path(name), failed.message());
    }
    for (const std::string& name : obsolete)
      if (!std::binary_search(names.begin(), names.end(), name))
        std::filesystem::remove(out_ / name, failed);
    return names;
  }

 private:
  [[noreturn]] static void fail(const std::string& path, const std::string& why) {
    throw Unwritable(path + ": " + why);
  }

  std::filesystem::path out_, staged_;
  int lock_ = -1;
};
