// Covers: safetensors_header
#include "foglift/io/safetensors.hpp"
#include "io/safetensors_samples.hpp"
#include "support/catch.hpp"
#include "support/counted_new.hpp"

using namespace foglift;
using namespace std::string_literals;

namespace {

io::Safetensors parse(const std::string& bytes, const io::SafetensorsOptions& options = {}) {
  return io::parse_safetensors(std::as_bytes(std::span(bytes)), options, "bad");
}

/// The message of the FormatError that reading gives, with its heap use checked; "" if it is read.
std::string message_of(const std::string& bytes) {
  std::string message;
  const auto peak = counted::peak_of([&] {
    try {
      parse(bytes);
    } catch (const FormatError& e) {
      message = e.what();
    }
  });
  // The promise of the reader: 4 times the file and 1 MiB, whatever the file claims.
  CHECK(peak <= static_cast<std::ptrdiff_t>(4 * bytes.size() + (1 << 20)));
  return message;
}

const std::string four(16, '\1');

std::vector<BadFile> bad_prefixes() {
  const std::string good = one_tensor();
  const auto length = [&](const std::string& prefix) { return prefix + good.substr(8); };
  return {
      {"nothing", "", "bad: 0 bytes, a safetensors file has at least 8"},
      {"seven bytes", good.substr(0, 7), "bad: 7 bytes, a safetensors file has at least 8"},
      {"length alone", good.substr(0, 8), "in a file of 8"},
      {"length 2^64-1", length(std::string(8, '\xFF')), "header of 18446744073709551615 bytes"},
      {"length 2^63", length("\0\0\0\0\0\0\0\x80"s), "header of 9223372036854775808 bytes"},
      {"length 100 MB", length("\0\xE1\xF5\5\0\0\0\0"s), "at most 16777216 are accepted"},
      {"length 1 beyond the cap", length("\1\0\0\1\0\0\0\0"s), "at most 16777216 are accepted"},
      {"length 1 beyond the file", length("\x50\0\0\0\0\0\0\0"s),
       "header of 80 bytes in a file of"},
      {"length of the cap in a small file", length("\0\0\0\1\0\0\0\0"s), "in a file of"},
      {"length 0", length("\0\0\0\0\0\0\0\0"s), "header byte 0: the header must begin with '{'"},
      {"length 0 and nothing else", "\0\0\0\0\0\0\0\0"s, "must begin with '{'"},
      {"length 1", length("\1\0\0\0\0\0\0\0"s), "header byte 1: the text ends"},
      {"length big-endian", length("\0\0\0\0\0\0\0\x37"s), "at most 16777216 are accepted"},
      {"a zip archive", "PK\3\4\0\0\x08\x08"s + good,
       "bad: a zip archive, as torch.save writes it (.pt, .bin, .ckpt), not safetensors"},
      {"a pickle", "\x80\2}q\0.\0\0\0\0\0\0"s, "bad: a pickle, as old versions of torch.save"},
      {"a NumPy array", "\x93NUMPY\1\0"s + good, "bad: a NumPy array (NPY), not safetensors"},
      {"an index", "{\n  \"metadata\": {}, \"weight_map\": {}}",
       "bad: JSON text, not safetensors; "
       "read_sharded_safetensors reads the index of a sharded model"},
      {"an LFS pointer", "version https://git-lfs.github.com/spec/v1", "bad: a Git LFS pointer"},
      {"an HDF5 file", "\x89HDF\r\n\x1A\n" + good, "bad: an HDF5 file"},
      {"a GGUF file", "GGUF\3\0\0\0\1"s + good, "bad: a GGUF file"},
      {"a gzip archive", "\x1F\x8B\x08\0\0\0\0\0\0\3"s + good, "bad: a gzip archive"},
  };
}

std::vector<BadFile> bad_json() {
  const auto header = [](const std::string& text) { return safetensors_file(text, four); };
  const std::string x = "\"x\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}";
  return {
      {"blank first", header(" {" + x + "}"), "header byte 0: the header must begin with '{'"},
      {"newline first", header("\n{" + x + "}"), "must begin with '{'"},
      {"byte order mark", header("\xEF\xBB\xBF{" + x + "}"), "must begin with '{'"},
      {"an array", header("[]"), "must begin with '{'"},
      {"a number", header("12345678"), "must begin with '{'"},
      {"null", header("null"), "must begin with '{'"},
      {"not closed", header("{" + x), "the text ends where ',' or '}' is needed"},
      {"closed twice", header("{" + x + "}}"), "something follows the object"},
      {"two objects", header("{" + x + "}{}"), "something follows the object"},
      {"form feed at the end", header("{" + x + "}\f"), "something follows the object"},
      {"null at the end", header("{" + x + "}null"), "something follows the object"},
      {"NUL padding", header("{" + x + "}\0"s), "something follows the object"},
      {"trailing comma", header("{" + x + ",}"), "'}' where a string is needed"},
      {"comma alone", header("{,}"), "',' where a string is needed"},
      {"missing colon", header("{\"x\" {}}"), "'{' where ':' is needed"},
      {"key without quotes", header("{x:1}"), "'x' where a string is needed"},
      {"single quotes", header("{'x':1}"), "''' where a string is needed"},
      {"number as key", header("{1:1}"), "'1' where a string is needed"},
      {"comment", header("{/*" + x + "*/}"), "'/' where a string is needed"},
      {"tensor is a number", header("{\"x\":1}"), "'1' where an object is needed"},
      {"tensor is null", header("{\"x\":null}"), "'n' where an object is needed"},
      {"tensor is an array", header("{\"x\":[]}"), "'[' where an object is needed"},
      {"key not closed", header("{\"x"), "the text ends where the end of a string is needed"},
      {"escape not finished", header("{\"x\\"), "the text ends where an escape sequence"},
      {"unknown escape", header("{\"\\x\":1}"), "unknown escape sequence"},
      {"short hexadecimal", header("{\"\\u12\":1}"), "four hexadecimal digits"},
      {"half a surrogate pair", header("{\"\\ud800\":1}"), "half of a surrogate pair"},
      {"low surrogate alone", header("{\"\\udc00\":1}"), "half of a surrogate pair"},
      {"two high surrogates", header("{\"\\ud800\\ud800\":1}"), "half of a surrogate pair"},
      {"control character", header("{\"a\tb\":1}"), "control character in a string"},
      {"NUL in a key", header("{\"a\0b\":1}"s), "control character in a string"},
      {"byte FF", header("{\"\xFF\":1}"), "header byte 2: not UTF-8"},
      {"overlong", header("{\"\xC0\x80\":1}"), "header byte 2: not UTF-8"},
      {"surrogate in UTF-8", header("{\"\xED\xA0\x80\":1}"), "header byte 2: not UTF-8"},
      {"beyond Unicode", header("{\"\xF4\x90\x80\x80\":1}"), "header byte 2: not UTF-8"},
      {"UTF-8 cut by the end", header("{\"\xE2\x82"), "header byte 2: not UTF-8"},
      {"UTF-16", header("{\0\"\0x\0\"\0"s), "'\\x00' where a string is needed"},
      {"100000 brackets", header("{\"x\":" + repeated("[", 100'000)), "'[' where an object"},
      {"100000 objects", header(repeated("{\"x\":", 100'000)), "unknown key \"x\""},
      {"deep shape", one_tensor("\"x\"", "\"F32\"", repeated("[", 50'000)), "'[' where"},
  };
}

std::vector<BadFile> bad_tensors() {
  const auto dtype = [](const std::string& text) { return one_tensor("\"x\"", text); };
  const auto shape = [](const std::string& text) { return one_tensor("\"x\"", "\"F32\"", text); };
  const auto offsets = [](const std::string& text) {
    return one_tensor("\"x\"", "\"F32\"", "[4]", text);
  };
  const auto entry = [](const std::string& text) {
    return safetensors_file("{\"x\":{" + text + "}}", four);
  };
  return {
      {"escaped NUL in a name", one_tensor("\"a\\u0000\""), "control character in its name"},
      {"escaped newline in a name", one_tensor("\"a\\n\""), "control character in its name"},
      {"name of 513 bytes", one_tensor('"' + std::string(513, 'a') + '"'), "longer than 512"},
      {"dtype float32", dtype("\"float32\""), "unknown dtype \"float32\""},
      {"dtype in small letters", dtype("\"f32\""), "unknown dtype \"f32\""},
      {"dtype empty", dtype("\"\""), "unknown dtype \"\""},
      {"dtype long", dtype('"' + std::string(100, 'F') + '"'), "string longer than 64 bytes"},
      {"dtype a number", dtype("32"), "'3' where a string is needed"},
      {"dtype null", dtype("null"), "'n' where a string is needed"},
      {"dtype of another size", dtype("\"F64\""), "its dtype F64 and shape need 32 bytes"},
      {"dtype of a smaller size", dtype("\"F16\""), "its dtype F16 and shape need 8 bytes"},
      {"bits that fill no bytes", one_tensor("\"x\"", "\"F6_E2M3\"", "[3]", "[0,2]"),
       "tensor \"x\" does not fill whole bytes"},
      {"shape a number", shape("4"), "'4' where an array is needed"},
      {"shape null", shape("null"), "'n' where an array is needed"},
      {"shape a string", shape("\"4\""), "'\"' where an array is needed"},
      {"shape negative", shape("[-4]"), "'-' where a non-negative integer is needed"},
      {"shape minus zero", shape("[-0]"), "'-' where a non-negative integer is needed"},
      {"shape plus", shape("[+4]"), "'+' where a non-negative integer is needed"},
      {"shape a fraction", shape("[4.0]"), "without fraction or exponent"},
      {"shape an exponent", shape("[4e0]"), "without fraction or exponent"},
      {"shape a large exponent", shape("[1E400]"), "without fraction or exponent"},
      {"shape with a leading zero", shape("[04]"), "leading zero in a number"},
      {"shape hexadecimal", shape("[0x4]"), "'x' where ',' or ']' is needed"},
      {"shape with text", shape("[\"4\"]"), "'\"' where a non-negative integer is needed"},
      {"shape true", shape("[true]"), "'t' where a non-negative integer is needed"},
      {"shape nested", shape("[[4]]"), "'[' where a non-negative integer is needed"},
      {"shape with a trailing comma", shape("[4,]"), "']' where a non-negative integer"},
      {"shape not closed", shape("[4"), "'\"' where a non-negative integer is needed"},
      {"shape 2^64", shape("[18446744073709551616]"), "number too large"},
      {"shape of 40 digits", shape("[" + std::string(40, '9') + "]"), "number too large"},
      {"shape 2^64-1", shape("[18446744073709551615]"), "is too large"},
      {"shape 2^62 floats wrap to 0", shape("[4611686018427387904]"), "is too large"},
      {"shape 2^32 x 2^32 wraps to 0", shape("[4294967296,4294967296]"), "more elements than"},
      {"shape wraps to 4", shape("[2147483649,2147483649,4]"), "more elements than"},
      {"shape 0 x 2^59 x 2^59", shape("[0,576460752303423488,576460752303423488]"),
       "more elements than"},
      {"shape of one element more", shape("[5]"), "shape need 20 bytes"},
      {"shape of one element less", shape("[3]"), "shape need 12 bytes"},
      {"shape of nothing", shape("[0]"), "shape need 0 bytes"},
      {"shape of rank 0", shape("[]"), "shape need 4 bytes"},
      {"shape of rank 65", shape("[4" + repeated(",1", 64) + "]"), "rank beyond 64"},
      {"shape of rank 7 of 8 elements", shape("[1,1,1,1,2,1,4]"), "shape need 32 bytes"},
      {"shape of rank 7 wraps to 4", shape("[1,1,1,1,2147483649,2147483649,4]"),
       "more elements than"},
      {"shape of rank 100000", shape("[1" + repeated(",1", 100'000) + "]"), "rank beyond 64"},
      {"offsets missing one", offsets("[16]"), "data_offsets has 1 numbers, needs two"},
      {"offsets empty", offsets("[]"), "data_offsets has 0 numbers, needs two"},
      {"offsets three", offsets("[0,16,16]"), "data_offsets has more than two numbers"},
      {"offsets swapped", offsets("[16,0]"), "has data_offsets [16, 0]"},
      {"offsets negative", offsets("[-16,0]"), "'-' where a non-negative integer"},
      {"offsets fractional", offsets("[0,16.0]"), "without fraction or exponent"},
      {"offsets an object", offsets("{}"), "'{' where an array is needed"},
      {"offsets wrap", offsets("[18446744073709551608,8]"), "has data_offsets"},
      {"offsets 2^64", offsets("[0,18446744073709551616]"), "number too large"},
      {"begin after the start", offsets("[4,20]"), "begins at byte 4 of the data"},
      {"no dtype", entry("\"shape\":[4],\"data_offsets\":[0,16]"), "lacks dtype"},
      {"no shape", entry("\"dtype\":\"F32\",\"data_offsets\":[0,16]"), "lacks shape"},
      {"no offsets", entry("\"dtype\":\"F32\",\"shape\":[4]"), "lacks data_offsets"},
      {"nothing about it", entry(""), "tensor \"x\" lacks dtype"},
      {"dtype twice", entry("\"dtype\":\"F32\",\"dtype\":\"F32\""), "of tensor \"x\" comes twice"},
      {"shape twice", entry("\"shape\":[4],\"shape\":[4]"), "of tensor \"x\" comes twice"},
      {"offsets twice", entry("\"data_offsets\":[0,1],\"data_offsets\":[0,1]"), "comes twice"},
      {"dtype twice by an escape", entry("\"dtype\":\"F32\",\"\\u0064type\":\"F32\""),
       "comes twice"},
      {"unknown key", entry("\"strides\":[1]"), "unknown key \"strides\" of tensor \"x\""},
      {"key in capitals", entry("\"DTYPE\":\"F32\""), "unknown key \"DTYPE\""},
      {"key that steers a terminal", entry("\"\\u001b[2J\":1"), "unknown key \"\\x1B[2J\""},
      {"long key", entry('"' + std::string(1000, 'k') + "\":1"), "string longer than 64 bytes"},
  };
}

std::vector<BadFile> bad_layouts() {
  const std::string x = "\"x\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}";
  const auto metadata = [](const std::string& text) {
    return safetensors_file("{\"__metadata__\":" + text + "}");
  };
  std::string many = "{";
  for (int i = 0; i <= 100'000; ++i)
    many += (i ? ",\"" : "\"") + std::to_string(i) +
            "\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}";
  std::string notes = "{";
  for (int i = 0; i <= 8192; ++i) notes += (i ? ",\"" : "\"") + std::to_string(i) + "\":\"\"";
  return {
      {"a byte too many", one_tensor() + '\0', "take 16 bytes, the file has 17"},
      {"a second file behind", one_tensor() + one_tensor(), "take 16 bytes, the file has"},
      {"a byte too few", one_tensor().substr(0, one_tensor().size() - 1), "the file has 15"},
      {"data without tensors", safetensors_file("{}", four), "take 0 bytes, the file has 16"},
      {"hole", byte_tensors({{0, 4}, {8, 16}}, 16), "\"b\" begins at byte 8"},
      {"hole of one byte", byte_tensors({{0, 7}, {8, 16}}, 16), "the tensors before it end at 7"},
      {"hole at the start", byte_tensors({{1, 16}}, 16), "begins at byte 1"},
      {"hole at the end", byte_tensors({{0, 15}}, 16), "take 15 bytes, the file has 16"},
      {"overlap", byte_tensors({{0, 8}, {4, 16}}, 16), "\"b\" begins at byte 4"},
      {"the same bytes twice", byte_tensors({{0, 16}, {0, 16}}, 16), "begins at byte 0"},
      {"one inside the other", byte_tensors({{0, 16}, {4, 8}}, 16), "\"b\" begins at byte 4"},
      {"an empty one inside", byte_tensors({{0, 16}, {8, 8}}, 16), "\"b\" begins at byte 8"},
      {"an empty one beyond", byte_tensors({{0, 16}, {20, 20}}, 16), "begins at byte 20"},
      {"a tensor twice", safetensors_file("{" + x + "," + x + "}"), "tensor \"x\" comes twice"},
      {"a tensor twice by an escape",
       safetensors_file("{" + x +
                        ",\"\\u0078\":{\"dtype\":\"U8\",\"shape\":[0],"
                        "\"data_offsets\":[0,0]}}"),
       "tensor \"x\" comes twice"},
      {"100001 tensors", safetensors_file(many + "}"), "more than 100000 tensors"},
      {"metadata a string", metadata("\"a\""), "'\"' where an object is needed"},
      {"metadata nul", metadata("nul"), "'n' where an object is needed"},
      {"metadata true", metadata("true"), "'t' where an object is needed"},
      {"metadata null and more", metadata("null{}"), "'{' where ',' or '}' is needed"},
      {"metadata null twice", metadata("null,\"__metadata__\":null"), "__metadata__ comes twice"},
      {"metadata with a number", metadata("{\"a\":1}"), "'1' where a string is needed"},
      {"metadata with an object", metadata("{\"a\":{}}"), "'{' where a string is needed"},
      {"metadata with null", metadata("{\"a\":null}"), "'n' where a string is needed"},
      {"metadata key twice", metadata("{\"a\":\"1\",\"a\":\"2\"}"), "\"a\" comes twice"},
      {"metadata twice", metadata("{},\"__metadata__\":{}"), "__metadata__ comes twice"},
      {"metadata of 8193 entries", metadata(notes + "}"), "more than 8192 metadata entries"},
      {"metadata not closed", metadata("{\"a\":\"b\""), "the text ends where ',' or '}'"},
  };
}

}  // namespace

TEST_CASE("safetensors: a bad file gives the right error in bounded memory", "[io][hostile]") {
  CHECK(message_of(one_tensor()) == "");  // the pattern of many of them is good
  int count = 0;
  for (const auto& group : {bad_prefixes(), bad_json(), bad_tensors(), bad_layouts()}) {
    for (const BadFile& file : group) {
      ++count;
      INFO(file.name);
      const std::string message = message_of(file.bytes);
      CHECK_THAT(message, ContainsSubstring(file.message));
      CHECK(message.rfind("bad: ", 0) == 0);
    }
  }
  CHECK(count >= 140);
}

TEST_CASE("safetensors: large files of small pieces stay in bounded memory", "[io][hostile]") {
  std::string tensors = "{";
  for (int i = 0; i < 20'000; ++i)
    tensors += (i ? ",\"" : "\"") + std::to_string(i) +
               "\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[" + std::to_string(i) + "," +
               std::to_string(i + 1) + "]}";
  CHECK(message_of(safetensors_file(tensors + "}", std::string(20'000, '\1'))) == "");
  std::string names = "{";
  for (int i = 10'000; i < 30'000; ++i)
    names += (i > 10'000 ? ",\"aaaaaaaaaaaaaaa" : "\"aaaaaaaaaaaaaaa") + std::to_string(i) +
             "\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}";
  CHECK(message_of(safetensors_file(names + "}")) == "");
  for (const int rank : {7, 16, 64}) {
    std::string wide = "{";
    for (int i = 10'000; i < 30'000; ++i)
      wide += (i > 10'000 ? ",\"" : "\"") + std::to_string(i) +
              "\":{\"dtype\":\"U8\",\"shape\":[0" + repeated(",1", rank - 1) +
              "],\"data_offsets\":[0,0]}";
    CHECK(message_of(safetensors_file(wide + "}")) == "");
  }
  std::string shortest = "{";
  for (int i = 0; i < 20'000; ++i)
    shortest += (i ? ",\"" : "\"") + std::to_string(i) +
                "\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}";
  // Braces in a string make no room for tensors.
  CHECK(message_of(safetensors_file(shortest + ",\"__metadata__\":{\"a\":\"" +
                                    repeated("{", 4'000'000) + "\"}}")) == "");
  CHECK(message_of(safetensors_file("{\"__metadata__\":{\"a\":\"" + std::string(9'000'000, 'a') +
                                    "\"}}")) == "");
  CHECK(message_of(safetensors_file("{\"__metadata__\":{\"a\":\"" + repeated("\\\"", 4'000'000) +
                                    "\"}}")) == "");
  std::string notes = "{";
  for (int i = 0; i < 8192; ++i) notes += (i ? ",\"" : "\"") + std::to_string(i) + "\":\"\"";
  CHECK(message_of(safetensors_file("{\"__metadata__\":" + notes + "}}")) == "");
}

TEST_CASE("safetensors: no truncation of a good file is read", "[io][hostile]") {
  const Tensor<float> w({2, 2}, {1, 2, 3, 4});
  const std::string good =
      io::safetensors_bytes({io::named("net.w", w), io::named("net.b", w)}, {{"step", "12"}});
  REQUIRE(message_of(good) == "");
  for (std::size_t n = 0; n < good.size(); ++n) {
    INFO(n << " of " << good.size() << " bytes");
    CHECK(message_of(good.substr(0, n)) != "");
  }
}

TEST_CASE("safetensors: a flipped bit is an error or another valid file", "[io][hostile]") {
  const Tensor<float> w({2, 2}, {1, 2, 3, 4});
  const std::string good =
      io::safetensors_bytes({io::named("net.w", w), io::named("net.b", w)}, {{"step", "12"}});
  const std::size_t data = 2 * 16;
  int read = 0;
  for (std::size_t bit = 0; bit < 8 * (good.size() - data); ++bit) {
    std::string bytes = good;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ 1 << bit % 8);
    INFO("bit " << bit);
    if (!message_of(bytes).empty()) continue;
    ++read;  // a letter of a name or of the metadata, or F32 read as another type of 32 bits
    const auto file = parse(bytes);
    std::size_t size = 0;
    for (const auto& tensor : file.tensors()) {
      size += file.bytes(tensor.name).size();
      CHECK(tensor.shape.size() == 4);
    }
    CHECK(size == data);
    CHECK(file.names().size() == 2);
  }
  // Names: 10 letters; metadata: 6 letters, 7 usable bits each at most.
  CHECK(read > 60);
  CHECK(read < 2 * 8 * 16);
}

TEST_CASE("safetensors: the limits are the caller's", "[io][hostile]") {
  const std::string good = one_tensor();
  CHECK_THROWS_WITH(parse(good, {.max_file_bytes = 20}),
                    ContainsSubstring("bytes, at most 20 are accepted"));
  CHECK_THROWS_WITH(parse(good, {.max_header_bytes = 20}),
                    ContainsSubstring("at most 20 are accepted"));
  CHECK_THROWS_WITH(parse(good, {.max_tensors = 0}), ContainsSubstring("more than 0 tensors"));
}
