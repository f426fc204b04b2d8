#include "foglift/io/safetensors.hpp"
#include "io/safetensors_samples.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <filesystem>
#include <limits>

using namespace foglift;
using namespace std::string_literals;

namespace {

io::Safetensors parse(const std::string& bytes, const io::SafetensorsOptions& options = {}) {
  return io::parse_safetensors(std::as_bytes(std::span(bytes)), options, "file");
}

struct Folder {
  std::filesystem::path path;
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "foglift-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string operator/(const char* name) const { return (path / name).string(); }
};

}  // namespace

TEST_CASE("safetensors: a hand-written file reads as it says", "[io][safetensors]") {
  // Two floats 1 and -2, one double 0.5, little-endian; the header is not in the writer's style.
  const std::string header =
      "{ \"b\" : {\"shape\":[2,1], \"data_offsets\":[0,8], \"dtype\":\"F32\"},\n"
      "\"__metadata__\":{\"k\\u00e9y\":\"a\\n\\ud83d\\ude00\"},"
      "\"a.w\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[8,16]}}   ";
  const auto file = parse(safetensors_file(header, "\0\0\x80\x3F\0\0\0\xC0\0\0\0\0\0\0\xE0\x3F"s));
  CHECK(file.names() == std::vector<std::string>{"a.w", "b"});
  CHECK(file.tensor<float>("b") == Tensor<float>({2, 1}, {1, -2}));
  CHECK(file.tensor<double>("b") == Tensor<double>({2, 1}, {1, -2}));
  CHECK(file.tensor<double>("a.w") == Tensor<double>(Shape{}, 0.5));
  CHECK(file.tensor<float>("a.w").item() == 0.5f);
  CHECK(file.metadata().size() == 1);
  CHECK(file.metadata("k\xC3\xA9y") == "a\n\xF0\x9F\x98\x80");
  CHECK(file.values<float>("b") == std::vector<float>{1, -2});
  CHECK(file.bytes("b").size() == 8);
}

TEST_CASE("safetensors: the writer gives the reference implementation's bytes",
          "[io][safetensors]") {
  // What Python's safetensors 0.8 writes for the same content: by falling alignment, then name.
  const Tensor<float> w({1, 2}, {1, -2});
  const Tensor<double> v(Shape{}, 0.5);
  const std::vector<std::uint64_t> u{3};
  const std::vector<std::uint8_t> bytes{7};
  const std::string header =
      "{\"__metadata__\":{\"format\":\"pt\"},"
      "\"u\":{\"dtype\":\"U64\",\"shape\":[1],\"data_offsets\":[0,8]},"
      "\"v\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[8,16]},"
      "\"a\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[16,24]},"
      "\"z\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[24,32]},"
      "\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[32,33]}}";
  const std::string padded = header + std::string((8 - header.size() % 8) % 8, ' ');
  const std::string floats = "\0\0\x80\x3F\0\0\0\xC0"s;
  CHECK(io::safetensors_bytes({io::named("z", w), io::named("b", std::span(bytes)),
                               io::named("a", w), io::named("v", v), io::named("u", std::span(u))},
                              {{"format", "pt"}}) ==
        safetensors_file(padded,
                         "\3\0\0\0\0\0\0\0"s + "\0\0\0\0\0\0\xE0\x3F"s + floats + floats + "\7"));
}

TEST_CASE("safetensors: what was written is read back bit for bit", "[io][safetensors]") {
  const Folder folder;
  const std::string path = folder / "model.safetensors";
  Tensor<float> odd({3, 0, 2});
  Tensor<float> w({2, 3},
                  {0.f, -0.f, 1e-45f, std::numeric_limits<float>::infinity(), 0.1f, -3e38f});
  Tensor<double> m({1}, {1.0 / 3});
  const std::vector<std::uint64_t> state{0, ~std::uint64_t{0}, 1234567890123456789u};
  const io::Metadata metadata{{"config", "{\"a\": [1, 2]}\n\t\"\\"}, {"", ""}, {"nul", "\0x"s}};
  io::write_safetensors(path,
                        {io::named("net.0.w", w), io::named("odd", odd), io::named("m", m),
                         io::named("rng", std::span(state))},
                        metadata);
  const auto file = io::read_safetensors(path);
  CHECK(file.names() == std::vector<std::string>{"m", "net.0.w", "odd", "rng"});
  CHECK(file.metadata() == metadata);
  CHECK(std::memcmp(file.tensor<float>("net.0.w").data(), w.data(), 24) == 0);
  CHECK(file.tensor<float>("odd").shape() == Shape{3, 0, 2});
  CHECK(file.tensor<double>("m") == m);
  CHECK(file.values<std::uint64_t>("rng") == state);
  CHECK(file.at("net.0.w").shape == Shape{2, 3});
  // The same content is the same bytes, whatever the order it was given in.
  const std::string bytes = read_file(path, 1 << 20);
  CHECK(bytes == io::safetensors_bytes({io::named("rng", std::span(state)), io::named("m", m),
                                        io::named("net.0.w", w), io::named("odd", odd)},
                                       metadata));
  CHECK(bytes.size() % 8 == 0);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path), {}) == 1);
}

TEST_CASE("safetensors: an empty file of tensors is valid", "[io][safetensors]") {
  CHECK(io::safetensors_bytes({}) == safetensors_file("{}      "));
  CHECK(parse(io::safetensors_bytes({})).tensors().empty());
  CHECK(parse(safetensors_file("{}")).tensors().empty());
}

