// Covers: checkpoint_format choices dit io/checkpoint layers/embedding loss_history unet_options
// Alone: it takes long to compile.
// Everything that is trained, saved, and restored into one that was built alike from other random
// numbers: what it returns has the same bits.
#include "foglift/diffusion/density/loss_history.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "foglift/diffusion/schedule/learned.hpp"
#include "foglift/diffusion/solver/analytic_ddpm.hpp"
#include "foglift/diffusion/solver/learned_ddpm.hpp"
#include "foglift/io/checkpoint.hpp"
#include "foglift/nn/layers/recurrent.hpp"
#include "foglift/nn/nets/dit.hpp"
#include "foglift/nn/nets/mlp.hpp"
#include "foglift/nn/nets/unet.hpp"
#include "foglift/nn/nets/uvit.hpp"
#include "foglift/train/rules/adam.hpp"
#include "foglift/train/rules/sgd.hpp"
#include "nn/denoiser_checks.hpp"
#include "train/curve.hpp"

using namespace foglift;
using foglift::test::randomize;
using foglift::test::same_bits;

namespace {

/// A state with weights, an average and a best average that are all different.
template <class Model>
auto state_of(Model model, std::uint64_t seed) {
  train::FitState state(std::move(model), train::AdamW<float>(), seed);
  randomize(state.model, seed);
  randomize(state.ema, seed + 1);
  state.best = state.ema;
  randomize(*state.best, seed + 2);
  return state;
}

template <class State>
void through_a_file(const State& from, State& to) {
  io::Checkpoint(io::checkpoint_bytes(from, ""), "memory").restore(to);
}

/// output(model) is the same for what was saved and what was restored, for the weights, their
/// average and the best ones, and for the best ones taken alone.
template <class Model, class Output>
void check_restored(const typename Model::Options& options, const Output& output) {
  Rng one(1), two(2);
  const auto saved = state_of(Model(options, one), 10);
  auto restored = state_of(Model(options, two), 20);
  REQUIRE_FALSE(same_bits(output(saved.result()), output(restored.result())));
  Model alone(options, two);
  through_a_file(saved, restored);
  CHECK(same_bits(output(saved.model), output(restored.model)));
  CHECK(same_bits(output(saved.ema), output(restored.ema)));
  CHECK(same_bits(output(saved.result()), output(restored.result())));
  io::Checkpoint(io::checkpoint_bytes(saved, ""), "memory").weights(alone);
  CHECK(same_bits(output(saved.result()), output(alone)));
}

template <class Net>
void check_network(const typename Net::Options& options, const Shape& shape,
                   const nn::Condition<float>& condition = {}) {
  const auto x = Rng(3).normal<float>(shape);
  const auto t = test::times<float>(shape[0]);
  check_restored<Net>(options, [&](const Net& net) { return net(x, t, condition); });
}

struct Pair {
  std::vector<nn::Mlp<float>> nets;
  std::optional<nn::Dit1d<float>> maybe;
  static void each(auto& self, auto&& f) {
    f("nets", self.nets);
    f("maybe", self.maybe);
  }
};

nn::Condition<float> everything() { return test::told<float>(3, 4, 5); }

/// Why a model of `other` options takes nothing from the file of one of `options`; "" if it does.
template <class Model>
std::string refusal(const typename Model::Options& options, const typename Model::Options& other) {
  Rng rng(1);
  const auto saved = state_of(Model(options, rng), 10);
  auto restored = state_of(Model(other, rng), 20);
  const io::Checkpoint file(io::checkpoint_bytes(saved, ""), "run");
  std::string by_weights, by_state;
  try {
    file.weights(restored.model);
  } catch (const FormatError& e) {
    by_weights = e.what();
  }
  try {
    file.restore(restored);
  } catch (const FormatError& e) {
    by_state = e.what();
  }
  CHECK(by_weights == by_state);
  return by_state;
}

}  // namespace

