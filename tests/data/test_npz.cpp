// Covers: npz
#include "foglift/data/npz.hpp"
#include "support/catch.hpp"

using namespace foglift;

namespace {

// Written by NumPy 2.4.6: np.savez(f, x=np.arange(6, dtype=np.float32).reshape(2, 3),
// ids=np.array([3, -1], dtype=np.int64)).
const std::string numpy = read_file(FOGLIFT_TEST_DATA "/reference_numpy.npz", 1000);

/// The archive with bytes behind the n-th place of `mark` changed.
std::string changed(const std::string& mark, std::size_t behind, const std::string& to) {
  std::string out = numpy;
  out.replace(out.find(mark) + behind, to.size(), to);
  return out;
}
const std::string entry("PK\1\2"), end("PK\5\6");

}  // namespace

TEST_CASE("npz: arrays that NumPy wrote", "[data][npz]") {
  const data::NpzFile archive(numpy, "a.npz");
  CHECK(archive.names() == std::vector<std::string>{"x", "ids"});
  CHECK(archive.has("ids"));
  CHECK_FALSE(archive.has("y"));
  CHECK(archive.read("x") == Tensor<float>({2, 3}, {0, 1, 2, 3, 4, 5}));
  CHECK(archive.read<std::int64_t>("ids") == Tensor<std::int64_t>({2}, {3, -1}));
  const data::NpzFile copy = archive;  // refers to nothing of the first
  CHECK(copy.read<double>("x")(1, 2) == 5);
  CHECK_THROWS_WITH(archive.read("y"), ContainsSubstring("a.npz: no array \"y\"; it has x, ids"));
  // A comment behind the archive, as the format allows.
  std::string commented = numpy;
  commented[commented.size() - 2] = 5;
  CHECK(data::NpzFile(commented + "hello", "a.npz").read("x").size() == 6);
  // No arrays at all.
  CHECK(data::NpzFile(end + std::string(18, '\0'), "a.npz").names().empty());
}

TEST_CASE("npz: what is refused", "[data][npz]") {
  const auto refused = [](const std::string& bytes, const std::string& words) {
    CHECK_THROWS_WITH(data::NpzFile(bytes, "a.npz"),
                      ContainsSubstring("a.npz: ") && ContainsSubstring(words));
  };
  refused("", "does not begin as a ZIP archive does");
  refused("\x93NUMPY and so on", "does not begin as a ZIP archive does");
  refused(changed(entry, 10, "\x08"), "\"x.npy\" is compressed; needed an archive of numpy.savez");
  refused(changed(entry, 16, "????"), "\"x.npy\" is damaged");
  refused(changed(entry, 8, "\1"), "is encrypted");
  refused(changed(entry, 42, "\1"), "does not stand where it should");
  refused(changed(entry, 20, "\xff\xff\xff\xff"), "more than 4 GB");
  refused(changed(entry, 0, "XK"), "entry 0 of 2 is none");
  refused(changed(end, 4, "\1"), "of several disks");
  refused(changed(end, 10, "\xff\xff"), "more than 4 GB");
  std::string twice = numpy;  // the second name as the first, what is left of it as extra bytes
  const std::size_t second = twice.rfind(entry);
  twice.replace(second + 46, 7, "x.npy??");
  twice[second + 28] = 5;
  twice[second + 30] = 2;
  refused(twice, "has two arrays \"x.npy\"");
  // Cut anywhere, it is an error and nothing worse.
  for (std::size_t size = 0; size < numpy.size(); ++size)
    CHECK_THROWS_AS(data::NpzFile(numpy.substr(0, size), "a.npz"), FormatError);
  // Any byte changed: an error, or the same numbers.
  for (std::size_t at = 0; at < numpy.size(); ++at) {
    std::string other = numpy;
    other[at] = static_cast<char>(other[at] ^ 0x41);
    try {
      const data::NpzFile archive(other, "a.npz");
      for (const std::string& name : archive.names())
        if (name == "x") CHECK(archive.read(name)(1, 2) == 5);
    } catch (const FormatError&) {
    }
  }
}
