#pragma once

#include "foglift/core/error.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace foglift::inline v0 {

/// Throws FormatError "PATH: cannot ACTION: <text of errno>".
[[noreturn]] inline void raise_errno(std::string_view path, std::string_view action) {
  const int code = errno;
  raise<FormatError>(path, ": cannot ", action, ": ", std::generic_category().message(code));
}

/// What a system call returns that fails with -1, made again as often as a signal interrupts it.
/// Not for close, which has closed the descriptor by then, on Linux at least.
template <class Call>
auto uninterrupted(Call&& call) {
  for (;;)
    if (const auto result = call(); result != -1 || errno != EINTR) return result;
}

/// A regular file open for reading, with the size it had when it was opened. Pipes, devices and
/// folders are refused, so reading neither blocks nor lasts for ever. Throws FormatError naming the
/// path.
class InputFile {
 public:
  explicit InputFile(std::string path)
      : path_(std::move(path)), fd_(uninterrupted([this] {
          return ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        })) {
    if (fd_ < 0) raise_errno(path_, "open");
    try {
      inspect();
    } catch (...) {
      ::close(fd_);
      throw;
    }
  }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile() { ::close(fd_); }

  const std::string& path() const { return path_; }
  std::uint64_t size() const { return size_; }

  /// The next `count` bytes. Throws FormatError if the file ends before.
  void read(void* to, std::size_t count) {
    char* at = static_cast<char*>(to);
    while (count > 0) {
      const std::size_t got = read_some(at, count);
      if (got == 0) raise<FormatError>(path_, ": became shorter while it was read");
      at += got;
      count -= got;
    }
  }

  /// Throws FormatError if bytes are left: the file became longer while it was read.
  void finish() {
    char byte = 0;
    if (read_some(&byte, 1) > 0) raise<FormatError>(path_, ": became longer while it was read");
  }

 private:
  void inspect() {
    struct stat info = {};
    if (::fstat(fd_, &info) != 0) raise_errno(path_, "inspect");
    if (!S_ISREG(info.st_mode)) raise<FormatError>(path_, ": not a regular file");
    size_ = static_cast<std::uint64_t>(info.st_size);
  }

  /// Bytes read, at most `count`; 0 at the end.
  std::size_t read_some(char* to, std::size_t count) {
    const ssize_t got = uninterrupted([&] { return ::read(fd_, to, count); });
    if (got < 0) raise_errno(path_, "read");
    return static_cast<std::size_t>(got);
  }

  std::string path_;
  int fd_;
  std::uint64_t size_ = 0;
};

/// Bytes in memory with the reading interface of InputFile. A view; whoever reads must not ask for
/// more than there is.
class MemoryInput {
 public:
  explicit MemoryInput(std::span<const std::byte> bytes) : rest_(bytes) {}

  void read(void* to, std::size_t count) {
    if (count > 0) std::memcpy(to, rest_.data(), count);
    rest_ = rest_.subspan(count);
  }

 private:
  std::span<const std::byte> rest_;
};

/// All bytes of a regular file of at most `max_bytes`. Throws FormatError naming the path if it can
/// not be read or is larger; nothing is allocated before the size is known to fit.
inline std::string read_file(const std::string& path, std::uint64_t max_bytes) {
  InputFile file(path);
  if (file.size() > max_bytes)
    raise<FormatError>(path, ": ", file.size(), " bytes, at most ", max_bytes, " are accepted");
  std::string bytes(file.size(), '\0');
  file.read(bytes.data(), bytes.size());
  file.finish();
  return bytes;
}

}  // namespace foglift::inline v0
