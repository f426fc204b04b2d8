// One step of every solver, on the state alone: the denoiser returns a copy, and what its copies
// cost is taken off, so that what remains is the solver's arithmetic and noise. Counters:
//   passes   that remainder in units of one copy of the state
//   normals  the same in units of one draw of standard normals, for solvers that draw noise
// A grid of 40 inner steps is walked round and round, so multistep solvers run with a full history.
#include "examples/support/solver_list.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/schedule.hpp"

#include <algorithm>
#include <chrono>
#include <string>

#include <benchmark/benchmark.h>

namespace {

using namespace foglift;

const std::vector<Shape> shapes = {{64, 96, 1}, {1, 96, 1}, {16, 32, 32, 3}};

/// Seconds of f() in the quietest of several rounds.
template <class F>
double seconds(const F& f) {
  using Clock = std::chrono::steady_clock;
  double best = 1e9;
  for (int round = 0; round < 30; ++round) {
    const auto start = Clock::now();
    for (int i = 0; i < 100; ++i) f();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count() / 100);
  }
  return best;
}

/// What a step is compared with, for each shape.
struct Units {
  double copy, denoiser, normals;
  explicit Units(const Shape& shape) {
    const auto x = Rng(1).normal<float>(shape);
    Tensor<float> y(shape);
    copy = seconds([&] {
      y = x;
      benchmark::DoNotOptimize(y.data());
      benchmark::ClobberMemory();
    });
    denoiser = seconds([&] {
      const Tensor<float> made = x;
      benchmark::DoNotOptimize(made.data());
    });
    normals = seconds([&] { benchmark::DoNotOptimize(Rng(1).normal<float>(shape).data()); });
  }
  static const Units& of(std::size_t k) {
    static const std::vector<Units> all(shapes.begin(), shapes.end());
    return all[k];
  }
};

/// A denoiser that returns what it is given, and counts.
struct Copies {
  Index& calls;
  Tensor<float> operator()(const Tensor<float>& x, const Levels&) const {
    ++calls;
    return x;
  }
};

template <class S>
void step(benchmark::State& state, const S& solver, std::size_t shape) {
  const Rng rng(1);
  const auto grid = grid::uniform(schedule::Linear{}, 50);
  auto x = rng.normal<float>(shapes[shape]);
  Run<S, float> run(solver, grid);
  std::size_t i = 0;
  Index calls = 0, steps = 0;
  const auto start = std::chrono::steady_clock::now();
  for (auto _ : state) {
    i = i % 40 + 1;
    x = run.step(std::move(x), grid[i], grid[i + 1], Copies{calls},
                 StepRng(rng, 0, static_cast<Index>(i)));
    benchmark::DoNotOptimize(x.data());
    ++steps;
  }
  const double each =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() /
      static_cast<double>(steps);
  const Units& unit = Units::of(shape);
  const double own = each - unit.denoiser * static_cast<double>(calls) / static_cast<double>(steps);
  state.counters["passes"] = own / unit.copy;
  if (S::weak_order > 0) state.counters["normals"] = own / unit.normals;
  state.counters["calls"] = static_cast<double>(calls) / static_cast<double>(steps);
}

void copy(benchmark::State& state, std::size_t shape) {
  const auto x = Rng(1).normal<float>(shapes[shape]);
  Tensor<float> y(x.shape());
  for (auto _ : state) {
    y = x;
    benchmark::DoNotOptimize(y.data());
    benchmark::ClobberMemory();
  }
}

}  // namespace

int main(int argc, char** argv) {
  const char* names[] = {"64x96x1", "1x96x1", "16x32x32x3"};
  for (std::size_t k = 0; k < shapes.size(); ++k) {
    benchmark::RegisterBenchmark((std::string("copy/") + names[k]).c_str(),
                                 [k](benchmark::State& s) { copy(s, k); });
    for_each_solver([&](const char* name, const char*, const auto& solver) {
      benchmark::RegisterBenchmark((std::string(name) + "/" + names[k]).c_str(),
                                   [solver, k](benchmark::State& s) { step(s, solver, k); });
    });
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
