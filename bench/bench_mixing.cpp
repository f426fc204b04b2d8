// Operations that mix positions: linear scans, sparse matrices, reading at points, resizing, cosine
// transforms. of_limit: the rate over a triad of as many bytes, or over the FMA peak.
#include "bench/rounds.hpp"
#include "foglift/autograd/ops/dct.hpp"
#include "foglift/autograd/ops/graph.hpp"
#include "foglift/autograd/ops/points.hpp"
#include "foglift/autograd/ops/resample.hpp"
#include "foglift/autograd/ops/scan.hpp"
#include "foglift/core/rng.hpp"
#include "foglift/nn/layers/state_space.hpp"

namespace {

using namespace foglift;
using bench::rounds;

double bytes_of(Index floats) { return 4.0 * static_cast<double>(floats); }

/// b [samples, times, channels], a of every time; forward, or the gradients to both.
template <bool backward>
void scan(benchmark::State& state) {
  const Shape s{state.range(0), state.range(1), state.range(2)};
  const auto a = Rng(1).uniform<float>(s), b = Rng(2).normal<float>(s);
  bench::against_triad(state, bytes_of((backward ? 8 : 3) * b.size()), [&] {
    if constexpr (backward) {
      Tape<float> tape;
      const auto h = linear_scan(tape.variable(a), tape.variable(b));
      bench::escape(tape.backward(h, b).size() ? b.data() : a.data());
    } else {
      bench::escape(linear_scan(a, b).data());
    }
  });
}
BENCHMARK(scan<false>)->Args({1, 96, 64})->Args({16, 96, 512})->Args({1, 4096, 64})->Apply(rounds);
BENCHMARK(scan<true>)->Args({16, 96, 512})->Apply(rounds);

/// A layer of x [16, 96, channels] with 32 complex modes: zoh, one scan and two sums; the triad is
/// of its states, written by the input's product and read by the scan and the output's product.
void state_space(benchmark::State& state) {
  Rng rng(1);
  const Index channels = state.range(0);
  const nn::StateSpace<float> layer({.channels = channels}, rng);
  const auto x = Rng(2).normal<float>({16, 96, channels});
  bench::against_triad(state, bytes_of(6 * 64 * x.size()),
                       [&] { bench::escape(layer(x).sequence.data()); });
}
BENCHMARK(state_space)->Arg(8)->Arg(64)->Apply(rounds);

/// x [times, nodes, channels], eight neighbours a node; counts multiply-adds.
void sparse(benchmark::State& state) {
  const Index times = state.range(0), nodes = state.range(1), channels = state.range(2);
  std::vector<Csr<float>::Entry> entries;
  for (Index i = 0; i < nodes; ++i)
    for (Index k = 0; k < 8; ++k) entries.push_back({i, (i * 7 + k * 13) % nodes, 0.1F});
  const Csr<float> a(nodes, nodes, entries);
  const auto x = Rng(1).normal<float>({times, nodes, channels});
  bench::against_peak(state, 16.0 * static_cast<double>(x.size()),
                      [&] { bench::escape(sparse_mix(a, x, 1).data()); });
}
BENCHMARK(sparse)->Args({12, 207, 32})->Args({96, 207, 64})->Apply(rounds);

/// As many points as cells in x [1, side, side, channels].
void points(benchmark::State& state) {
  const Index side = state.range(0), channels = state.range(1);
  const auto x = Rng(1).normal<float>({1, side, side, channels});
  Tensor<float> at = Rng(2).uniform<float>({1, side * side, 2});
  for (float& v : at) v = 2 * v - 1;
  bench::against_triad(state, bytes_of(2 * x.size()),
                       [&] { bench::escape(sample_points(x, at).data()); });
}
BENCHMARK(points)->Args({32, 16})->Args({32, 128})->Apply(rounds);

/// x [1, side, side, channels] to twice the side.
void resize(benchmark::State& state) {
  const Index side = state.range(0), channels = state.range(1);
  const auto x = Rng(1).normal<float>({1, side, side, channels});
  bench::against_triad(state, bytes_of(5 * x.size()),
                       [&] { bench::escape(resize_linear(x, {2 * side, 2 * side}).data()); });
}
BENCHMARK(resize)->Args({16, 64})->Args({64, 64})->Apply(rounds);

/// x [batch, n, channels] along n; counts the product's multiply-adds.
void cosines(benchmark::State& state) {
  const Index batch = state.range(0), n = state.range(1), channels = state.range(2);
  const auto x = Rng(1).normal<float>({batch, n, channels});
  bench::against_peak(state, 2.0 * static_cast<double>(x.size() * n),
                      [&] { bench::escape(dct(x, 1).data()); });
}
BENCHMARK(cosines)->Args({16, 32, 96})->Args({1, 96, 8})->Args({16, 256, 32})->Apply(rounds);

}  // namespace
