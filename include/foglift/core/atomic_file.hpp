#pragma once

#include "foglift/core/error.hpp"
#include "foglift/core/file.hpp"
#include "foglift/core/part_file.hpp"

#include <cerrno>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace foglift::inline v0 {

/// Replaces a file as a whole: a reader, and whoever comes after a crash, sees the old bytes or the
/// new ones and never a mixture. Bytes go to a new file in the same folder, named
/// TARGET.HOST.PROCESS.NUMBER.part; commit() makes them durable and renames it over the target,
/// which keeps its permissions. Without commit() the new file is removed and the target stays as it
/// was; what a killed process leaves is removed by the next writer of the same target. Calls that a
/// signal interrupts are made again. Every failure throws FormatError with the path and the
/// system's reason.
class AtomicFile {
 public:
  explicit AtomicFile(std::string path) : path_(std::move(path)) {
    struct stat old = {};
    const bool exists = ::stat(path_.c_str(), &old) == 0;
    // A rename would replace a device or a link itself instead of writing to it.
    if (exists && !S_ISREG(old.st_mode)) raise<FormatError>(path_, ": not a regular file");
    if (::lstat(path_.c_str(), &old) == 0 && S_ISLNK(old.st_mode))
      raise<FormatError>(path_, ": is a symbolic link; name the file it points to");
    part_.emplace(path_);
    part_->sweep_others(path_);
    const auto keep = [&] { return ::fchmod(part_->descriptor(), old.st_mode & 07777); };
    if (exists && uninterrupted(keep) != 0) fail("keep the permissions of");
  }

  void write(const void* from, std::size_t count) {
    if (!part_) raise<ArgumentError>("AtomicFile::write: ", path_, " is already closed");
    const char* at = static_cast<const char*>(from);
    while (count > 0) {
      const ssize_t put = uninterrupted([&] { return ::write(part_->descriptor(), at, count); });
      if (put < 0) fail("write");
      at += put;
      count -= static_cast<std::size_t>(put);
    }
  }
  void write(std::string_view text) { write(text.data(), text.size()); }

  /// Puts the file in place. After the rename only the sync of the folder can fail: then the new
  /// file is there, but a loss of power could bring the old one back.
  void commit() {
    if (!part_) raise<ArgumentError>("AtomicFile::commit: ", path_, " is already closed");
    if (uninterrupted([this] { return ::fsync(part_->descriptor()); }) != 0) fail("sync");
    if (!part_->replace(path_)) fail("replace");
    part_.reset();
    sync_folder();
  }

 private:
  void sync_folder() {
    const std::string folder = detail::PartFile::split(path_).first;
    const int fd =
        uninterrupted([&] { return ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
    if (fd < 0) {
      if (errno == EACCES) return;  // a folder one may write to but not list
      raise_errno(path_, "open the folder of");
    }
    // EINVAL: the file system has no such
    const bool synced = uninterrupted([&] { return ::fsync(fd); }) == 0 || errno == EINVAL;
    const int code = errno;
    ::close(fd);
    errno = code;
    if (!synced) raise_errno(path_, "sync the folder of");
  }

  [[noreturn]] void fail(std::string_view action) {
    const int code = errno;
    part_.reset();
    errno = code;
    raise_errno(path_, action);
  }

  std::string path_;
  std::optional<detail::PartFile> part_;  // until it is in place
};

/// Replaces the file at `path` by `bytes`, as a whole or not at all.
inline void write_file(const std::string& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

}  // namespace foglift::inline v0
