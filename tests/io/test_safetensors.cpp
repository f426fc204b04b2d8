// Covers: dtype half safetensors_header safetensors_reader safetensors_types safetensors_writer
//   small_float
#include "foglift/io/safetensors.hpp"
#include "io/safetensors_samples.hpp"
#include "io/small_floats.hpp"
#include "support/catch.hpp"
#include "support/temp_folder.hpp"

#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>

using namespace foglift;
using namespace std::string_literals;

namespace {

io::Safetensors parse(const std::string& bytes, const io::SafetensorsOptions& options = {}) {
  return io::parse_safetensors(std::as_bytes(std::span(bytes)), options, "file");
}

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
  const TempFolder folder;
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
  CHECK_THROWS_WITH(one("C64", "\0\0\x80\x3F\0\0\0\0"s),
                    "file: tensor \"x\" has dtype C64, which is no plain number; its bytes() "
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

TEST_CASE("safetensors: small floating types are read as ml_dtypes reads them", "[io][half]") {
  std::string codes(256, '\0');
  for (int i = 0; i < 256; ++i) codes[static_cast<std::size_t>(i)] = static_cast<char>(i);
  const auto check = [](const char* dtype, const std::string& bytes,
                        std::span<const float> expected) {
    const auto count = std::to_string(expected.size());
    const auto file =
        parse(safetensors_file("{\"x\":{\"dtype\":\""s + dtype + "\",\"shape\":[" + count +
                                   "],\"data_offsets\":[0," + std::to_string(bytes.size()) + "]}}",
                               bytes));
    const auto got = file.tensor<float>("x");
    const auto wide = file.tensor<double>("x");
    bool finite = true;
    for (Index i = 0; i < got.size(); ++i) {
      const float e = expected[static_cast<std::size_t>(i)];
      INFO(dtype << " code " << i);
      CHECK((std::isnan(e) ? std::isnan(got[i])
                           : got[i] == e && std::signbit(got[i]) == std::signbit(e)));
      CHECK((std::isnan(e) || wide[i] == e));
      if (finite && !std::isfinite(e))
        CHECK_THROWS_WITH(file.check_finite(),
                          "file: tensor \"x\" is not finite at element " + std::to_string(i));
      finite = finite && std::isfinite(e);
    }
    if (finite) CHECK_NOTHROW(file.check_finite());
  };
  check("F8_E5M2", codes, small_floats::f8_e5m2);
  check("F8_E4M3", codes, small_floats::f8_e4m3);
  check("F8_E4M3FNUZ", codes, small_floats::f8_e4m3fnuz);
  check("F8_E5M2FNUZ", codes, small_floats::f8_e5m2fnuz);
  check("F8_E8M0", codes, small_floats::f8_e8m0);
  check("F4", "\x10\x32\x54\x76\x98\xBA\xDC\xFE", small_floats::f4);  // first in the low half
}

TEST_CASE("safetensors: numbers round to half precision to nearest, ties to even", "[io][half]") {
  // By definition: the nearest of a half's two neighbours, whose values the decoder knows; at the
  // middle the even one. Neighbours in value are neighbours in code.
  const auto check = [](auto&& narrow, auto&& widen, unsigned infinity) {
    for (unsigned code = 0; code < infinity; ++code) {
      const double low = widen(static_cast<std::uint16_t>(code));
      // Beyond the largest number, where the next one would be.
      const double high = code + 1 == infinity
                              ? 2 * low - widen(static_cast<std::uint16_t>(code - 1))
                              : widen(static_cast<std::uint16_t>(code + 1));
      const double middle = low + (high - low) / 2;
      const unsigned even = code % 2 ? code + 1 : code;
      REQUIRE(narrow(low) == code);
      REQUIRE(narrow(middle) == even);
      REQUIRE(narrow(std::nextafter(middle, 0)) == code);
      REQUIRE(narrow(std::nextafter(middle, 1e300)) == code + 1);
      REQUIRE(narrow(-middle) == (even | 0x8000));
    }
    CHECK(narrow(1e300) == infinity);
    CHECK(narrow(std::numeric_limits<double>::infinity()) == infinity);
    CHECK(narrow(-std::numeric_limits<double>::infinity()) == (infinity | 0x8000));
    CHECK(narrow(5e-324) == 0);
    CHECK(narrow(-0.0) == 0x8000);
    CHECK(std::isnan(widen(narrow(std::numeric_limits<double>::quiet_NaN()))));
    // A NaN whose payload lies in the bits that are dropped.
    CHECK(std::isnan(widen(narrow(std::bit_cast<double>(0x7FF0000000000001)))));
  };
  check(half_from, float_from_half, 0x7C00);
  check(bfloat16_from, float_from_bfloat16, 0x7F80);
  CHECK(bfloat16_from(1 + 0x1p-8 + 0x1p-30) == 0x3F81);  // by way of float it would be 1
}

TEST_CASE("safetensors: tensors are stored in half precision on request", "[io][half]") {
  Tensor<float> w({3}, {1, -2.5f, 0.1f});
  Tensor<double> v({2}, {1 + 0x1p-8 + 0x1p-30, 3e38});
  Tensor<float> many(Shape{5000}, 1.5f);
  const io::Safetensors file = parse(io::safetensors_bytes(
      {io::named("half", w, io::DType::f16), io::named("brain", w, io::DType::bf16),
       io::named("double", v, io::DType::bf16), io::named("many", many, io::DType::f16),
       io::named("whole", w)}));
  CHECK(file.at("half").dtype == io::DType::f16);
  CHECK(file.at("brain").dtype == io::DType::bf16);
  CHECK(file.at("whole").dtype == io::DType::f32);
  CHECK(file.at("whole").begin == 0);  // by falling alignment in the file
  // numpy.float16(0.1) is 0x2E66, ml_dtypes.bfloat16(0.1) 0x3DCD.
  const auto equal = [&](const char* name, const std::string& bytes) {
    const auto got = file.bytes(name);
    return got.size() == bytes.size() && std::memcmp(got.data(), bytes.data(), got.size()) == 0;
  };
  CHECK(equal("half", "\x00\x3C\x00\xC1\x66\x2E"s));
  CHECK(equal("brain", "\x80\x3F\x20\xC0\xCD\x3D"s));
  CHECK(equal("double", "\x81\x3F\x62\x7F"s));
  CHECK(file.tensor<float>("many") == many);
  const float infinity = std::numeric_limits<float>::infinity();
  const Tensor<float> odd({2}, {infinity, -infinity});
  CHECK(parse(io::safetensors_bytes({io::named("x", odd, io::DType::f16)})).tensor<float>("x") ==
        odd);
  many[4500] = 65520;
  CHECK_THROWS_WITH(
      io::safetensors_bytes({io::named("x", many, io::DType::f16)}),
      "write_safetensors: tensor \"x\" holds 65520 at element 4500, which F16 can not "
      "hold");
  many[4500] = 65519;
  CHECK(parse(io::safetensors_bytes({io::named("x", many, io::DType::f16)}))
            .tensor<float>("x")[4500] == 65504);
  CHECK_THROWS_WITH(io::safetensors_bytes({io::named("x", w, io::DType::i8)}),
                    "write_safetensors: tensor \"x\" is to be stored as I8, F16 and BF16 are "
                    "possible");
  const std::vector<std::int32_t> whole{1};
  io::NamedTensor n = io::named("n", std::span(whole));
  n.stored = io::DType::f16;
  CHECK_THROWS_WITH(io::safetensors_bytes({n}),
                    "write_safetensors: tensor \"n\" of dtype I32 is to "
                    "be rounded to F16, F32 and F64 can be");
}

TEST_CASE("safetensors: what other writers may write is read", "[io][safetensors]") {
  const std::string x = "\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}";
  const std::string one = "\0\0\x80\x3F"s;
  // MLX 0.32.4: mx.save_safetensors(PATH, {"x": mx.array([1.0])}).
  const std::string mlx =
      "{\"__metadata__\":null,\"x\":{\"data_offsets\":[0,4],\"dtype\":\"F32\",\"shape\":[1]}}";
  CHECK(parse(safetensors_file(mlx, one)).tensor<float>("x").item() == 1);
  CHECK(parse(safetensors_file(mlx, one)).metadata().empty());
  CHECK(parse(safetensors_file("{" + x + "}\n\t\r ", one)).tensor<float>("x").item() == 1);
  const auto unnamed = parse(one_tensor("\"\""));
  CHECK(unnamed.names() == std::vector<std::string>{""});
  CHECK(unnamed.contains(""));
  const auto file = parse(one_tensor("\"x\"", "\"F32\"", "[1,1,2,1,1,1,2]"));
  CHECK(file.at("x").wide_shape == "[1, 1, 2, 1, 1, 1, 2]");
  CHECK(file.at("x").shape == Shape{});
  CHECK(file.values<float>("x").size() == 4);
  CHECK_THROWS_WITH(
      file.tensor<float>("x"),
      "file: tensor \"x\" has shape [1, 1, 2, 1, 1, 1, 2], a Tensor has rank 6 at most; "
      "its bytes() can be read");
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
  const TempFolder folder;
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

TEST_CASE("safetensors: integers read as integers of any width that holds them",
          "[io][safetensors]") {
  const Tensor<Index> ids({2}, {Index{1} << 60, -5});
  const Tensor<std::uint8_t> mask({2, 2}, {0, 1, 255, 0});
  const Tensor<float> w({2}, {1, 2});
  const auto file = parse(
      io::safetensors_bytes({io::named("ids", ids), io::named("mask", mask), io::named("w", w)}));
  CHECK(file.at("ids").dtype == io::DType::i64);
  CHECK(file.tensor<Index>("ids") == ids);
  CHECK(file.tensor<std::uint8_t>("mask") == mask);
  CHECK(file.tensor<std::int32_t>("mask") == Tensor<std::int32_t>({2, 2}, {0, 1, 255, 0}));
  CHECK_THROWS_WITH(file.tensor<std::int32_t>("ids"),
                    "file: tensor \"ids\" holds 1152921504606846976 at element 0, which an integer "
                    "of 4 bytes can "
                    "not hold");
  CHECK_THROWS_WITH(
      file.tensor<Index>("w"),
      "file: tensor \"w\" holds 1 at element 0, which an integer of 8 bytes can not hold");
}
