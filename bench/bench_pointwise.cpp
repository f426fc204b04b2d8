// Pointwise functions, norms, softmax and attention. of_limit: the rate over the limit that was
// measured in the same round, a triad over as many bytes or the FMA peak.
#include "bench/rounds.hpp"
#include "foglift/autograd/ops/attention.hpp"
#include "foglift/core/rng.hpp"
#include "foglift/kernels/attention/softmax.hpp"
#include "foglift/kernels/norm/norm.hpp"
#include "foglift/kernels/norm/row_norm.hpp"
#include "foglift/kernels/pointwise/elementwise.hpp"

namespace {

using namespace foglift;
using bench::rounds;

double bytes_of(Index floats) { return 4.0 * static_cast<double>(floats); }

/// y = f(x) over state.range(0) elements.
template <class F>
void pointwise(benchmark::State& state) {
  const Index n = state.range(0);
  const auto x = Rng(1).normal<float>({n});
  Tensor<float> y({n});
  bench::against_triad(state, bytes_of(2 * n), [&] {
    kernels::apply<F>(n, x.data(), y.data());
    bench::escape(y.data());
  });
}
BENCHMARK(pointwise<kernels::Silu>)->Arg(16384)->Arg(1 << 20)->Apply(rounds);
BENCHMARK(pointwise<kernels::Gelu>)->Arg(16384)->Arg(1 << 20)->Apply(rounds);
BENCHMARK(pointwise<kernels::Exp>)->Arg(16384)->Arg(1 << 20)->Apply(rounds);

/// Rows [rows, width].
void softmax(benchmark::State& state) {
  const Index rows = state.range(0), width = state.range(1);
  const auto x = Rng(1).normal<float>({rows, width});
  Tensor<float> y({rows, width});
  bench::against_triad(state, bytes_of(2 * x.size()), [&] {
    for (Index r = 0; r < rows; ++r)
      kernels::softmax_row(width, x.data() + r * width, y.data() + r * width);
    bench::escape(y.data());
  });
}
BENCHMARK(softmax)->Args({170, 96})->Args({64, 256})->Args({256, 4096})->Apply(rounds);

/// x [samples, positions, channels] in 8 groups.
void group_norm(benchmark::State& state) {
  const kernels::NormExtents n{state.range(0), state.range(1), state.range(2), 8};
  const auto x = Rng(1).normal<float>({n.samples, n.positions, n.channels});
  const Tensor<float> gamma({n.channels}, 1.0f), beta({n.channels});
  Tensor<float> y(x.shape());
  Tensor<double> mean({n.samples, n.groups}), rstd({n.samples, n.groups});
  bench::against_triad(state, bytes_of(2 * x.size()), [&] {
    kernels::group_norm(n, x.data(), gamma.data(), beta.data(), 1e-5, y.data(), mean.data(),
                        rstd.data());
    bench::escape(y.data());
  });
}
BENCHMARK(group_norm)
    ->Args({1, 96, 32})
    ->Args({16, 96, 64})
    ->Args({1, 1024, 64})
    ->Args({16, 64, 256})
    ->Apply(rounds);

/// Rows [rows, width].
void layer_norm(benchmark::State& state) {
  const Index rows = state.range(0), width = state.range(1);
  const auto x = Rng(1).normal<float>({rows, width});
  const Tensor<float> gamma({width}, 1.0f), beta({width});
  Tensor<float> y(x.shape());
  Tensor<double> mean({rows}), rstd({rows});
  bench::against_triad(state, bytes_of(2 * x.size()), [&] {
    kernels::row_norm<float>(kernels::RowNorm::layer, rows, width, x.data(),
                             {gamma.data(), beta.data(), 0, rows, 0}, 1e-6, y.data(), mean.data(),
                             rstd.data());
    bench::escape(y.data());
  });
}
BENCHMARK(layer_norm)->Args({96, 128})->Args({1536, 128})->Apply(rounds);

/// q, k, v [1, tokens, heads 32]; counts the two products.
void attend(benchmark::State& state) {
  const Index tokens = state.range(0), heads = state.range(1), width = 32;
  const Shape shape{1, tokens, heads * width};
  const auto q = Rng(1).normal<float>(shape), k = Rng(2).normal<float>(shape),
             v = Rng(3).normal<float>(shape);
  const auto flops = 4.0 * static_cast<double>(heads * tokens * tokens * width);
  bench::against_peak(state, flops, [&] { bench::escape(attention(q, k, v, heads).data()); });
}
BENCHMARK(attend)
    ->Args({24, 4})
    ->Args({64, 4})
    ->Args({96, 4})
    ->Args({1024, 4})
    ->Args({4096, 4})
    ->Apply(rounds);

}  // namespace