TEST_CASE("safetensors: other number types convert to float", "[io][safetensors]") {
  const auto one = [](const char* dtype, const std::string& data) {
    const auto file = parse(safetensors_file("{\"x\":{\"dtype\":\""s + dtype +
                                                 "\",\"shape\":[1],\"data_offsets\":[0," +
                                                 std::to_string(data.size()) + "]}}",
                                             data));
    const double value = file.tensor<double>("x").item();
    CHECK(file.tensor<float>("x").item() == static_cast<float>(value));
    return value;
  };
  CHECK(one("BOOL", "\1") == 1);
  CHECK(one("I8", "\xFF") == -1);
  CHECK(one("U8", "\xFF") == 255);
  CHECK(one("I16", "\0\x80"s) == -32768);
  CHECK(one("U16", "\0\x80"s) == 32768);
  CHECK(one("I32", "\0\0\0\x80"s) == -2147483648.0);
  CHECK(one("U32", "\0\0\0\x80"s) == 2147483648.0);
  CHECK(one("I64", std::string(8, '\xFF')) == -1);
  CHECK(one("U64", "\0\0\0\0\0\0\0\x80"s) == 0x1p63);
  CHECK(one("F16", "\0\x3C"s) == 1);
  CHECK(one("BF16", "\x80\x3F"s) == 1);
  CHECK_THROWS_WITH(one("F8_E4M3", "\1"),
                    "file: tensor \"x\" has dtype F8_E4M3, which is no plain number; its bytes() "
                    "can be read");
}

TEST_CASE("safetensors: half precision decodes by its definition", "[io][half]") {
  // value = (-1)^s 2^(e-15) (1 + f/1024), or (-1)^s 2^-14 f/1024 for e = 0: all 65536 of them.
  for (unsigned h = 0; h < 65536; ++h) {
    const int e = static_cast<int>(h >> 10 & 31u);
    const double f = (h & 1023u) / 1024.0;
    const double sign = h & 0x8000u ? -1 : 1;
    const float got = float_from_half(static_cast<std::uint16_t>(h));
    if (e == 31) {
      REQUIRE((f == 0 ? got == sign * std::numeric_limits<double>::infinity() : std::isnan(got)));
    } else {
      REQUIRE(got == sign * (e == 0 ? std::ldexp(f, -14) : std::ldexp(1 + f, e - 15)));
      REQUIRE(std::signbit(got) == (sign < 0));
    }
  }
  CHECK(float_from_bfloat16(0xC049) == -3.140625f);  // -(1 + 73/128) 2
}

TEST_CASE("safetensors: what is asked for wrongly is named", "[io][safetensors]") {
  const Tensor<double> big({2}, {1, 1e300});
  const auto file = parse(io::safetensors_bytes({io::named("big", big)}));
  CHECK_THROWS_WITH(file.tensor<float>("small"), "file: no tensor \"small\" among its 1");
  CHECK_THROWS_WITH(file.metadata("k"), "file: no metadata \"k\"");
  CHECK_THROWS_WITH(file.values<float>("big"), "file: tensor \"big\" has dtype F64, needs F32");
  CHECK_THROWS_WITH(file.tensor<float>("big"),
                    "file: tensor \"big\" holds 1e+300 at element 1, which float can not hold");
  CHECK(file.tensor<double>("big") == big);
  CHECK(file.contains("big"));
  CHECK_FALSE(file.contains("bi"));
}

TEST_CASE("safetensors: finite elements can be required", "[io][safetensors]") {
  const Tensor<float> w({3}, {1, 2, std::numeric_limits<float>::quiet_NaN()});
  const std::string bytes = io::safetensors_bytes({io::named("net.w", w)});
  CHECK(parse(bytes).contains("net.w"));
  CHECK_THROWS_WITH(parse(bytes, {.require_finite = true}),
                    "file: tensor \"net.w\" is not finite at element 2");
}

TEST_CASE("safetensors: the writer refuses what a reader would", "[io][safetensors]") {
  const Tensor<float> w({2});
  const auto bytes_of = [&](std::string name) {
    return io::safetensors_bytes({io::named(std::move(name), w)});
  };
  CHECK_THROWS_AS(bytes_of(""), ArgumentError);
  CHECK_THROWS_AS(bytes_of("__metadata__"), ArgumentError);
  CHECK_THROWS_AS(bytes_of("a\nb"), ArgumentError);
  CHECK_THROWS_AS(bytes_of("a\0b"s), ArgumentError);
  CHECK_THROWS_AS(bytes_of(std::string(513, 'a')), ArgumentError);
  CHECK_THROWS_AS(bytes_of("\xFF"), ArgumentError);
  CHECK_THROWS_WITH(io::safetensors_bytes({io::named("a", w), io::named("a", w)}),
                    "write_safetensors: two tensors named \"a\"");
  CHECK_THROWS_WITH(
      io::safetensors_bytes({{"a", io::DType::f64, Shape{2}, std::as_bytes(w.span())}}),
      "write_safetensors: tensor \"a\" has 8 bytes, which do not fit dtype F64 and shape [2]");
  CHECK_THROWS_AS(io::safetensors_bytes({io::named("a", w)}, {{"k", "\xC0"}}), ArgumentError);
  CHECK(parse(bytes_of(std::string(512, 'a'))).tensors().size() == 1);
}

TEST_CASE("safetensors: a failed write leaves the old file", "[io][safetensors]") {
  const Folder folder;
  const std::string path = folder / "m.safetensors";
  const Tensor<float> w({2}, {1, 2});
  io::write_safetensors(path, {io::named("w", w)});
  CHECK_THROWS_AS(io::write_safetensors(path, {io::named("w", w), io::named("w", w)}),
                  ArgumentError);
  CHECK(io::read_safetensors(path).tensor<float>("w") == w);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path), {}) == 1);
  CHECK_THROWS_WITH(io::read_safetensors(folder / "none"),
                    ContainsSubstring("none: cannot open: No such file"));
}
