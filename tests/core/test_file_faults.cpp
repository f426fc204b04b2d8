// Covers: atomic_file file part_file
// Files under faults: killed writers, and system calls that a signal interrupts.

#include "foglift/core/atomic_file.hpp"
#include "support/catch.hpp"
#include "support/temp_folder.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>

#include <fcntl.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace foglift;
namespace fs = std::filesystem;

namespace {

// How often the next calls of each kind are interrupted, and which descriptors were closed.
struct Interruptions {
  int open = 0, write = 0, fsync = 0, rename = 0, close = 0, flock = 0, fchmod = 0, unlink = 0;
  bool rename_is_made = false;  // the interrupted call did its work all the same
};
Interruptions pending;

bool interrupted(int& count) {
  if (count == 0) return false;
  --count;
  errno = EINTR;
  return true;
}

template <class... Arguments>
int system_call(long number, Arguments... arguments) {
  return static_cast<int>(::syscall(number, arguments...));
}

}  // namespace

// In place of the C library's, for this program.
extern "C" int open(const char* path, int flags, ...) {
  if (interrupted(pending.open)) return -1;
  va_list rest;
  va_start(rest, flags);
  const int mode = flags & O_CREAT ? va_arg(rest, int) : 0;
  va_end(rest);
  return system_call(SYS_openat, AT_FDCWD, path, flags, mode);
}
extern "C" ssize_t write(int fd, const void* from, size_t count) {
  if (interrupted(pending.write)) return -1;
  return ::syscall(SYS_write, fd, from, count);
}
extern "C" int fsync(int fd) {
  return interrupted(pending.fsync) ? -1 : system_call(SYS_fsync, fd);
}
extern "C" int rename(const char* from, const char* to) noexcept {
  const bool made = pending.rename > 0 && pending.rename_is_made;
  if (made) system_call(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
  return interrupted(pending.rename) ? -1
                                     : system_call(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}
extern "C" int close(int fd) {
  const int result = system_call(SYS_close, fd);
  return interrupted(pending.close) ? -1 : result;  // closed, as Linux does
}
extern "C" int flock(int fd, int operation) noexcept {
  return interrupted(pending.flock) ? -1 : system_call(SYS_flock, fd, operation);
}
extern "C" int fchmod(int fd, mode_t mode) noexcept {
  return interrupted(pending.fchmod) ? -1 : system_call(SYS_fchmod, fd, mode);
}
extern "C" int unlink(const char* path) noexcept {
  return interrupted(pending.unlink) ? -1 : system_call(SYS_unlinkat, AT_FDCWD, path, 0);
}

namespace {

/// A process that runs `work` and ends.
pid_t child(const std::function<void()>& work) {
  const pid_t id = ::fork();
  if (id != 0) return id;
  work();
  ::_exit(0);
}

int status_of(pid_t id) {
  int status = 0;
  REQUIRE(::waitpid(id, &status, 0) == id);
  return status;
}

/// A writer of `path` that is killed with its file half written.
void killed_writer(const std::string& path) {
  const int status = status_of(child([&] {
    AtomicFile file(path);
    file.write("half");
    ::raise(SIGKILL);
  }));
  REQUIRE(WIFSIGNALED(status));
}

void touch(const std::string& path) { std::ofstream(path) << "x"; }

std::size_t open_descriptors() {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator("/proc/self/fd"), {}));
}

}  // namespace

TEST_CASE("atomic file: the next writer sweeps what killed ones left", "[core][file]") {
  const TempFolder folder;
  const std::string path = folder / "run";
  write_file(path, "old");
  for (int i = 0; i < 3; ++i) {
    killed_writer(path);  // each is swept by the next
    CHECK(folder.files().size() == 2);
  }
  killed_writer(folder / "run.2");  // another target's
  CHECK(read_file(path, 100) == "old");
  write_file(path, "new");
  CHECK(read_file(path, 100) == "new");
  const auto left = folder.files();
  CHECK(left.size() == 2);
  CHECK(left.begin()->rfind("run", 0) == 0);
  CHECK(left.rbegin()->rfind("run.2.", 0) == 0);
  {
    AtomicFile abandoned(folder / "run.2");  // sweeping needs no commit
    CHECK(folder.files().size() == 2);
  }
  CHECK(folder.files() == std::set<std::string>{"run"});
}

TEST_CASE("atomic file: a relative path is swept too", "[core][file]") {
  const TempFolder folder;
  const fs::path before = fs::current_path();
  fs::current_path(folder.path);
  killed_writer("run");
  write_file("run", "new");
  fs::current_path(before);
  CHECK(folder.files() == std::set<std::string>{"run"});
}

