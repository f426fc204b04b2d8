// The four reference denoisers at batch 1, 16 and 64: one forward pass, a whole DDIM run of 50
// steps, and one training step (forward, backward, Adam). Threads: FOGLIFT_THREADS in the
// environment, else all cores.
#include "bench/denoiser_work.hpp"
#include "foglift/core/parallel.hpp"

#include <cstdlib>
#include <string>

#include <benchmark/benchmark.h>

namespace {

using namespace foglift;

/// Registers work(batch) -> callable under "what/model/batch".
template <class Work>
void add(const std::string& name, const Work& work) {
  benchmark::RegisterBenchmark(name.c_str(),
                               [work](benchmark::State& state) {
                                 const auto call = work(state.range(0));
                                 for (auto _ : state) call();
                                 state.SetItemsProcessed(state.iterations() * state.range(0));
                               })
      ->Arg(1)
      ->Arg(16)
      ->Arg(64)
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
}

}  // namespace

int main(int argc, char** argv) {
  if (const char* threads = std::getenv("FOGLIFT_THREADS")) set_threads(std::atoi(threads));
  for (const std::string model : {"mlp2d", "unet1d", "dit1d", "unet2d"})
    bench::with_model(model, [&](const auto& net, const Shape& one) {
      add("forward/" + model, [=](Index batch) { return bench::forward(net, one, batch); });
      add("ddim50/" + model, [=](Index batch) { return bench::ddim(net, one, batch, 50); });
      add("train_step/" + model,
          [=](Index batch) { return bench::training_step(net, one, batch); });
    });
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
