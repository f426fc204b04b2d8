// Covers: diffusers_names layers/attention layers/embedding load_weights residual same_padding
//   save_weights unet weight_names
#include "foglift/core/atomic_file.hpp"
#include "foglift/io/diffusers_names.hpp"
#include "foglift/io/load_weights.hpp"
#include "foglift/io/save_weights.hpp"
#include "foglift/nn/layers/linear.hpp"
#include "foglift/nn/nets/unet.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>

#include <unistd.h>

using namespace foglift;

// UNet2DModels of diffusers 0.42.1 with random weights: unet/make_unet.py.

namespace {

io::Safetensors stored(const std::string& name) {
  return io::read_safetensors(FOGLIFT_SOURCE_DIR "/tests/reference/unet/" + name + ".safetensors");
}

nn::UNetOptions plain() {
  return {.in = 1,
          .width = 8,
          .multipliers = {1, 2},
          .blocks = 1,
          .attention = {1},
          .head_width = 4,
          .groups = 4,
          .embedding = {.classes = 3}};
}
nn::UNetOptions ddpm() {
  return {.in = 3,
          .width = 4,
          .multipliers = {1, 2, 2, 2},
          .blocks = 2,
          .attention = {1},
          .heads = 1,
          .groups = 4,
          .norm_eps = 1e-6,
          .same_padding = true,
          .embedding = {.frequency_shift = 1, .sines_first = true}};
}
nn::UNetOptions film() {
  return {.in = 2,
          .out = 4,
          .width = 8,
          .multipliers = {1, 2},
          .blocks = 1,
          .attention = {1},
          .head_width = 8,
          .groups = 4,
          .norm_eps = 0.05,
          .scale_shift = true,
          .embedding = {.width = 12}};
}

template <Scalar T = float>
nn::UNet2d<T> loaded(const std::string& name, const nn::UNetOptions& options) {
  Rng rng(1);
  nn::UNet2d<T> net(options, rng);
  io::load_weights(net, stored(name), io::diffusers_names);
  return net;
}

/// Largest difference from what diffusers answered, over the largest answer.
template <Scalar T = float>
double distance(const std::string& name, const nn::UNet2d<T>& net,
                const std::vector<Index>& labels = {}) {
  const auto file = stored("answers");
  const auto y =
      net(file.tensor<T>(name + ".x"), file.tensor<T>(name + ".time"), {.labels = labels});
  const auto wanted = file.tensor<T>(name + ".y");
  REQUIRE(y.shape() == wanted.shape());
  double error = 0, size = 0;
  for (Index i = 0; i < y.size(); ++i) {
    error = std::max(error, static_cast<double>(std::abs(y[i] - wanted[i])));
    size = std::max(size, static_cast<double>(std::abs(wanted[i])));
  }
  return error / size;
}

/// The message of the error of loading, "" if there is none; the network must be as it was then.
template <class Net, class... Names>
std::string message(Net& net, const io::Safetensors& file, const Names&... names) {
  const Net before = net;
  try {
    io::load_weights(net, file, names...);
  } catch (const FormatError& e) {
    const auto old = nn::state(before), now = nn::state(net);
    for (std::size_t i = 0; i < old.size(); ++i) REQUIRE(*old[i].tensor == *now[i].tensor);
    return e.what();
  }
  return "";
}

}  // namespace

// Both sides round each of some hundred operations in a row to 2^-24, about 1e-6 of the
// activations. diffusers makes the angles of the time in float, up to 94 radians of a rounded
// frequency: 6e-6.
TEST_CASE("diffusers weights: a network with classes answers the same", "[reference][weights]") {
  CHECK(distance("plain", loaded("plain", plain()), {0, 2, -1, 1}) < 1e-5);
}
TEST_CASE("diffusers weights: a network of the DDPM checkpoints answers the same",
          "[reference][weights]") {
  CHECK(distance("ddpm", loaded("ddpm", ddpm())) < 1e-5);
}
TEST_CASE("diffusers weights: a network scaled and shifted by time answers the same",
          "[reference][weights]") {
  CHECK(distance("film", loaded("film", film())) < 1e-5);
}
TEST_CASE("diffusers weights: a network in double is loaded from the same file",
          "[reference][weights]") {
  CHECK(distance<double>("ddpm", loaded<double>("ddpm", ddpm())) < 1e-5);
}