TEST_CASE("restore: every network returns what the saved one returned", "[io][restore]") {
  check_network<nn::Mlp<float>>(
      {.in = 3, .width = 16, .embedding = {.time_scale = 30, .fourier = 4}}, {3, 3});
  check_network<nn::Mlp<float>>({.in = 3, .width = 16, .embedding = {.classes = 4, .vector = 2}},
                                {3, 3}, [] {
                                  auto c = everything();
                                  c.sequence.reset(), c.mask.reset();
                                  return c;
                                }());
  const nn::UNetOptions unet{.in = 2,
                             .width = 8,
                             .multipliers = {1, 2},
                             .blocks = 1,
                             .attention = {1},
                             .heads = 2,
                             .groups = 4,
                             .padding = Padding::circular,
                             .scale_shift = true,
                             .sequence = 3,
                             .embedding = {.classes = 4, .vector = 2}};
  check_network<nn::UNet1d<float>>(unet, {3, 8, 2}, everything());
  check_network<nn::UNet2d<float>>(unet, {3, 4, 6, 2}, everything());
  nn::TransformerOptions transformer{.in = 2,
                                     .patch = 2,
                                     .width = 16,
                                     .depth = 3,
                                     .heads = 4,
                                     .ratio = 2,
                                     .sequence = 3,
                                     .embedding = {.classes = 4, .vector = 2}};
  check_network<nn::Dit1d<float>>(transformer, {3, 8, 2}, everything());
  check_network<nn::UVit1d<float>>(transformer, {3, 8, 2}, everything());
  transformer.extents = {4, 8};
  check_network<nn::Dit2d<float>>(transformer, {3, 4, 8, 2}, everything());
  check_network<nn::UVit2d<float>>(transformer, {3, 4, 8, 2}, everything());
  const auto x = Rng(3).normal<float>({3, 7, 2});
  check_restored<nn::Gru<float>>({.in = 2, .hidden = 5, .layers = 2},
                                 [&](const auto& net) { return net(x).sequence; });
  check_restored<nn::Lstm<float>>({.in = 2, .hidden = 5, .layers = 2},
                                  [&](const auto& net) { return net(x).sequence; });
}

TEST_CASE("restore: a network whose options are others, of weights alike, is refused by name",
          "[io][restore]") {
  const nn::UNetOptions unet{.width = 8, .multipliers = {1}, .blocks = 1, .heads = 2, .groups = 4};
  CHECK(refusal<nn::UNet1d<float>>(unet, unet).empty());
  auto other = unet;
  other.heads = 4;
  CHECK_THAT(refusal<nn::UNet1d<float>>(unet, other),
             ContainsSubstring("run: made for heads = 2, used for heads = 4"));
  other = unet;
  other.groups = 8;
  CHECK_THAT(refusal<nn::UNet1d<float>>(unet, other),
             ContainsSubstring("made for groups = 4, used for groups = 8"));
  other = unet;
  other.padding = Padding::circular;
  CHECK_THAT(refusal<nn::UNet1d<float>>(unet, other),
             ContainsSubstring("made for padding = zero, used for padding = circular"));
  other = unet;
  other.norm_eps = 1e-6;
  CHECK_THAT(refusal<nn::UNet1d<float>>(unet, other),
             ContainsSubstring("made for norm_eps = 1e-05, used for norm_eps = 1e-06"));
  other = unet;
  other.same_padding = true;
  CHECK_THAT(refusal<nn::UNet1d<float>>(unet, other),
             ContainsSubstring("made for same_padding = false, used for same_padding = true"));
  const nn::TransformerOptions dit{
      .in = 1, .patch = 4, .width = 16, .depth = 1, .heads = 4, .extents = {8, 4}};
  nn::TransformerOptions turned = dit;
  turned.extents = {4, 8};
  CHECK_THAT(refusal<nn::Dit2d<float>>(dit, turned),
             ContainsSubstring("made for extents = 8 4, used for extents = 4 8"));
  CHECK_THAT(refusal<nn::Mlp<float>>({.width = 8}, {.width = 8, .embedding = {.time_scale = 1}}),
             ContainsSubstring("made for time_scale = 1000, used for time_scale = 1"));
  const auto told = [&](auto&& change, const char* what) {
    auto changed = unet;
    change(changed);
    CHECK_THAT(refusal<nn::UNet1d<float>>(unet, changed), ContainsSubstring(what));
  };
  told([](auto& o) { o.head_width = 2; }, "head_width = 0, used for head_width = 2");
  told([](auto& o) { o.norm_eps = 0.25; }, "used for norm_eps = 0.25");
  told([](auto& o) { o.same_padding = true; }, "used for same_padding = true");
  told([](auto& o) { o.embedding.time_offset = -1; }, "used for time_offset = -1");
  told([](auto& o) { o.embedding.frequency_shift = 1; }, "used for frequency_shift = 1");
  told([](auto& o) { o.embedding.sines_first = true; }, "used for sines_first = true");
  // Another dropout or checkpointing is no other network.
  other = unet;
  other.dropout = 0.5;
  other.checkpoint = true;
  CHECK(refusal<nn::UNet1d<float>>(unet, other).empty());
}

