// The four reference denoisers at batch 1, 16 and 64: one forward pass, a whole DDIM run of 50
// steps, and one training step (forward, backward, Adam). Threads: FOGLIFT_THREADS in the
// environment, else all cores.
#include "bench/reference_models.hpp"
#include "foglift/autograd/ops/loss.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/train/adam.hpp"

#include <cstdlib>
#include <string>

#include <benchmark/benchmark.h>

namespace {

using namespace foglift;

Shape with_batch(Shape one, Index batch) { return one.with(0, batch); }

template <class Net>
void forward(benchmark::State& state, const Net& net, const Shape& one) {
  const auto x = Rng(1).normal<float>(with_batch(one, state.range(0)));
  const Tensor<float> time({state.range(0)}, 500.0f);
  for (auto _ : state) benchmark::DoNotOptimize(net(x, time).data());
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

template <class Net>
void ddim50(benchmark::State& state, const Net& net, const Shape& one) {
  const auto grid = grid::uniform(schedule::Cosine{}, 50);
  const NetworkDenoiser denoise(net, predict::Velocity{}, schedule::Cosine{});
  for (auto _ : state)
    benchmark::DoNotOptimize(
        sample(solver::Ddim{}, denoise, with_batch(one, state.range(0)), grid, Rng(2)).data());
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

template <class Net>
void train_step(benchmark::State& state, Net net, const Shape& one) {
  const auto x = Rng(1).normal<float>(with_batch(one, state.range(0)));
  const auto eps = Rng(3).normal<float>(x.shape());
  const Tensor<float> time({state.range(0)}, 500.0f);
  train::Adam<float> adam({.lr = 1e-4});
  for (auto _ : state) {
    Tape<float> tape;
    const auto loss = mse(net(tape.constant(x), time), eps);
    adam.step(net, tape.backward(loss), adam.learning_rate());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

template <class Net>
void add(const std::string& name, const Net& net, const Shape& one) {
  const auto each = [&](const std::string& what, auto function) {
    benchmark::RegisterBenchmark((what + '/' + name).c_str(), function)
        ->Arg(1)
        ->Arg(16)
        ->Arg(64)
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime();
  };
  each("forward", [net, one](benchmark::State& s) { forward(s, net, one); });
  each("ddim50", [net, one](benchmark::State& s) { ddim50(s, net, one); });
  each("train_step", [net, one](benchmark::State& s) { train_step(s, net, one); });
}

}  // namespace

int main(int argc, char** argv) {
  if (const char* threads = std::getenv("FOGLIFT_THREADS")) set_threads(std::atoi(threads));
  add("mlp2d", bench::mlp2d(Rng(0)), {1, 2});
  add("unet1d", bench::unet1d(Rng(0)), {1, 96, 1});
  add("dit1d", bench::dit1d(Rng(0)), {1, 96, 1});
  add("unet2d", bench::unet2d(Rng(0)),
      {1, 32, 32, 3});  // 50 steps of 64 images take a minute or more
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
