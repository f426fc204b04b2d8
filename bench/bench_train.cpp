// What stands around the kernels of a training step: optimizers with and without an average, the
// tape, the fork and join of the thread pool, and what it costs to change what another core wrote.
#include "bench/timing.hpp"
#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/core/parallel.hpp"
#include "foglift/core/rng.hpp"
#include "foglift/train/clip.hpp"
#include "foglift/train/ema.hpp"
#include "foglift/train/rules/adam.hpp"
#include "foglift/train/rules/sgd.hpp"

#include <atomic>
#include <cstddef>
#include <vector>

#include <benchmark/benchmark.h>

namespace {

using namespace foglift;

/// Parameters of 64 k elements each, as those of small networks.
struct Model {
  std::vector<Parameter<float>> layers;
  static void each(auto& self, auto&& f) { f("layers", self.layers); }
};

Model model(Index parameters) {
  Model m;
  for (Index i = 0; i < parameters; i += 65536)
    m.layers.emplace_back(Rng(1).normal<float>({std::min<Index>(65536, parameters - i)}));
  return m;
}

Gradients<float> gradients(const Model& m) {
  Gradients<float> g;
  for (const auto& p : m.layers) g.add(p, Rng(2).normal<float>(p.value.shape()));
  return g;
}

template <class Rule>
void step(benchmark::State& state, Rule rule, bool average) {
  set_threads(static_cast<int>(state.range(1)));
  Model m = model(state.range(0)), ema = m;
  const auto g = gradients(m);
  rule.step(m, g, 1e-4);  // makes the moments
  for (auto _ : state) {
    rule.step(m, g, 1e-4, {.ema = average ? &ema : nullptr, .decay = 0.999});
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
void adam(benchmark::State& state) { step(state, train::Adam<float>(), false); }
void adam_and_ema(benchmark::State& state) { step(state, train::Adam<float>(), true); }
void adamw(benchmark::State& state) { step(state, train::AdamW<float>(), false); }
void sgd(benchmark::State& state) { step(state, train::Sgd<float>({.momentum = 0.9}), false); }

void clip(benchmark::State& state) {
  set_threads(static_cast<int>(state.range(1)));
  const Model m = model(state.range(0));
  auto g = gradients(m);
  for (auto _ : state) benchmark::DoNotOptimize(train::clip_norm(m, g, 1e-3));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

constexpr auto sizes = [](auto* b) {
  for (const int threads : {1, 2})
    for (const int n : {1 << 15, 1 << 20, 10 << 20}) b->Args({n, threads});
  b->UseRealTime();
};
BENCHMARK(adam)->Apply(sizes);
BENCHMARK(adam_and_ema)->Apply(sizes);
BENCHMARK(adamw)->Apply(sizes);
BENCHMARK(sgd)->Apply(sizes);
BENCHMARK(clip)->Apply(sizes);

/// Operations on tensors of 16 elements, recorded and run backwards: items are operations.
void tape(benchmark::State& state) {
  const Parameter<float> p(Tensor<float>({16}, 1.0f));
  const Index operations = state.range(0);
  for (auto _ : state) {
    Tape<float> tape;
    auto x = tape.parameter(p);
    for (Index i = 0; i < operations; ++i) x = x * 0.99;
    const auto g = std::move(tape).backward(x, Tensor<float>({16}, 1.0f));
    benchmark::DoNotOptimize(g[p].data());
  }
  state.SetItemsProcessed(state.iterations() * operations);
}
BENCHMARK(tape)->Arg(10)->Arg(1000);

/// The same operations on tensors: what is left above is the tape's.
void without_tape(benchmark::State& state) {
  for (auto _ : state) {
    Tensor<float> x({16}, 1.0f);
    for (Index i = 0; i < 2 * state.range(0); ++i) x = x * 0.99;
    benchmark::DoNotOptimize(x.data());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(without_tape)->Arg(10)->Arg(1000);

void fork_and_join(benchmark::State& state) {
  set_threads(static_cast<int>(state.range(0)));
  for (auto _ : state)
    parallel_for(state.range(0), 1, [](Index i) { benchmark::DoNotOptimize(i); });
}
BENCHMARK(fork_and_join)->Arg(2)->UseRealTime();

/// One thread changes so many KB that another has just written, or that it has itself.
void change(benchmark::State& state, Index writer) {
  set_threads(2);
  std::vector<float> x(static_cast<std::size_t>(state.range(0)) * 256);
  const auto pass = [&] {
    float* const values = x.data();
    for (std::size_t i = 0, n = x.size(); i < n; ++i) values[i] += 1.0f;
  };
  for (auto _ : state) {
    std::atomic<int> turn = 0;
    const auto wait_for = [&](int n) {
      while (turn.load() != n) {
      }
    };
    parallel_for(2, 1, [&](Index part) {  // both wait: one part a thread
      if (part == 1) {
        wait_for(1);
        if (writer == 1) pass();
        state.SetIterationTime(bench::seconds_of(pass, 0));
        turn = 2;
      } else {
        if (writer == 0) pass();
        turn = 1;
        wait_for(2);
      }
    });
  }
  state.SetBytesProcessed(state.iterations() * state.range(0) * 1024);
}
void written_elsewhere(benchmark::State& state) { change(state, 0); }
void written_here(benchmark::State& state) { change(state, 1); }
BENCHMARK(written_elsewhere)->RangeMultiplier(4)->Range(16, 4096)->UseManualTime();
BENCHMARK(written_here)->RangeMultiplier(4)->Range(16, 4096)->UseManualTime();

}  // namespace