TEST_CASE("restore: options of a network inside of a model are known by its name",
          "[io][restore]") {
  Rng rng(1);
  Pair pair{{nn::Mlp<float>({.width = 8}, rng), nn::Mlp<float>({.width = 8}, rng)}, {}};
  const auto embedding = [](const std::string& name) {
    return nn::Description{{name + ".time_scale", "1000"},
                           {name + ".time_offset", "0"},
                           {name + ".frequency_shift", "0"},
                           {name + ".sines_first", "false"}};
  };
  auto expected = embedding("nets.0");
  expected.merge(embedding("nets.1"));
  CHECK(nn::description(pair) == expected);
  pair.nets.clear();
  pair.maybe.emplace(nn::TransformerOptions{.width = 8, .depth = 1, .heads = 2}, rng);
  expected = {
      {"maybe.extents", ""}, {"maybe.heads", "2"}, {"maybe.map", "0"}, {"maybe.patch", "1"}};
  expected.merge(embedding("maybe"));
  CHECK(nn::description(pair) == expected);
  CHECK(nn::default_description(pair).at("maybe.heads") == "4");
}

TEST_CASE("restore: a state is made for what its program says", "[io][restore]") {
  Rng rng(1);
  auto saved = state_of(nn::Mlp<float>({.width = 8}, rng), 1);
  const auto message = [&](const auto& to, const std::string& bytes) -> std::string {
    auto state = to;
    try {
      io::Checkpoint(bytes, "run").restore(state);
    } catch (const FormatError& e) {
      CHECK(io::checkpoint_bytes(state, "") == io::checkpoint_bytes(to, ""));
      return e.what();
    }
    return "";
  };
  auto plain = saved;
  saved.made_for = {{"horizon", "24"}};
  const std::string bytes = io::checkpoint_bytes(saved, "");
  CHECK(message(saved, bytes).empty());
  CHECK_THAT(message(plain, bytes), ContainsSubstring("run: made for horizon = 24, used for no"));
  CHECK_THAT(message(saved, io::checkpoint_bytes(plain, "")),
             ContainsSubstring("run: made for no horizon, used for horizon = 24"));
  plain.made_for = {{"horizon", "48"}};
  CHECK_THAT(message(plain, bytes),
             ContainsSubstring("run: made for horizon = 24, used for horizon = 48"));
  plain.made_for = {{"time_scale", "3"}};
  CHECK_THROWS_AS(io::checkpoint_bytes(plain, ""), ArgumentError);
}

