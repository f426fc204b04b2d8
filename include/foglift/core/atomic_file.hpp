#pragma once

#include "foglift/core/error.hpp"
#include "foglift/core/file.hpp"

#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <stdio.h>  // rename
#include <sys/stat.h>
#include <unistd.h>

namespace foglift {
inline namespace v0 {

/// Replaces a file as a whole: a reader, and whoever comes after a crash, sees the old bytes or the
/// new ones and never a mixture. Bytes go to a new file in the same folder; commit() makes them
/// durable and renames it over the target, which keeps its permissions. Without commit() the
/// temporary file is removed and the target stays as it was. Every failure throws FormatError with
/// the path and the system's reason.
class AtomicFile {
 public:
  explicit AtomicFile(std::string path) : path_(std::move(path)) {
    struct stat old = {};
    const bool exists = ::stat(path_.c_str(), &old) == 0;
    // A rename would replace a device or a link itself instead of writing to it.
    if (exists && !S_ISREG(old.st_mode)) raise<FormatError>(path_, ": not a regular file");
    if (::lstat(path_.c_str(), &old) == 0 && S_ISLNK(old.st_mode))
      raise<FormatError>(path_, ": is a symbolic link; name the file it points to");
    open_temporary();
    if (exists && ::fchmod(fd_, old.st_mode & 07777) != 0) fail("keep the permissions of");
  }
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile() { discard(); }

  void write(const void* from, std::size_t count) {
    if (fd_ < 0) raise<ArgumentError>("AtomicFile::write: ", path_, " is already closed");
    const char* at = static_cast<const char*>(from);
    while (count > 0) {
      const ssize_t put = ::write(fd_, at, count);
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) fail("write");
      at += put;
      count -= static_cast<std::size_t>(put);
    }
  }
  void write(std::string_view text) { write(text.data(), text.size()); }

  /// Puts the file in place. After the rename only the sync of the folder can fail: then the new
  /// file is there, but a loss of power could bring the old one back.
  void commit() {
    if (fd_ < 0) raise<ArgumentError>("AtomicFile::commit: ", path_, " is already closed");
    if (::fsync(fd_) != 0) fail("sync");
    if (::close(std::exchange(fd_, -1)) != 0) fail("close");
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail("replace");
    temporary_.clear();
    sync_folder();
  }

 private:
  void open_temporary() {
    const std::string stem = path_ + '.' + std::to_string(::getpid()) + '.';
    for (int n = 0; n < max_tries; ++n) {
      temporary_ = stem + std::to_string(n) + ".part";
      fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (fd_ >= 0) return;
      if (errno != EEXIST) break;
    }
    temporary_.clear();
    raise_errno(path_, "create a temporary file for");
  }

  void sync_folder() {
    const std::size_t slash = path_.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : path_.substr(0, slash + 1);
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
      if (errno == EACCES) return;  // a folder one may write to but not list
      raise_errno(path_, "open the folder of");
    }
    const bool synced = ::fsync(fd) == 0 || errno == EINVAL;  // EINVAL: the file system has no such
    const int code = errno;
    ::close(fd);
    errno = code;
    if (!synced) raise_errno(path_, "sync the folder of");
  }

  [[noreturn]] void fail(std::string_view action) {
    const int code = errno;
    discard();
    errno = code;
    raise_errno(path_, action);
  }

  void discard() noexcept {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
    temporary_.clear();
  }

  static constexpr int max_tries = 10'000;  // writers of one path at one time in this process

  std::string path_;
  std::string temporary_;
  int fd_ = -1;
};

/// Replaces the file at `path` by `bytes`, as a whole or not at all.
inline void write_file(const std::string& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

}  // namespace v0
}  // namespace foglift