// Step i of a chain of 1000 lies at the time (i + 1) / 1000 here, and diffusers' network is told i.
TEST_CASE("diffusers weights: an offset makes timesteps of a chain's times",
          "[reference][weights]") {
  nn::UNetOptions o = ddpm();
  o.embedding.time_offset = -1;
  const auto net = loaded<double>("ddpm", o);
  const auto file = stored("answers");
  auto time = file.tensor<double>("ddpm.time");
  const auto plain = loaded<double>("ddpm", ddpm())(file.tensor<double>("ddpm.x"), time);
  for (double& t : time) t += 0.001;
  const auto y = net(file.tensor<double>("ddpm.x"), time);
  for (Index i = 0; i < y.size(); ++i) REQUIRE(std::abs(y[i] - plain[i]) < 1e-10);
}

TEST_CASE("diffusers weights: each option is needed", "[reference][weights]") {
  const auto without = [](auto&& change) {
    nn::UNetOptions o = ddpm();
    change(o);
    return distance("ddpm", loaded("ddpm", o));
  };
  CHECK(without([](auto&) {}) < 1e-5);
  CHECK(without([](auto& o) { o.same_padding = false; }) > 1e-2);
  CHECK(without([](auto& o) { o.embedding.frequency_shift = 0; }) > 1e-3);
  CHECK(without([](auto& o) { o.embedding.sines_first = false; }) > 1e-2);
  CHECK(without([](auto& o) { o.heads = 2; }) > 1e-3);
  CHECK(without([](auto& o) { o.norm_eps = 0.05; }) > 1e-3);
}

TEST_CASE("load_weights: what does not fit is told in one error", "[reference][weights]") {
  Rng rng(1);
  nn::UNetOptions o = plain();
  o.embedding.classes = 4;
  o.blocks = 2;
  o.attention = {};
  o.middle_attention = false;
  nn::UNet2d<float> net(o, rng);
  const std::string text = message(net, stored("plain"), io::diffusers_names);
  CHECK_THAT(text, ContainsSubstring("plain.safetensors: "));
  CHECK_THAT(text, ContainsSubstring("tensors do not fit the model:\n  missing: "
                                     "down.0.blocks.1.norm1.weight "
                                     "(down_blocks.0.resnets.1.norm1.weight)\n  missing: "));
  CHECK_THAT(text, ContainsSubstring(" more\n  surplus: "));
  CHECK_THAT(text, ContainsSubstring("\n  shape: embedding.classes.weight [5, 32] from "
                                     "class_embedding.weight [4, 32]"));
  CHECK(std::count(text.begin(), text.end(), '\n') <= 18);
}