TEST_CASE("restore: a file that states no options is taken, one without a later option is default",
          "[io][restore]") {
  Rng rng(1);
  const nn::UNetOptions options{.width = 8, .multipliers = {1}, .blocks = 1, .groups = 4};
  const auto saved = state_of(nn::UNet1d<float>(options, rng), 1);
  auto state = state_of(nn::UNet1d<float>(options, rng), 2);
  const io::Checkpoint whole(io::checkpoint_bytes(saved, ""), "whole");
  const auto without = [&](auto&& leave_out) {
    std::vector<io::NamedTensor> tensors;
    for (const auto& t : whole.file().tensors())
      tensors.push_back({t.name, t.dtype, t.shape, whole.file().bytes(t.name)});
    io::Metadata metadata = whole.file().metadata();
    std::erase_if(metadata, [&](const auto& entry) { return leave_out(entry.first); });
    metadata["foglift.hash"] = io::detail::no_hash;
    std::string bytes = io::safetensors_bytes(tensors, metadata);
    const auto at = bytes.find(io::detail::hash_key) + io::detail::hash_key.size();
    bytes.replace(at, 16, io::detail::hex_digits(io::detail::content_hash(bytes)));
    return bytes;
  };
  const std::string old =
      without([](const std::string& k) { return k.rfind("made_for.", 0) == 0; });
  io::Checkpoint(old, "old").restore(state);
  CHECK(io::checkpoint_bytes(state, "") == io::checkpoint_bytes(saved, ""));
  // heads = 4 and groups = 8 are the defaults: a file that says nothing of them means them.
  const std::string no_heads = without([](const std::string& k) { return k == "made_for.heads"; });
  io::Checkpoint(no_heads, "no heads").restore(state);
  const std::string no_groups =
      without([](const std::string& k) { return k == "made_for.groups"; });
  CHECK_THROWS_WITH(io::Checkpoint(no_groups, "file").restore(state),
                    ContainsSubstring("file: made for no groups, used for groups = 4"));
}

TEST_CASE("restore: a learned schedule, and a learned variance in a sampled batch",
          "[io][restore]") {
  using Curve = schedule::LearnedCurve<float>;
  check_restored<Curve>({.width = 16}, [](const Curve& curve) {
    const schedule::LogSnr learned(curve);
    Tensor<double> out({30});
    for (Index i = 0; i < 10; ++i) {
      const double t = static_cast<double>(i + 1) / 11;
      out[3 * i] = curve.lambda(t);
      out[3 * i + 1] = curve.slope(t);
      out[3 * i + 2] = learned.at(t).sigma;
    }
    return out;
  });
  using Net = nn::Mlp<float>;
  check_restored<Net>({.in = 2, .out = 4, .width = 16}, [](const Net& net) {
    const schedule::Linear linear;
    // A small head: random weights of size 1 would make variances beyond any float.
    const auto small = [&](const auto& x, const Tensor<float>& t) { return net(x, t) * 0.01f; };
    const VarianceNetwork denoise(small, predict::Epsilon{}, linear);
    return sample(solver::LearnedDdpm{}, denoise, {5, 2}, grid::uniform(linear, 6), Rng(4));
  });
}

