// Matrix products at the shapes of small denoisers, one thread: ours with a bias, ours with the
// weights in panels already, and Eigen's. Every round probes the FMA peak and then runs all three;
// a figure is the median over rounds of a product's share of that round's peak.
#include "bench/rounds.hpp"
#include "foglift/core/rng.hpp"
#include "foglift/kernels/gemm/gemm.hpp"

#include <cmath>
#include <cstdio>

#include <Eigen/Core>

namespace {

using namespace foglift;

struct Result {
  double gflops, ours, packed, eigen;  // the last three as fractions of the peak
};

Result measure(Index M, Index N, Index K) {
  const auto a = Rng(1).normal<float>({M, K}), b = Rng(2).normal<float>({K, N});
  const auto bias = Rng(3).normal<float>({N});
  auto c = Tensor<float>::uninitialized({M, N});
  const auto left = kernels::row_major(a.data(), K), right = kernels::row_major(b.data(), N);
  const kernels::Panels<float> panels(right, K, N);
  using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Eigen::Map<const Matrix> ea(a.data(), M, K), eb(b.data(), K, N);
  Eigen::Map<Matrix> ec(c.data(), M, N);
  const double flops = 2 * static_cast<double>(M * N * K);
  std::vector<double> speed, ours, packed, eigen;
  for (int round = 0; round < 31; ++round) {
    const double peak = bench::peak_flops();
    const auto rate = [&](const auto& f) { return flops / bench::seconds_of(f, 5e-4); };
    speed.push_back(rate([&] {
      kernels::gemm(M, N, K, left, right, c.data(), N, {.bias = bias.data()});
      bench::escape(c.data());
    }));
    ours.push_back(speed.back() / peak);
    packed.push_back(rate([&] {
                       kernels::gemm(M, K, left, panels, Index{0}, c.data(), N,
                                     {.bias = bias.data()});
                       bench::escape(c.data());
                     }) /
                     peak);
    eigen.push_back(rate([&] {
                      ec.noalias() = ea * eb;
                      bench::escape(c.data());
                    }) /
                    peak);
  }
  using bench::median;
  return {median(speed) / 1e9, median(ours), median(packed), median(eigen)};
}

}  // namespace

int main() {
  set_threads(1);
  std::printf("%18s %8s %8s %8s %8s %8s\n", "M x N x K", "GFLOP/s", "of peak", "packed", "Eigen",
              "ratio");
  const Index shapes[][3] = {
      {1, 128, 128},    {16, 128, 128},   {64, 64, 64},     {64, 128, 128},    {256, 64, 64},
      {1024, 64, 192},  {1024, 128, 128}, {2048, 128, 128}, {4096, 256, 256},  {784, 64, 576},
      {196, 128, 1152}, {49, 256, 2304},  {256, 512, 2048}, {1024, 1024, 1024}};
  double fraction = 0, ratio = 0;  // sums of logarithms
  int counted = 0;
  for (const auto& [M, N, K] : shapes) {
    const Result r = measure(M, N, K);
    std::printf("%5td x %4td x %4td %8.1f %8.2f %8.2f %8.2f %8.2f\n", M, N, K, r.gflops, r.ours,
                r.packed, r.eigen, r.ours / r.eigen);
    if (M < 16) continue;
    fraction += std::log(r.ours);
    ratio += std::log(r.ours / r.eigen);
    ++counted;
  }
  std::printf("M >= 16, geometric means: %.3f of the peak, %.2f x Eigen\n",
              std::exp(fraction / counted), std::exp(ratio / counted));
}
