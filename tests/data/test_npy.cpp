// Covers: element npy_header npy_reader npy_writer
#include "foglift/data/npy.hpp"
#include "support/catch.hpp"
#include "support/counted_new.hpp"
#include "support/temp_folder.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>

using namespace foglift;
using namespace std::string_literals;

namespace {

/// An NPY file of version 1, or of another with its four-byte length.
std::string npy(const std::string& header, const std::string& data, char version = 1) {
  std::string out = "\x93NUMPY"s + version + '\0';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i)
    out += static_cast<char>(header.size() >> 8 * i & 0xFF);
  return out + header + data;
}

std::string dict(const std::string& descr, const std::string& shape,
                 const std::string& fortran = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }\n";
}

template <class T = float>
Tensor<T> parse(const std::string& bytes, const data::NpyOptions& options = {}) {
  return data::parse_npy<T>(std::as_bytes(std::span(bytes)), options, "f.npy");
}

std::string message_of(const std::string& bytes) {
  std::string message;
  const auto peak = counted::peak_of([&] {
    try {
      parse(bytes);
    } catch (const FormatError& e) {
      message = e.what();
    }
  });
  CHECK(peak <= static_cast<std::ptrdiff_t>(4 * bytes.size() + (1 << 20)));
  return message;
}

const std::string ones = "\0\0\x80\x3F\0\0\x80\x3F"s;  // two floats

}  // namespace

TEST_CASE("npy: hand-written files of every layout read as they say", "[data][npy]") {
  const Tensor<float> expected({2}, {1, 1});
  for (const char version : {'\1', '\2', '\3'})
    CHECK(parse(npy(dict("<f4", "(2,)"), ones, version)) == expected);
  CHECK(parse(npy(dict("=f4", "(2,)"), ones)) == expected);
  CHECK(parse(npy("{'shape': (2,), 'fortran_order': False, 'descr': '<f4'}", ones)) == expected);
  CHECK(parse(npy("{\"fortran_order\":False,\"descr\":\"<f4\",\"shape\":(2,)}      ", ones)) ==
        expected);
  CHECK(parse(npy(dict(">f4", "(2,)"), "\x3F\x80\0\0\x3F\x80\0\0"s)) == expected);
  CHECK(parse(npy(dict("<f4", "(1, 2)"), ones)).shape() == Shape{1, 2});
  CHECK(parse(npy(dict("<f4", "(1, 2,)"), ones)).shape() == Shape{1, 2});
  CHECK(parse(npy(dict("<f8", "()"), "\0\0\0\0\0\0\xE0\x3F"s)) == Tensor<float>(Shape{}, 0.5f));
  CHECK(parse(npy(dict("<f4", "(3, 0)"), "")).shape() == Shape{3, 0});
}

TEST_CASE("npy: every element type reads in both byte orders", "[data][npy]") {
  const std::tuple<const char*, std::string, double> cases[] = {
      {"b1", "\1", 1},
      {"i1", "\xFE", -2},
      {"u1", "\xFE", 254},
      {"i2", "\xFF\xFE"s, -2},
      {"u2", "\xFF\xFE"s, 65534},
      {"i4", "\xFF\xFF\xFF\xFE"s, -2},
      {"u4", "\xFF\xFF\xFF\xFE"s, 4294967294.0},
      {"i8", "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFE"s, -2},
      {"u8", "\x80\0\0\0\0\0\0\0"s, 0x1p63},
      {"f2", "\xC1\0"s, -2.5},
      {"f4", "\xC0\x20\0\0"s, -2.5},
      {"f8", "\xC0\4\0\0\0\0\0\0"s, -2.5},
  };
  for (const auto& [type, big, value] : cases) {
    INFO(type);
    const std::string little(big.rbegin(), big.rend());
    CHECK(parse<double>(npy(dict(">"s + type, "(1,)"), big)).item() == value);
    CHECK(parse<double>(npy(dict("<"s + type, "(1,)"), little)).item() == value);
    CHECK(parse<float>(npy(dict("<"s + type, "(1,)"), little)).item() == static_cast<float>(value));
  }
}