TEST_CASE("load_weights: own names in own layout are the default", "[reference][weights]") {
  Rng rng(1);
  const nn::Linear<float> from({.in = 2, .out = 3}, rng);
  nn::Linear<float> to({.in = 2, .out = 3}, rng);
  const auto write = [](std::vector<io::NamedTensor> tensors) {
    const std::string bytes = io::safetensors_bytes(std::move(tensors));
    return io::parse_safetensors(std::as_bytes(std::span(bytes)), {}, "file");
  };
  const auto bias = io::named("bias", from.bias->value);
  io::load_weights(to, write({io::named("weight", from.weight.value), bias}));
  CHECK(to.weight.value == from.weight.value);
  CHECK(to.bias->value == from.bias->value);
  // A table of one's own: two parts of PyTorch's layout, joined.
  const Tensor<float> one({1, 2}, {1, 4}), two({2, 2}, {2, 5, 3, 6});
  const io::WeightNames names{{"weight", {"a.w", "b.w"}}, {"*", {"a.*"}}};
  io::load_weights(
      to,
      write({io::named("a.w", one), io::named("b.w", two), io::named("a.bias", from.bias->value)}),
      names);
  CHECK(to.weight.value == Tensor<float>({2, 3}, {1, 2, 3, 4, 5, 6}));
  // Any function will do.
  io::load_weights(
      to,
      write({io::named("net.weight", from.weight.value), io::named("net.bias", from.bias->value)}),
      [](std::string_view name) {
        return std::vector<io::WeightSource>{{{"net." + std::string(name)}, io::Layout::foglift}};
      });
  CHECK(to.weight.value == from.weight.value);

  CHECK(message(to, write({bias})) ==
        "file: 1 tensors do not fit the model:\n  missing: weight (weight)");
  CHECK(message(to, write({bias, io::named("weight", one), io::named("a\"", two)})) ==
        "file: 2 tensors do not fit the model:\n  surplus: a\"\n  shape: weight [2, 3] from weight "
        "[1, 2]");
  const Tensor<float> flat({2}, {2, 3});  // the last extents would make three
  CHECK(message(to, write({bias, io::named("a.w", one), io::named("b.w", flat)}),
                io::WeightNames{{"weight", {"a.w", "b.w"}}, {"bias", {"bias"}}}) ==
        "file: 1 tensors do not fit the model:\n  shape: weight [2, 3] from a.w [1, 2], b.w [2]");
  CHECK(message(to, write({bias}), io::WeightNames{{"bias", {"bias"}}}) ==
        "file: 1 tensors do not fit the model:\n  missing: weight (no name for it)");
}

TEST_CASE("save_weights: a network's weights alone are loaded again", "[reference][weights]") {
  std::string path = (std::filesystem::temp_directory_path() / "foglift-XXXXXX").string();
  const int fd = ::mkstemp(path.data());
  REQUIRE(fd >= 0);
  ::close(fd);
  const auto net = loaded("film", film());
  io::save_weights(path, net);
  Rng rng(2);
  nn::UNet2d<float> again(film(), rng);
  io::load_weights(again, io::read_safetensors(path));
  CHECK(distance("film", again) == distance("film", net));
  // The weights were made in bfloat16: halving them once more changes none.
  io::save_weights(path, net, {.stored = io::DType::bf16});
  CHECK(io::read_safetensors(path).at("input.weight").dtype == io::DType::bf16);
  nn::UNet2d<float> halved(film(), rng);
  io::load_weights(halved, io::read_safetensors(path));
  CHECK(distance("film", halved) == distance("film", net));
  auto other = film();
  other.head_width = 4;
  nn::UNet2d<float> of_others(other, rng);
  CHECK(message(of_others, io::read_safetensors(path)) ==
        path + ": made for head_width = 8, used for head_width = 4");
  std::filesystem::remove(path);
}

TEST_CASE("load_weights: patterns match piece by piece", "[reference][weights]") {
  const io::WeightNames names{{"a.*.b.*", {"x.*.*", "y.*.*"}}, {"a.1.*.c", {"z.*"}}};
  const auto sources = names("a.1.b.c");
  REQUIRE(sources.size() == 2);
  CHECK(sources[0].names == std::vector<std::string>{"x.1.c", "y.1.c"});
  CHECK(sources[1].names == std::vector<std::string>{"z.b"});
  for (const char* other : {"a.1.b", "a.1.b.c.d", "a..", "", "b.1.b.c", "aa.1.b.c"}) {
    INFO(other);
    CHECK(names(other).empty());
  }
  CHECK_THROWS_AS((io::WeightNames{{"a.*", {"b"}}}), ArgumentError);
  CHECK_THROWS_AS((io::WeightNames{{"a", {}}}), ArgumentError);
}