TEST_CASE("atomic file: a writer that lives is not swept", "[core][file]") {
  const TempFolder folder;
  const std::string path = folder / "run";
  int to_child[2], from_child[2];
  REQUIRE(::pipe(to_child) == 0);
  REQUIRE(::pipe(from_child) == 0);
  char byte = 0;
  const pid_t writer = child([&] {
    AtomicFile file(path);
    file.write("theirs");
    if (::write(from_child[1], "w", 1) != 1 || ::read(to_child[0], &byte, 1) != 1) ::_exit(1);
    file.commit();
  });
  REQUIRE(::read(from_child[0], &byte, 1) == 1);
  AtomicFile mine(path);
  mine.write("mine");
  write_file(path, "ours");
  CHECK(folder.files().size() == 3);
  CHECK(read_file(path, 100) == "ours");
  REQUIRE(::write(to_child[1], "g", 1) == 1);
  CHECK(status_of(writer) == 0);
  CHECK(read_file(path, 100) == "theirs");
  mine.commit();
  CHECK(read_file(path, 100) == "mine");
  CHECK(folder.files() == std::set<std::string>{"run"});
  for (const int fd : {to_child[0], to_child[1], from_child[0], from_child[1]}) ::close(fd);
}

TEST_CASE("atomic file: only its own kind of names is swept", "[core][file]") {
  const TempFolder folder;
  const std::string path = folder / "run";
  killed_writer(path);
  const std::string part = *folder.files().begin();  // run.HOST.PROCESS.0.part
  const std::string host = part.substr(4, 8);
  write_file(path, "new");
  const std::set<std::string> others{"run.part",
                                     "run." + host + ".1.part",
                                     "run." + host + ".1.0.part.keep",
                                     "run." + host + ".1.0.0.part",
                                     "run." + host + ".x.0.part",
                                     "run." + host + "0.1.0.part",
                                     "run." + host + "..0.part",
                                     "my-run." + host + ".1.0.part",
                                     "run2." + host + ".1.0.part"};
  for (const std::string& name : others) touch(folder / name);
  touch(folder / "run." + host + ".1.0.part");
  fs::create_directory(folder / "run." + host + ".2.0.part");
  fs::create_symlink(path, folder / "run." + host + ".3.0.part");
  REQUIRE(::mkfifo((folder / "run." + host + ".4.0.part").c_str(), 0600) == 0);
  write_file(path, "newer");
  auto expected = others;
  expected.insert({"run", "run." + host + ".2.0.part", "run." + host + ".3.0.part",
                   "run." + host + ".4.0.part"});
  CHECK(folder.files() == expected);
  CHECK(read_file(path, 100) == "newer");
}

TEST_CASE("atomic file: another host's writer is gone after a day of silence", "[core][file]") {
  const TempFolder folder;
  const std::string path = folder / "run";
  killed_writer(path);
  std::string name = *folder.files().begin();
  name[4] = name[4] == '0' ? '1' : '0';
  const std::string recent = folder / name, silent = folder / (name.substr(0, 13) + "77.0.part");
  touch(recent);
  touch(silent);
  const auto now = fs::last_write_time(recent);
  fs::last_write_time(recent, now - std::chrono::hours(23));
  fs::last_write_time(silent, now - std::chrono::hours(25));
  write_file(path, "new");
  CHECK(folder.files() == std::set<std::string>{"run", name});
}

TEST_CASE("atomic file: interrupted system calls are made again", "[core][file]") {
  const TempFolder folder;
  const std::string path = folder / "run";
  write_file(path, "old");
  const std::size_t before = open_descriptors();
  pending = {.open = 3, .write = 2, .fsync = 3, .rename = 2, .flock = 2, .fchmod = 2};
  write_file(path, "new");
  CHECK(pending.open + pending.write + pending.fsync + pending.rename + pending.flock +
            pending.fchmod ==
        0);
  CHECK(read_file(path, 100) == "new");
  pending = {.open = 2};
  CHECK(read_file(path, 100) == "new");
  {
    AtomicFile abandoned(path);
    pending = {.unlink = 2};
  }
  CHECK(folder.files() == std::set<std::string>{"run"});
  CHECK(open_descriptors() == before);
}

TEST_CASE("atomic file: an interrupted close has closed", "[core][file]") {
  const TempFolder folder;
  const std::string path = folder / "run";
  const std::size_t before = open_descriptors();
  pending = {.close = 2};  // the file's and the folder's
  write_file(path, "new");
  CHECK(pending.close == 0);
  CHECK(read_file(path, 100) == "new");
  CHECK(open_descriptors() == before);
}

TEST_CASE("atomic file: a rename that was made before its interruption counts", "[core][file]") {
  const TempFolder folder;
  const std::string path = folder / "run";
  write_file(path, "old");
  pending = {.rename = 1, .rename_is_made = true};
  write_file(path, "new");
  CHECK(read_file(path, 100) == "new");
  CHECK(folder.files() == std::set<std::string>{"run"});
}

TEST_CASE("atomic file: a timer's signals do not end a save", "[core][file]") {
  const TempFolder folder;
  const std::string path = folder / "run";
  struct sigaction action = {}, old = {};
  action.sa_handler = [](int) {};  // and no SA_RESTART
  REQUIRE(::sigaction(SIGALRM, &action, &old) == 0);
  const itimerval often{{0, 200}, {0, 200}}, never{};
  REQUIRE(::setitimer(ITIMER_REAL, &often, nullptr) == 0);
  const std::string bytes(1 << 20, 'x');
  for (int i = 0; i < 20; ++i) write_file(path, bytes);
  CHECK(read_file(path, 1 << 20) == bytes);
  ::setitimer(ITIMER_REAL, &never, nullptr);
  ::sigaction(SIGALRM, &old, nullptr);
  CHECK(folder.files() == std::set<std::string>{"run"});
}
