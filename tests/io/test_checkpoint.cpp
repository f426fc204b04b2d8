// Covers: io/checkpoint
#include "foglift/core/file.hpp"
#include "foglift/io/checkpoint.hpp"
#include "foglift/train/callbacks/every.hpp"
#include "foglift/train/callbacks/stop_when.hpp"
#include "foglift/train/callbacks/validation.hpp"
#include "foglift/train/rules/adam.hpp"
#include "foglift/train/rules/sgd.hpp"
#include "support/catch.hpp"
#include "support/temp_folder.hpp"
#include "train/curve.hpp"
#include "train/tsan.hpp"

#include <cmath>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

using namespace foglift;
using toy::Curve;
using toy::Series;
using State = train::FitState<Curve<float>, train::AdamW<float>>;

namespace {

const std::string config = R"({"width": 6, "note": "quote \" and \"foglift.hash\":\""})";

State fresh(Index width = 6) { return State(Curve<float>(width), train::AdamW({.lr = 0.02}), 9); }

/// A run with everything in it: uneven shards, a metric that finds its best on the way, 50 / 16
/// steps an epoch.
constexpr Index last_step = 40;
train::FitEnd run(State& state, Index until, const std::string& save_to = {}) {
  static const Series<float> data(50);
  train::FitOptions o{.examples = 50,
                      .batch = 16,
                      .shard = 3,
                      .steps = last_step,
                      .rate = train::CosineRate{.steps = last_step, .warm_up = 3},
                      .clip = 0.5};
  const auto metric = [](const Curve<float>& net) { return std::sin(100. * net.u.value[0]); };
  const auto save = [&](const State& s) {
    if (!save_to.empty()) io::save_checkpoint(save_to, s, config);
  };
  return train::fit(state, toy::squared_error(data), o,
                    train::callback::Validation(metric, {.every = 5}),
                    train::callback::Every(1, save),
                    train::callback::StopWhen([&] { return state.step >= until; }));
}

std::string bytes_of(const State& state) { return io::checkpoint_bytes(state, config); }

}  // namespace

TEST_CASE("checkpoint: a run saved anywhere and resumed ends in the same bytes",
          "[io][checkpoint]") {
  const TempFolder folder;
  State whole = fresh();
  run(whole, last_step);
  REQUIRE(whole.best);
  REQUIRE(whole.best_step < last_step);
  io::save_checkpoint(folder / "whole", whole, config);
  const std::string expected = read_file(folder / "whole", 1 << 20);
  // Before the first step, 1, 7, in the middle of an epoch, at the end of the eighth, at the end.
  for (const Index at : {0, 1, 7, 11, 25, 40}) {
    State first = fresh();
    run(first, at);
    io::save_checkpoint(folder / "part", first, config);
    State second(Curve<float>(6, 77), train::AdamW({.lr = 0.02}), 123);
    io::load_checkpoint(folder / "part", second, config);
    CHECK(second.step == at);
    CHECK(bytes_of(second) == read_file(folder / "part", 1 << 20));
    CHECK(run(second, last_step) == train::FitEnd::steps);
    io::save_checkpoint(folder / "part", second, config);
    CHECK(read_file(folder / "part", 1 << 20) == expected);
  }
}

TEST_CASE("checkpoint: does not depend on the number of threads", "[io][checkpoint]") {
  const int before = threads();
  std::string expected;
  for (int n : {1, 2, 3, 4}) {
    set_threads(n);
    State state = fresh();
    run(state, last_step);
    if (n == 1) expected = bytes_of(state);
    CHECK(bytes_of(state) == expected);
  }
  set_threads(before);
}

TEST_CASE("checkpoint: numbers come back to the last bit", "[io][checkpoint]") {
  const double values[] = {0.1,
                           -1.0 / 3,
                           1e-310,
                           std::numeric_limits<double>::max(),
                           std::numeric_limits<double>::infinity(),
                           0.0};
  for (const double value : values) {
    State state = fresh();
    state.best_metric = value;
    state.smoothed_loss = -value;
    state.seed = std::numeric_limits<std::uint64_t>::max();
    State back = fresh();
    io::Checkpoint(bytes_of(state), "memory").restore(back);
    CHECK(back.best_metric == value);
    CHECK(back.smoothed_loss == -value);
    CHECK(back.seed == std::numeric_limits<std::uint64_t>::max());
  }
}

TEST_CASE("checkpoint: weights alone are the ones the run would use", "[io][checkpoint]") {
  State state = fresh();
  run(state, 3);
  Curve<float> net(6, 50);
  io::Checkpoint(bytes_of(state), "memory").weights(net);
  CHECK(toy::same(net, state.ema));
  run(state, last_step);
  const io::Checkpoint file(bytes_of(state), "memory");
  file.weights(net);
  CHECK(toy::same(net, *state.best));
  CHECK(!toy::same(net, state.ema));
  CHECK(file.config() == config);
  CHECK(file.step() == last_step);
  CHECK(file.file().contains("adamw.m.u"));
}

TEST_CASE("checkpoint: every flipped bit is found", "[io][checkpoint]") {
  State state = fresh();
  run(state, last_step);
  const std::string good = bytes_of(state);
  io::Checkpoint(good, "memory");
  // All bits of every third byte: header, padding, hash digits, metadata and tensors.
  for (std::size_t at = 0; at < good.size(); at += 3)
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
      bool refused = false;
      try {
        io::Checkpoint(std::move(bad), "memory");
      } catch (const FormatError&) {
        refused = true;
      }
      if (!refused) FAIL("bit " << bit << " of byte " << at);
    }
}

