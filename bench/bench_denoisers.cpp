// The four reference denoisers at batch 1, 16 and 64 on 1 and 2 threads: one forward pass, a whole
// DDIM run of 50 steps, and one training step (forward, backward, Adam). All take some minutes:
// --benchmark_filter='unet1d/batch:16/' runs a part.
#include "bench/denoiser_work.hpp"
#include "foglift/core/parallel.hpp"

#include <string>

#include <benchmark/benchmark.h>

namespace {

using namespace foglift;

/// Registers work(batch) -> callable under "what/model/batch:.../threads:...".
template <class Work>
void add(const std::string& name, const Work& work) {
  benchmark::RegisterBenchmark(name.c_str(),
                               [work](benchmark::State& state) {
                                 set_threads(static_cast<int>(state.range(1)));
                                 const auto call = work(state.range(0));
                                 for (auto _ : state) call();
                                 state.SetItemsProcessed(state.iterations() * state.range(0));
                               })
      ->ArgNames({"batch", "threads"})
      ->ArgsProduct({{1, 16, 64}, {1, 2}})
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
}

}  // namespace

int main(int argc, char** argv) {
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
