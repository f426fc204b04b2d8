#pragma once

#include "bench/peak.hpp"
#include "foglift/core/parallel.hpp"

#include <vector>

#include <benchmark/benchmark.h>

namespace foglift::bench {

/// The body of a benchmark whose iterations are rounds: each runs `probe` (a rate in units a
/// second) and then f, which does `work` of those units. Reported: the time of f, its median rate,
/// and the median over rounds of its rate over the probe's. On one thread, as the probes are.
/// Register with `rounds`.
template <class Probe, class F>
void by_turns(benchmark::State& state, double work, Probe&& probe, const F& f) {
  set_threads(1);
  f();
  std::vector<double> rates, fractions;
  for (auto _ : state) {
    const double limit = probe(), seconds = seconds_of(f);
    state.SetIterationTime(seconds);
    rates.push_back(work / seconds);
    fractions.push_back(rates.back() / limit);
  }
  state.counters["rate"] = benchmark::Counter(median(rates));
  state.counters["of_limit"] = median(fractions);
}

/// by_turns beside the FMA peak: `flops` floating-point operations a call of f.
template <class F>
void against_peak(benchmark::State& state, double flops, const F& f) {
  by_turns(state, flops, peak_flops, f);
}

/// by_turns beside a triad of the same footprint: f reads and writes `bytes` in all.
template <class F>
void against_triad(benchmark::State& state, double bytes, const F& f) {
  Triad triad(std::max<Index>(64, static_cast<Index>(bytes / 12)));
  by_turns(state, bytes, triad, f);
}

/// Makes the iterations of a benchmark rounds of by_turns. (Google Benchmark 1.9.5 moved the class
/// of the argument to another namespace.)
inline constexpr auto rounds = [](auto* b) {
  b->Iterations(31)->UseManualTime()->Unit(benchmark::kMicrosecond);
};

}  // namespace foglift::bench