TEST_CASE("checkpoint: cut or lengthened anywhere it is refused", "[io][checkpoint]") {
  State state = fresh();
  run(state, 6);
  const std::string good = bytes_of(state);
  for (std::size_t size = 0; size < good.size(); ++size)
    REQUIRE_THROWS_AS(io::Checkpoint(good.substr(0, size), "memory"), FormatError);
  CHECK_THROWS_AS(io::Checkpoint(good + '\0', "memory"), FormatError);
  CHECK_THROWS_AS(io::Checkpoint(good + good, "memory"), FormatError);
}

TEST_CASE("checkpoint: what does not fit is named and changes nothing", "[io][checkpoint]") {
  const TempFolder folder;
  State saved = fresh();
  run(saved, 7);
  const std::string path = folder / "run.safetensors";
  io::save_checkpoint(path, saved, config);

  State wide = fresh(8);
  const std::string before = bytes_of(wide);
  CHECK_THROWS_WITH(io::load_checkpoint(path, wide, config),
                    ContainsSubstring(path) && ContainsSubstring("model.u") &&
                        ContainsSubstring("[6]") && ContainsSubstring("[8]"));
  CHECK_THROWS_AS(io::Checkpoint(path).weights(wide.model), FormatError);
  CHECK(bytes_of(wide) == before);

  State other = fresh();
  CHECK_THROWS_WITH(io::load_checkpoint(path, other, "{}"),
                    ContainsSubstring(config) && ContainsSubstring("{}"));
  CHECK(bytes_of(other) == bytes_of(fresh()));

  train::FitState sgd(Curve<float>(), train::Sgd<float>(), 9);
  CHECK_THROWS_WITH(io::load_checkpoint(path, sgd, config),
                    ContainsSubstring("adamw") && ContainsSubstring("sgd"));
  train::FitState in_double(Curve<double>(), train::AdamW<double>(), 9);
  CHECK_THROWS_WITH(io::load_checkpoint(path, in_double, config),
                    ContainsSubstring("F32") && ContainsSubstring("F64"));
  CHECK_THROWS_AS(io::load_checkpoint(folder / "absent", other, config), FormatError);

  io::write_safetensors(path, {io::named("model.u", saved.model.u.value)}, {{"step", "7"}});
  CHECK_THROWS_WITH(io::Checkpoint(path), ContainsSubstring("no foglift checkpoint"));
  CHECK_THROWS_AS(io::save_checkpoint(folder / "no/such/folder", saved, config), FormatError);
}

TEST_CASE("checkpoint: tensors left over are an error", "[io][checkpoint]") {
  // A file of a model with more parameters than the one it is read into.
  State saved = fresh();
  saved.optimizer.slots.clear();
  std::vector<io::NamedTensor> tensors{
      io::named("model.u", saved.model.u.value), io::named("model.c", saved.model.c.value),
      io::named("model.v", saved.model.v.value), io::named("model.w", saved.model.v.value),
      io::named("ema.u", saved.ema.u.value),     io::named("ema.c", saved.ema.c.value),
      io::named("ema.v", saved.ema.v.value),     io::named("ema.w", saved.ema.v.value)};
  io::Metadata metadata = io::Checkpoint(bytes_of(saved), "memory").file().metadata();
  metadata["foglift.hash"] = io::detail::no_hash;
  std::string bytes = io::safetensors_bytes(tensors, metadata);
  const auto at = bytes.find(io::detail::hash_key) + io::detail::hash_key.size();
  bytes.replace(at, 16, io::detail::hex_digits(io::detail::content_hash(bytes)));
  const io::Checkpoint file(bytes, "memory");
  CHECK_THROWS_WITH(file.restore(saved), ContainsSubstring("8 tensors, the run has 6"));
  CHECK_THROWS_AS(file.weights(saved.model), FormatError);
}

TEST_CASE("checkpoint: a run killed at random points resumes to the same bytes",
          "[io][checkpoint]") {
  if (toy::under_tsan) {
    WARN("skipped: a killed child of a threaded process is not for ThreadSanitizer");
    return;
  }
  const int before = threads();
  set_threads(1);  // a child of fork has no workers
  const TempFolder folder;
  const std::string path = folder / "run.safetensors";
  State whole = fresh();
  run(whole, last_step);
  const Rng rng(17);
  int kills = 0;
  bool finished = false;
  for (int attempt = 0; !finished; ++attempt) {
    REQUIRE(attempt < 1000);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      try {
        State state = fresh();
        if (std::filesystem::exists(path)) io::load_checkpoint(path, state, config);
        run(state, last_step, path);
        ::_exit(0);
      } catch (...) {
        ::_exit(3);
      }
    }
    // The first runs are killed after up to 10 ms, in the middle of steps and of writing.
    if (kills < 12) {
      ::usleep(static_cast<useconds_t>(rng.index(10'000, static_cast<std::uint64_t>(attempt))));
      ::kill(child, SIGKILL);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    kills += WIFSIGNALED(status);
    finished = WIFEXITED(status);
    if (finished) REQUIRE(WEXITSTATUS(status) == 0);
  }
  INFO(kills << " kills");
  CHECK(read_file(path, 1 << 20) == bytes_of(whole));
  set_threads(before);
}
