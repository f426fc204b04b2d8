// Random numbers: the counter-based generator beside the standard library's, filling a tensor of
// the same size.
#include "foglift/core/rng.hpp"

#include <random>

#include <benchmark/benchmark.h>

namespace {

using namespace foglift;

void normal_philox(benchmark::State& state) {
  const Rng rng(1);
  Tensor<float> out({state.range(0)});
  std::uint32_t step = 0;
  for (auto _ : state) {
    rng.fill_normal(out.span(), 0, step++);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * out.size());
}
BENCHMARK(normal_philox)->Arg(96)->Arg(16384)->Arg(1 << 20);

void normal_std(benchmark::State& state) {
  std::mt19937_64 engine(1);
  std::normal_distribution<float> normal;
  Tensor<float> out({state.range(0)});
  for (auto _ : state) {
    for (float& v : out) v = normal(engine);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * out.size());
}
BENCHMARK(normal_std)->Arg(96)->Arg(16384)->Arg(1 << 20);

void uniform_philox(benchmark::State& state) {
  const Rng rng(1);
  Tensor<float> out({state.range(0)});
  std::uint32_t step = 0;
  for (auto _ : state) {
    rng.fill_uniform(out.span(), 0, step++);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * out.size());
}
BENCHMARK(uniform_philox)->Arg(16384);

}  // namespace
