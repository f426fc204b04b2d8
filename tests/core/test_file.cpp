// Covers: file utf8
#include "foglift/core/atomic_file.hpp"
#include "foglift/core/file.hpp"
#include "foglift/core/utf8.hpp"
#include "support/catch.hpp"
#include "support/temp_folder.hpp"

#include <csignal>
#include <cstdlib>
#include <filesystem>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace foglift;
namespace fs = std::filesystem;

namespace {

/// Files of this process can not grow beyond `bytes` while it lives: a full disk in small.
struct FileSizeLimit {
  rlimit old{};
  void (*handler)(int);
  explicit FileSizeLimit(rlim_t bytes) : handler(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &old);
    const rlimit small{bytes, old.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &old);
    std::signal(SIGXFSZ, handler);
  }
};

}  // namespace

TEST_CASE("atomic file: the target changes at commit and not before", "[core][file]") {
  const TempFolder folder;
  const std::string path = folder / "a";
  write_file(path, "old");
  CHECK(read_file(path, 100) == "old");
  {
    AtomicFile file(path);
    file.write("new and ");
    file.write("longer");
    CHECK(read_file(path, 100) == "old");
    CHECK(folder.files().size() == 2);
    file.commit();
    CHECK(read_file(path, 100) == "new and longer");
    CHECK_THROWS_AS(file.write("more"), ArgumentError);
    CHECK_THROWS_AS(file.commit(), ArgumentError);
  }
  {
    AtomicFile abandoned(path);
    abandoned.write("x");
  }
  CHECK(read_file(path, 100) == "new and longer");
  CHECK(folder.files().size() == 1);
}

TEST_CASE("atomic file: two writers of one path do not meet", "[core][file]") {
  const TempFolder folder;
  const std::string path = folder / "a";
  AtomicFile first(path), second(path);
  first.write("first");
  second.write("second");
  second.commit();
  CHECK(read_file(path, 100) == "second");
  first.commit();
  CHECK(read_file(path, 100) == "first");
  CHECK(folder.files().size() == 1);
}