TEST_CASE("npy: bfloat16 as ml_dtypes stores it is read", "[data][npy]") {
  // np.save(PATH, np.array([1, -2.5, 3.140625], dtype=ml_dtypes.bfloat16)), but for the padding.
  const Tensor<float> expected({3}, {1, -2.5f, 3.140625f});
  CHECK(parse(npy(dict("<V2", "(3,)"), "\x80\x3F\x20\xC0\x49\x40")) == expected);
  CHECK(parse(npy(dict(">V2", "(3,)"), "\x3F\x80\xC0\x20\x40\x49")) == expected);
}

TEST_CASE("npy: column-major files become row-major", "[data][npy]") {
  // Element (i, j, k) of shape [2, 3, 1500] lies at i + 2 j + 6 k and holds that number; it is
  // larger than one block of the reader.
  std::string bytes;
  for (unsigned v = 0; v < 9000; ++v) {
    bytes += static_cast<char>(v & 0xFF);
    bytes += static_cast<char>(v >> 8);
  }
  const auto t = parse(npy(dict("<u2", "(2, 3, 1500)", "True"), bytes));
  for (Index i = 0; i < 2; ++i)
    for (Index j = 0; j < 3; ++j)
      for (Index k = 0; k < 1500; ++k) REQUIRE(t(i, j, k) == static_cast<float>(i + 2 * j + 6 * k));
  const auto straight = parse(npy(dict("<u2", "(9000,)"), bytes));
  for (Index i = 0; i < 9000; ++i) REQUIRE(straight[i] == static_cast<float>(i));
}

