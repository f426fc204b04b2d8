// Covers: json safetensors_sharded
#include "foglift/core/atomic_file.hpp"
#include "foglift/io/safetensors.hpp"
#include "io/safetensors_samples.hpp"
#include "support/catch.hpp"

#include <filesystem>

using namespace foglift;
using namespace std::string_literals;

namespace {

/// A model of two files as huggingface_hub writes it, in a folder of its own.
struct Model {
  std::filesystem::path folder;
  std::string index;

  Model() {
    std::string name = (std::filesystem::temp_directory_path() / "foglift-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    folder = name;
    index = file("model.safetensors.index.json");
    const Tensor<float> a({2}, {1, 2}), b({1}, {3}), c({2, 1}, {4, 5});
    io::write_safetensors(file("model-00001-of-00002.safetensors"),
                          {io::named("a", a), io::named("z", b)},
                          {{"format", "pt"}, {"part", "1"}});
    io::write_safetensors(file("model-00002-of-00002.safetensors"), {io::named("m", c)},
                          {{"format", "np"}, {"other", "2"}});
    write_index(
        "\"a\": \"model-00001-of-00002.safetensors\", \"m\": "
        "\"model-00002-of-00002.safetensors\", \"z\": \"model-00001-of-00002.safetensors\"");
  }
  ~Model() { std::filesystem::remove_all(folder); }

  std::string file(const char* name) const { return (folder / name).string(); }
  void write_index(const std::string& map) const {
    write_file(index,
               "{\n  \"metadata\": {\"total_size\": 20, \"x\": [1.5e3, {\"y\": null}, true]},\n"
               "  \"weight_map\": {" +
                   map + "}\n}\n");
  }
  std::string message() const {
    try {
      io::read_sharded_safetensors(index);
    } catch (const FormatError& e) {
      return e.what();
    }
    return "";
  }
};

}  // namespace

TEST_CASE("sharded safetensors: all files are read by their index", "[io][sharded]") {
  const Model model;
  const auto all = io::read_sharded_safetensors(model.index);
  CHECK(all.source() == model.index);
  CHECK(all.names() == std::vector<std::string>{"a", "m", "z"});
  CHECK(all.tensor<float>("a") == Tensor<float>({2}, {1, 2}));
  CHECK(all.tensor<float>("m") == Tensor<float>({2, 1}, {4, 5}));
  CHECK(all.tensor<float>("z") == Tensor<float>({1}, {3}));
  CHECK(all.metadata() == io::Metadata{{"format", "pt"}, {"other", "2"}, {"part", "1"}});
  // A path without a folder.
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(model.folder);
  CHECK(io::read_sharded_safetensors("model.safetensors.index.json").tensors().size() == 3);
  std::filesystem::current_path(before);
}

TEST_CASE("sharded safetensors: tensors beside the index are left out", "[io][sharded]") {
  const Model model;
  model.write_index("\"z\": \"model-00001-of-00002.safetensors\"");
  const auto all = io::read_sharded_safetensors(model.index);
  CHECK(all.names() == std::vector<std::string>{"z"});
  CHECK(all.tensor<float>("z").item() == 3);
}

TEST_CASE("sharded safetensors: no index leads out of its folder", "[io][sharded]") {
  const Model model;
  const Tensor<float> secret({1}, {7});
  const std::string outside = model.file("outside");
  std::filesystem::create_directory(outside);
  io::write_safetensors(outside + "/s.safetensors", {io::named("a", secret)});
  for (const char* name : {"outside/s.safetensors", "../s.safetensors", "..", ".", "",
                           "/etc/passwd", "outside\\\\s.safetensors", "a\\u0000b"}) {
    INFO(name);
    model.write_index("\"a\": \""s + name + "\"");
    CHECK_THAT(model.message(), ContainsSubstring("is not the name of a file in the same folder"));
  }
}

TEST_CASE("sharded safetensors: a wrong index is named", "[io][sharded]") {
  const Model model;
  const auto message = [&](const std::string& text) {
    write_file(model.index, text);
    return model.message();
  };
  CHECK_THAT(message("{}"), ContainsSubstring("index.json: no weight_map, as the index of a"));
  CHECK_THAT(message("[]"), ContainsSubstring("index.json: no index of a sharded model"));
  CHECK_THAT(message(io::safetensors_bytes({})),
             ContainsSubstring("read_safetensors reads single files"));
  CHECK_THAT(message("{\"weight_map\": 1}"), ContainsSubstring("byte 15: '1' where an object"));
  CHECK_THAT(message("{\"weight_map\": {\"a\": 1}}"), ContainsSubstring("'1' where a string"));
  CHECK_THAT(message("{\"weight_map\": {}, \"weight_map\": {}}"), ContainsSubstring("comes twice"));
  CHECK_THAT(message("{\"weight_map\": {\"a\": \"f\", \"a\": \"f\"}}"),
             ContainsSubstring("tensor \"a\" comes twice"));
  CHECK_THAT(message("{\"weight_map\": {}} x"), ContainsSubstring("something follows"));
  CHECK_THAT(message("{\"x\": " + repeated("[", 100'000)), ContainsSubstring("nested too deeply"));
  CHECK_THAT(message("{\"x\": [,]}"), ContainsSubstring("',' where a value is needed"));
  CHECK_THAT(message("{\"x\": nul}"), ContainsSubstring("'n' where a value is needed"));
  CHECK_THAT(message("{\"x\": }"), ContainsSubstring("'}' where a value is needed"));
  CHECK_THAT(message("{\"x\""), ContainsSubstring("the text ends"));
  CHECK(message("{\"weight_map\": {}}") == "");
}

TEST_CASE("sharded safetensors: a file that does not fit its index is named", "[io][sharded]") {
  const Model model;
  model.write_index("\"a\": \"model-00002-of-00002.safetensors\"");
  CHECK(model.message() == model.file("model-00002-of-00002.safetensors") +
                               ": no tensor \"a\", which the index places in this file");
  model.write_index("\"a\": \"none.safetensors\"");
  CHECK_THAT(model.message(), ContainsSubstring("none.safetensors: cannot open: No such file"));
  CHECK_THROWS_WITH(io::read_safetensors(model.index),
                    ContainsSubstring("JSON text, not safetensors; read_sharded_safetensors"));
  const Model again;
  const std::uint64_t size =
      std::filesystem::file_size(again.file("model-00001-of-00002.safetensors")) +
      std::filesystem::file_size(again.file("model-00002-of-00002.safetensors"));
  CHECK_NOTHROW(io::read_sharded_safetensors(again.index, {.max_file_bytes = size}));
  CHECK_THROWS_WITH(io::read_sharded_safetensors(again.index, {.max_file_bytes = size - 1}),
                    ContainsSubstring("index.json: files of more than"));
  CHECK_THROWS_WITH(io::read_sharded_safetensors(again.index, {.max_tensors = 2}),
                    ContainsSubstring("index.json: more than 2 tensors"));
}