TEST_CASE("restore: numbers that were fitted beside the weights", "[io][restore]") {
  // A loss history and the errors of a denoiser, in the state of a network.
  Rng rng(1);
  train::FitState saved(nn::Mlp<float>({.width = 8}, rng), train::AdamW<float>(), 1);
  auto restored = saved;
  restored.fitted["left from before"] = Tensor<double>({1});
  density::LossHistory history({.parts = 5, .length = 3});
  for (Index k = 0; k < 40; ++k) {
    const std::vector<double> time = {rng.uniform(1, static_cast<std::uint32_t>(k))};
    history.update(time, std::vector<double>{std::exp(3 * time[0]) / 7});
  }
  REQUIRE(history.warm());
  const schedule::Linear linear;
  const TimeGrid grid = grid::uniform(linear, 6);
  const TimeGrid noisy(grid.begin(), grid.end() - 1);
  const NetworkDenoiser denoise(saved.model, predict::Velocity{}, linear);
  const auto errors =
      solver::denoising_errors(denoise, Rng(2).normal<float>({20, 2}), noisy, Rng(3));
  saved.fitted["losses"] = history.memory();
  saved.fitted["errors"] = Tensor<double>({6}, std::span<const double>(errors.errors()));
  through_a_file(saved, restored);
  CHECK(restored.fitted == saved.fitted);

  density::LossHistory again({.parts = 5, .length = 3});
  again.restore(restored.fitted.at("losses"));
  const std::vector<double> time = {0.5}, loss = {100};  // the ring goes on at its place, too
  for (int more = 0; more < 2; ++more) {
    for (int i = 0; i <= 20; ++i)
      CHECK(again.density().pdf(i / 20.0) == history.density().pdf(i / 20.0));
    history.update(time, loss);
    again.update(time, loss);
  }
  const Tensor<double>& e = restored.fitted.at("errors");
  const solver::AnalyticDdpm first{errors}, second{{noisy, {e.begin(), e.end()}}};
  CHECK(same_bits(sample(first, denoise, {4, 2}, grid, Rng(5)),
                  sample(second, denoise, {4, 2}, grid, Rng(5))));
}

TEST_CASE("restore: a loss history of other options is refused", "[io][restore]") {
  density::LossHistory history({.parts = 5, .length = 3});
  const Tensor<double> memory = history.memory();
  CHECK_THROWS_WITH(density::LossHistory({.parts = 4, .length = 3}).restore(memory),
                    ContainsSubstring("[22]") && ContainsSubstring("[18]"));
  CHECK_THROWS_WITH(density::LossHistory({.parts = 2, .length = 9}).restore(memory),
                    ContainsSubstring("length 3") && ContainsSubstring("length 9"));
  CHECK_THROWS_WITH(density::LossHistory({.parts = 5, .length = 3, .uniform = 0.5}).restore(memory),
                    ContainsSubstring("share 0.001") && ContainsSubstring("share 0.5"));
  CHECK_THROWS_AS(history.restore(Tensor<double>()), ArgumentError);
  for (const Index at : {Index{2}, Index{8}}) {
    Tensor<double> bad = memory;
    bad[at] = std::numeric_limits<double>::quiet_NaN();
    CHECK_THROWS_AS(history.restore(bad), ArgumentError);
    CHECK(history.memory() == memory);
  }
}

namespace {
/// Ten steps in one go, and five, a file, five: the curves, averages included, are the same.
template <class Rule>
void check_optimizer(const Rule& rule) {
  static const toy::Series<float> data(50);
  using Curve = toy::Curve<float>;
  const auto run = [&](train::FitState<Curve, Rule>& state, Index steps) {
    train::fit(state, toy::squared_error(data), {.examples = 50, .batch = 16, .steps = steps});
  };
  train::FitState<Curve, Rule> whole(Curve(6), rule, 9), part = whole, other(Curve(6, 8), rule, 3);
  run(whole, 10);
  run(part, 5);
  through_a_file(part, other);
  run(other, 10);
  CHECK(toy::same(whole.model, other.model));
  CHECK(toy::same(whole.ema, other.ema));
  CHECK_FALSE(toy::same(whole.model, part.model));
}
}  // namespace

TEST_CASE("restore: every optimizer and the average go on where they were", "[io][restore]") {
  check_optimizer(train::Adam<float>({.lr = 0.02, .weight_decay = 0.1}));
  check_optimizer(train::AdamW<float>({.lr = 0.02, .weight_decay = 0.1}));
  check_optimizer(train::Sgd<float>({.lr = 0.02, .momentum = 0.9, .nesterov = true}));
  check_optimizer(train::Sgd<float>({.lr = 0.02}));
}