TEST_CASE("npy: what is written is what NumPy writes and reads back", "[data][npy]") {
  std::string name = (std::filesystem::temp_directory_path() / "foglift-XXXXXX").string();
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  const std::string path = name + "/a.npy";
  data::write_npy(path, Tensor<float>({2}, {1, 1}));
  // numpy.save(path, numpy.ones(2, "<f4")), NumPy 2.4: the data begins at byte 128.
  const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
  CHECK(read_file(path, 1000) == npy(header + std::string(117 - header.size(), ' ') + "\n", ones));
  for (const Shape& shape : {Shape{}, Shape{0}, Shape{5}, Shape{2, 3}, Shape{1, 2, 3, 1, 2, 2}}) {
    Tensor<double> t(shape);
    std::iota(t.begin(), t.end(), 0.1);
    data::write_npy(path, t);
    CHECK(data::read_npy<double>(path) == t);
    CHECK(read_file(path, 10'000).size() % 64 == static_cast<std::size_t>(t.size()) * 8 % 64);
  }
  CHECK_THROWS_AS(data::read_npy(name), FormatError);  // a folder
  std::filesystem::remove_all(name);
}

TEST_CASE("npy: a bad file gives the right error in bounded memory", "[data][hostile]") {
  const std::string good = npy(dict("<f4", "(2,)"), ones);
  REQUIRE(message_of(good) == "");
  const auto shape = [](const std::string& text) { return npy(dict("<f4", text), ones); };
  const auto type = [](const std::string& text) { return npy(dict(text, "(2,)"), ones); };
  const auto header = [](const std::string& text) { return npy(text, ones); };
  const auto with = [&](std::size_t at, char c) {
    std::string bytes = good;
    bytes[at] = c;
    return bytes;
  };
  const std::string rest = "'fortran_order': False, 'shape': (2,)}";
  struct Bad {
    const char* name;
    std::string bytes;
    const char* message;
  };
  const std::vector<Bad> files = {
      {"empty", "", "f.npy: 0 bytes, an NPY file has at least 10"},
      {"nine bytes", good.substr(0, 9), "9 bytes, an NPY file has at least 10"},
      {"magic", with(0, 'N'), "does not begin as an NPY file does"},
      {"magic in capitals only", with(1, 'n'), "does not begin as an NPY file does"},
      {"a zip archive", "PK\3\4" + good, "does not begin as an NPY file does"},
      {"version 0", with(6, '\0'), "NPY version 0.0, 1.0 to 3.0 are supported"},
      {"version 4", with(6, '\4'), "NPY version 4.0, 1.0 to 3.0 are supported"},
      {"version 1.1", with(7, '\1'), "NPY version 1.1, 1.0 to 3.0 are supported"},
      {"version 2 of ten bytes", "\x93NUMPY\2\0\0\0"s, "version 2 has at least 12"},
      {"version 2 header of 4 GB", "\x93NUMPY\2\0\xFF\xFF\xFF\xFF"s, "at most 65536 are accepted"},
      {"version 2 header of 64 KiB and 1", "\x93NUMPY\2\0\1\0\1\0"s, "at most 65536 are accepted"},
      {"header beyond the file", with(9, '\x10'), "bytes in a file of"},
      {"header of nothing", "\x93NUMPY\1\0\0\0"s, "header byte 0: '{' is needed"},
      {"not a dictionary", header("[]"), "'{' is needed"},
      {"empty dictionary", header("{}"), "no key 'descr'"},
      {"comma alone", header("{,}"), "a string is needed"},
      {"dictionary not closed", header("{'descr': '<f4'"), "'}' is needed"},
      {"something behind it", header(dict("<f4", "(2,)") + "x"),
       "something follows the dictionary"},
      {"NUL behind it", header(dict("<f4", "(2,)") + '\0'), "something follows the dictionary"},
      {"tabs", header("{\t'descr': '<f4'}"), "a string is needed"},
      {"no descr", header("{" + rest), "no key 'descr'"},
      {"no order", header("{'descr': '<f4', 'shape': (2,)}"), "no key 'fortran_order'"},
      {"no shape", header("{'descr': '<f4', 'fortran_order': False}"), "no key 'shape'"},
      {"descr twice", header("{'descr': '<f4', 'descr': '<f4'," + rest), "'descr' comes twice"},
      {"shape twice", header("{'shape': (2,), 'shape': (2,)}"), "key 'shape' comes twice"},
      {"order twice", header("{'fortran_order': True, 'fortran_order': True}"), "comes twice"},
      {"unknown key", header("{'strides': 1}"), "unknown key 'strides'"},
      {"key not closed", header("{'descr"), "a string that does not end"},
      {"key with an escape", header("{'d\\x65scr': '<f4'}"), "escape sequence in a string"},
      {"key without colon", header("{'descr' '<f4'}"), "':' is needed"},
      {"key in a long string", header("{'" + std::string(900, 'k') + "': 1}"), "..."},
      {"objects", type("|O"), "type '|O' is not supported"},
      {"objects of 8 bytes", type("|O8"), "type '|O8' is not supported"},
      {"text", type("<U4"), "type '<U4' is not supported"},
      {"bytes", type("|S4"), "type '|S4' is not supported"},
      {"raw bytes", type("|V2"), "type '|V2' has no byte order"},
      {"8-bit types of ml_dtypes", type("<V1"), "type '<V1' is not supported"},
      {"complex", type("<c8"), "type '<c8' is not supported"},
      {"long double", type("<f16"), "type '<f16' is not supported"},
      {"dates", type("<M8[ns]"), "type '<M8[ns]' is not supported"},
      {"f1", type("<f1"), "type '<f1' is not supported"},
      {"i3", type("<i3"), "type '<i3' is not supported"},
      {"b2", type("<b2"), "type '<b2' is not supported"},
      {"f0", type("<f0"), "type '<f0' is not supported"},
      {"no byte order", type("f4"), "type 'f4' is not supported"},
      {"byte order of one byte", type("|f4"), "type '|f4' has no byte order"},
      {"empty type", type(""), "type '' is not supported"},
      {"escape in a type", type("\x1B[2"), "type '\\x1B[2' is not supported"},
      {"structure", header("{'descr': [('a', '<f4')], " + rest), "structured types"},
      {"type a number", header("{'descr': 4, " + rest), "a string is needed"},
      {"order 0", npy(dict("<f4", "(2,)", "0"), ones), "must be True or False"},
      {"order true", npy(dict("<f4", "(2,)", "true"), ones), "must be True or False"},
      {"order Truex", npy(dict("<f4", "(2,)", "Truex"), ones), "'}' is needed"},
      {"shape a number", shape("2"), "'(' is needed"},
      {"shape a list", shape("[2]"), "'(' is needed"},
      {"shape without its comma", shape("(2)"), "needs a comma, as in (3,)"},
      {"shape of a comma", shape("(,)"), "must be a non-negative integer"},
      {"shape with two commas", shape("(2,,)"), "must be a non-negative integer"},
      {"shape without commas", shape("(1 2)"), "',' or ')' is needed in the shape"},
      {"shape not closed", shape("(2,"), "must be a non-negative integer"},
      {"shape negative", shape("(-2,)"), "must be a non-negative integer"},
      {"shape minus one", shape("(-1, 2)"), "must be a non-negative integer"},
      {"shape plus", shape("(+2,)"), "must be a non-negative integer"},
      {"shape a fraction", shape("(2.0,)"), "',' or ')' is needed in the shape"},
      {"shape an exponent", shape("(2e0,)"), "',' or ')' is needed in the shape"},
      {"shape a Python 2 long", shape("(2L,)"), "',' or ')' is needed in the shape"},
      {"shape with underscores", shape("(2_0,)"), "',' or ')' is needed in the shape"},
      {"shape hexadecimal", shape("(0x2,)"), "',' or ')' is needed in the shape"},
      {"shape with a leading zero", shape("(02,)"), "leading zero in an extent"},
      {"shape of text", shape("('2',)"), "must be a non-negative integer"},
      {"shape nested", shape("((2,),)"), "must be a non-negative integer"},
      {"shape nested 30000 deep", shape(std::string(30'000, '(')), "a non-negative integer"},
      {"dictionaries 30000 deep", header(std::string(30'000, '{')), "a string is needed"},
      {"shape 2^64", shape("(18446744073709551616,)"), "extent too large"},
      {"shape of 99 digits", shape("(" + std::string(99, '9') + ",)"), "extent too large"},
      {"shape 2^62 wraps to nothing", shape("(4611686018427387904,)"), "extent too large"},
      {"shape 2^62 + 2 wraps to two", shape("(4611686018427387906,)"), "extent too large"},
      {"shape 2^32 x 2^32", shape("(4294967296, 4294967296)"), "more elements than"},
      {"shape 0 x 2^60 x 2^60", shape("(0, 1000000000000000000, 1000000000000000000)"),
       "more elements than"},
      {"shape of 2^50", shape("(1125899906842624,)"), "shape [1125899906842624] of 4-byte"},
      {"rank 7", shape("(1, 1, 1, 1, 1, 1, 2)"), "rank beyond 6"},
      {"shape of 20000 digits", shape("(" + std::string(20'000, '1') + ",)"), "extent too large"},
      {"one element more", shape("(3,)"), "8 bytes behind the header, shape [3]"},
      {"one element less", shape("(1,)"), "8 bytes behind the header, shape [1]"},
      {"no elements", shape("(0,)"), "needs 0"},
      {"a byte too many", good + '\0', "9 bytes behind the header"},
      {"a byte too few", good.substr(0, good.size() - 1), "7 bytes behind the header"},
      {"larger elements", type("<f8"), "of 8-byte elements needs 16"},
      {"smaller elements", type("<f2"), "of 2-byte elements needs 4"},
      {"a number beyond float", npy(dict("<f8", "(1,)"), "\0\0\0\0\0\0\xE0\x7E"s),
       "which float can not hold"},
  };
  CHECK(files.size() >= 80);
  for (const Bad& file : files) {
    INFO(file.name);
    const std::string message = message_of(file.bytes);
    CHECK_THAT(message, ContainsSubstring(file.message));
    CHECK(message.rfind("f.npy: ", 0) == 0);
  }
  CHECK_THROWS_WITH(parse(good, {.max_file_bytes = 20}), ContainsSubstring("at most 20"));
}

TEST_CASE("npy: no truncation is read and a flipped bit is an error or another array",
          "[data][hostile]") {
  const std::string good = npy(dict("<f4", "(1, 2)"), ones);
  for (std::size_t n = 0; n < good.size(); ++n) CHECK(message_of(good.substr(0, n)) != "");
  int read = 0;
  for (std::size_t bit = 0; bit < 8 * (good.size() - ones.size()); ++bit) {
    std::string bytes = good;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ 1 << bit % 8);
    if (message_of(bytes) != "") continue;
    ++read;
    CHECK(parse(bytes).size() == 2);  // '>f4', '<i4' or another blank
  }
  CHECK(read < 20);
}

TEST_CASE("npy: large good files stay in bounded memory", "[data][hostile]") {
  const std::string data(4 * 300'000, '\0');
  CHECK(message_of(npy(dict("<f4", "(300, 1000)"), data)) == "");
  CHECK(message_of(npy(dict("<f4", "(300, 1000)", "True"), data)) == "");
  // The most a file can ask for is a float for every byte: that tensor, whose block the pool rounds
  // up, and the header beside it.
  const std::string small = npy(dict("|u1", "(1200000,)"), data);
  const auto peak = counted::peak_of([&] { parse(small); });
  CHECK(peak <= static_cast<std::ptrdiff_t>(pool::block_size(pool::size_class(4 * data.size()))) +
                    (1 << 16));
}

TEST_CASE("npy: integers read as integers of any width that holds them", "[data][npy]") {
  const Tensor<Index> wide({2}, {Index{1} << 60, -5});
  const TempFolder folder;
  const auto back = [&]<class T>(const Tensor<T>& x) {
    data::write_npy(folder / "x.npy", x);
    return data::read_npy<T>(folder / "x.npy") == x;
  };
  CHECK(back(wide));
  CHECK(back(Tensor<std::int32_t>({1, 2}, {-7, 2'000'000'000})));
  CHECK(back(Tensor<std::uint8_t>({3}, {0, 127, 255})));
  CHECK(parse<Index>(npy(dict("<i2", "(1,)"), "\xFE\xFF"s)).item() == -2);
  CHECK(parse<Index>(npy(dict("|b1", "(1,)"), "\2")).item() == 1);
  CHECK_THROWS_WITH(parse<std::uint8_t>(npy(dict("<i2", "(2,)"), "\1\0\xFE\xFF"s)),
                    "f.npy: holds -2, which an integer of 1 bytes can not hold");
  CHECK_THROWS_AS(parse<Index>(npy(dict("<u8", "(1,)"), "\0\0\0\0\0\0\0\x80"s)), FormatError);
  CHECK_THROWS_WITH(parse<std::int32_t>(npy(dict("<f4", "(2,)"), ones)),
                    "f.npy: holds floating numbers, integers are read");
}

TEST_CASE("npy: integers are written as NumPy writes them", "[data][npy]") {
  const TempFolder folder;
  const auto header = [&](const auto& x) {
    data::write_npy(folder / "x.npy", x);
    std::ifstream in(folder / "x.npy", std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {}).substr(10, 16);
  };
  CHECK(header(Tensor<Index>({1})) == "{'descr': '<i8',");
  CHECK(header(Tensor<std::int32_t>({1})) == "{'descr': '<i4',");
  CHECK(header(Tensor<std::uint8_t>({1})) == "{'descr': '|u1',");
}
