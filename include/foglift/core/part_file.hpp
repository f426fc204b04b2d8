#pragma once

#include "foglift/core/file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>  // rename
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace foglift::inline v0::detail {

/// The unfinished version of a file, TARGET.HOST.PROCESS.NUMBER.part beside it, new and open for
/// writing. It is locked (flock) for as long as it is open, which the system ends with the process
/// however that ends, so that a lock to be had means a writer that is gone.
class PartFile {
 public:
  /// Throws FormatError naming the target if no such file can be made.
  explicit PartFile(const std::string& target) {
    const std::string stem = target + '.' + host() + '.' + std::to_string(::getpid()) + '.';
    for (int n = 0; n < max_tries; ++n) {
      name_ = (stem + std::to_string(n)).append(suffix);
      fd_ = uninterrupted(
          [this] { return ::open(name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666); });
      if (fd_ < 0 && errno != EEXIST) break;
      if (fd_ >= 0 && locked()) return;
    }
    raise_errno(target, "create a temporary file for");
  }
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;
  /// Removes what was not put in place.
  ~PartFile() {
    if (fd_ < 0) return;
    uninterrupted([this] { return ::unlink(name_.c_str()); });
    ::close(fd_);
  }

  int descriptor() const { return fd_; }

  /// Renames it over the target and closes it. False, with errno set, if that fails; the file is
  /// there still. What close says is of no interest behind an fsync.
  bool replace(const std::string& target) {
    // A rename that a signal interrupts may have been made, on a file system of another machine.
    bool interrupted = false;
    while (::rename(name_.c_str(), target.c_str()) != 0) {
      if (interrupted && errno == ENOENT && is(target)) break;
      if (errno != EINTR) return false;
      interrupted = true;
    }
    ::close(std::exchange(fd_, -1));
    return true;
  }

  /// Removes the part files that writers of `target` left when they were killed. Of another host's,
  /// whose locks this one need not see, only those not written to for a day before this file was
  /// made. What can not be read or removed stays; nothing is thrown.
  void sweep_others(const std::string& target) const {
    struct stat own = {};
    const auto [folder, name] = split(target);
    DIR* const list = ::fstat(fd_, &own) == 0 ? ::opendir(folder.c_str()) : nullptr;
    if (!list) return;
    while (const dirent* entry = ::readdir(list)) {
      const std::string_view found = entry->d_name;
      if (!part_of(name, found)) continue;
      const bool foreign = found.substr(name.size() + 1, host_digits) != host();
      sweep(folder + entry->d_name,
            foreign ? own.st_mtime - day : std::numeric_limits<time_t>::max());
    }
    ::closedir(list);
  }

  /// The folder of a path, with a slash at its end, and the name in it.
  static std::pair<std::string, std::string> split(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return {"./", path};
    return {path.substr(0, slash + 1), path.substr(slash + 1)};
  }

 private:
  /// Locks the new file. False if a sweeper was faster and has removed it. Where a file system has
  /// no locks, it has none to be had either, and nothing is swept there.
  bool locked() {
    uninterrupted([this] { return ::flock(fd_, LOCK_EX); });
    if (is(name_)) return true;
    ::close(std::exchange(fd_, -1));
    return false;
  }

  /// Whether the open file has that name.
  bool is(const std::string& name) const { return same(fd_, name); }
  static bool same(int fd, const std::string& name) {
    struct stat open = {}, named = {};
    return ::fstat(fd, &open) == 0 && ::lstat(name.c_str(), &named) == 0 &&
           open.st_dev == named.st_dev && open.st_ino == named.st_ino;
  }

  /// Removes a part file if it is not locked and was last written to before `latest`.
  static void sweep(const std::string& path, time_t latest) {
    for (const int mode :
         {O_RDWR, O_RDONLY}) {  // locks of some network file systems need the first
      const int fd = uninterrupted(
          [&] { return ::open(path.c_str(), mode | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC); });
      if (fd < 0) continue;
      struct stat info = {};
      // The name may belong to a new file since it was listed: then this one is of no name.
      if (::fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_mtime < latest &&
          uninterrupted([&] { return ::flock(fd, LOCK_EX | LOCK_NB); }) == 0 && same(fd, path))
        uninterrupted([&] { return ::unlink(path.c_str()); });
      ::close(fd);
      return;
    }
  }

  /// Whether `found` is name + ".HOST.PROCESS.NUMBER.part".
  static bool part_of(std::string_view name, std::string_view found) {
    if (found.size() < name.size() + suffix.size() || found.substr(0, name.size()) != name ||
        found.substr(found.size() - suffix.size()) != suffix)
      return false;
    found = found.substr(name.size(), found.size() - name.size() - suffix.size());
    const auto piece = [&found](std::string_view digits) {  // of ".HOST.PROCESS.NUMBER"
      if (found.empty() || found[0] != '.') return std::size_t{0};
      const std::size_t end = std::min(found.find_first_not_of(digits, 1), found.size());
      found.remove_prefix(end);
      return end - 1;
    };
    constexpr std::string_view hexadecimal = "0123456789abcdef", decimal = "0123456789";
    return piece(hexadecimal) == host_digits && piece(decimal) > 0 && piece(decimal) > 0 &&
           found.empty();
  }

  /// This machine's name as eight hexadecimal digits (FNV-1a).
  static std::string host() {
    std::array<char, 256> name{};
    ::gethostname(name.data(), name.size() - 1);
    std::uint32_t hash = 0x811C9DC5;
    for (const char c : std::string_view(name.data()))
      hash = (hash ^ static_cast<unsigned char>(c)) * 0x01000193;
    std::string digits(host_digits, '0');
    for (std::size_t i = host_digits; i-- > 0; hash >>= 4)
      digits[i] = "0123456789abcdef"[hash & 15];
    return digits;
  }

  static constexpr std::string_view suffix = ".part";
  static constexpr std::size_t host_digits = 8;
  static constexpr time_t day = 24 * 60 * 60;
  static constexpr int max_tries = 10'000;  // writers of one path at one time in this process

  std::string name_;
  int fd_ = -1;
};

}  // namespace foglift::inline v0::detail
