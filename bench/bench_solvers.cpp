// One step of each solver on the state alone: the denoiser is a copy, so that what is timed is the
// solver's arithmetic and noise. Beside it, one pass over the state's memory (copy) as the limit.
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/diffusion/solver/ddpm.hpp"
#include "foglift/diffusion/solver/euler_ancestral.hpp"
#include "foglift/diffusion/solver/heun.hpp"

#include <benchmark/benchmark.h>

namespace {

using namespace foglift;

const std::vector<Shape> shapes = {{64, 96, 1}, {1, 96, 1}, {16, 32, 32, 3}};

Tensor<float> identity(const Tensor<float>& x, const Level&) { return x; }

template <class S>
void step(benchmark::State& state, S solver) {
  const Shape shape = shapes[static_cast<std::size_t>(state.range(0))];
  const Rng rng(1);
  const auto grid = grid::uniform(schedule::Cosine{}, 50);
  auto x = rng.normal<float>(shape);
  std::size_t i = 0;
  for (auto _ : state) {
    i = i % 40 + 1;
    x = solver.step(std::move(x), grid[i], grid[i + 1], identity,
                    StepRng(rng, 0, static_cast<Index>(i)));
    benchmark::DoNotOptimize(x.data());
  }
  state.SetItemsProcessed(state.iterations() * x.size());
}

void copy(benchmark::State& state) {
  const auto x = Rng(1).normal<float>(shapes[static_cast<std::size_t>(state.range(0))]);
  Tensor<float> y(x.shape());
  for (auto _ : state) {
    y = x;
    benchmark::DoNotOptimize(y.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * x.size());
}

// Arguments: index into shapes.
BENCHMARK(copy)->DenseRange(0, 2);
BENCHMARK_CAPTURE(step, ddim, solver::Ddim{})->DenseRange(0, 2);
BENCHMARK_CAPTURE(step, ddim_eta_1, solver::Ddim{.eta = 1})->DenseRange(0, 2);
BENCHMARK_CAPTURE(step, ddpm, solver::Ddpm{})->DenseRange(0, 2);
BENCHMARK_CAPTURE(step, euler_ancestral, solver::EulerAncestral{})->DenseRange(0, 2);
BENCHMARK_CAPTURE(step, heun, solver::Heun{})->DenseRange(0, 2);

}  // namespace