TEST_CASE("atomic file: a full disk leaves the old file and no rest", "[core][file]") {
  const TempFolder folder;
  const std::string path = folder / "a";
  write_file(path, "old");
  std::string message;
  {
    const FileSizeLimit limit(4096);
    try {
      write_file(path, std::string(10'000, 'x'));  // the first write is short, the second fails
    } catch (const FormatError& e) {
      message = e.what();
    }
  }
  CHECK(message == path + ": cannot write: File too large");
  CHECK(read_file(path, 100) == "old");
  CHECK(folder.files().size() == 1);
}

TEST_CASE("atomic file: permissions are kept and odd targets refused", "[core][file]") {
  const TempFolder folder;
  const std::string path = folder / "a";
  write_file(path, "old");
  REQUIRE(::chmod(path.c_str(), 0640) == 0);
  write_file(path, "new");
  struct stat info = {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0640);
  REQUIRE(::symlink(path.c_str(), (folder / "link").c_str()) == 0);
  CHECK_THROWS_AS(write_file(folder / "link", "x"), FormatError);
  CHECK_THROWS_WITH(write_file(folder.path.string(), "x"),
                    folder.path.string() + ": not a regular file");
  CHECK_THROWS_WITH(write_file("/dev/null", "x"), "/dev/null: not a regular file");
  CHECK_THROWS_WITH(write_file(folder / "none/a", "x"),
                    ContainsSubstring("cannot create a temporary file for: No such file"));
  CHECK(read_file(path, 100) == "new");
}

TEST_CASE("atomic file: a folder that takes no files leaves the old one", "[core][file]") {
  if (::geteuid() == 0) {
    WARN("skipped: root may write to every folder");
    return;
  }
  const TempFolder folder;
  const std::string path = folder / "a";
  write_file(path, "old");
  REQUIRE(::chmod(folder.path.c_str(), 0500) == 0);
  CHECK_THROWS_WITH(write_file(path, "new"),
                    path + ": cannot create a temporary file for: Permission denied");
  CHECK(read_file(path, 100) == "old");
  CHECK(folder.files().size() == 1);
  REQUIRE(::chmod(folder.path.c_str(), 0700) == 0);
}

TEST_CASE("file: reading is bounded and takes regular files alone", "[core][file]") {
  const TempFolder folder;
  const std::string path = folder / "a";
  write_file(path, "12345");
  CHECK(read_file(path, 5) == "12345");
  CHECK_THROWS_WITH(read_file(path, 4), path + ": 5 bytes, at most 4 are accepted");
  CHECK_THROWS_WITH(read_file(folder.path.string(), 4),
                    folder.path.string() + ": not a regular file");
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK_THROWS_WITH(read_file(folder / "pipe", 4), (folder / "pipe") + ": not a regular file");
  CHECK_THROWS_WITH(read_file("/dev/zero", 4), "/dev/zero: not a regular file");
  CHECK_THROWS_WITH(read_file(folder / "b", 4),
                    (folder / "b") + ": cannot open: No such file or directory");
  // A file of a terabyte that is all hole costs nothing to refuse.
  if (::truncate(path.c_str(), off_t{1} << 40) == 0)
    CHECK_THROWS_AS(read_file(path, std::uint64_t{1} << 30), FormatError);
}

TEST_CASE("file: a file that changes while it is read is noticed", "[core][file]") {
  const TempFolder folder;
  const std::string path = folder / "a";
  write_file(path, "12345");
  char bytes[5];
  InputFile shorter(path);
  REQUIRE(::truncate(path.c_str(), 3) == 0);
  CHECK_THROWS_WITH(shorter.read(bytes, 5), path + ": became shorter while it was read");
  InputFile longer(path);
  REQUIRE(::truncate(path.c_str(), 5) == 0);
  longer.read(bytes, 3);
  CHECK_THROWS_WITH(longer.finish(), path + ": became longer while it was read");
}

TEST_CASE("utf8: characters are those of the definition", "[core][utf8]") {
  // Every code point encodes to one well-formed character of the length the definition gives.
  for (std::uint32_t code = 0; code <= 0x10FFFF; ++code) {
    if (code >= 0xD800 && code <= 0xDFFF) continue;
    std::string text;
    utf8::append(text, code);
    const std::size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    REQUIRE(text.size() == n);
    REQUIRE(utf8::character_size(text, 0) == n);
    REQUIRE(utf8::character_size(text.substr(0, n - 1), 0) == 0);
  }
  // Counted over all strings of up to 3 bytes, exactly the code points below 0x10000 are
  // characters.
  int characters = 0;
  for (unsigned a = 0; a < 256; ++a)
    for (unsigned b = 0; b < 256; ++b)
      for (unsigned c = 0; c < 256; c += 1) {
        const std::string text{static_cast<char>(a), static_cast<char>(b), static_cast<char>(c)};
        const std::size_t n = utf8::character_size(text, 0);
        characters += (n == 3) + (n == 2 && c == 0) + (n == 1 && b == 0 && c == 0);
      }
  CHECK(characters == 0x10000 - 0x800);
  CHECK(utf8::first_invalid("ab\xC3") == 2);
  CHECK(utf8::first_invalid("\xF4\x90\x80\x80") == 0);
  CHECK(utf8::first_invalid("\xF0\x8F\xBF\xBF") == 0);
  CHECK(utf8::first_invalid("\xC3\xA4") == std::string_view::npos);
}

TEST_CASE("utf8: what errors show can not steer a terminal", "[core][utf8]") {
  using namespace std::string_literals;
  CHECK(utf8::printable("a\x1B[2J\n\0\x7F\xFF\xC2\x9B\xC3\xA4"s) ==
        "a\\x1B[2J\\x0A\\x00\\x7F\\xFF\\xC2\\x9B\xC3\xA4");
  CHECK(utf8::printable("abcdef", 3) == "abc...");
}
