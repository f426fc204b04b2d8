// 3x3 convolutions at the shapes of a small U-Net on one thread, padding and bias included: the
// direct kernel, Winograd's, and both in bfloat16 (Winograd's along rows alone). Every round probes
// the FMA peak and then runs both; a figure is the median over rounds of operations by the
// definition (2 for each of 9 taps) over that round's peak.
#include "bench/conv_shapes.hpp"
#include "bench/rounds.hpp"
#include "foglift/core/autocast.hpp"

#include <cstdio>

int main() {
  using namespace foglift;
  set_threads(1);
  std::printf("%22s %8s %8s %8s %8s %8s %8s %8s\n", "", "direct", "winograd", "ratio", "bf16",
              "ratio", "rows", "ratio");
  for (const auto& s : bench::ConvCase::shapes) {
    bench::ConvCase conv(s);
    std::vector<double> direct, winograd, ratio, bf16, bf16_ratio, rows, rows_ratio;
    for (int round = 0; round < 31; ++round) {
      const double peak = bench::peak_flops();
      const auto seconds = [&](ConvAlgorithm a) {
        return bench::seconds_of([&] { conv(a); }, 1e-3);
      };
      const double d = seconds(ConvAlgorithm::direct), w = seconds(ConvAlgorithm::winograd);
      direct.push_back(conv.flops() / d / peak);
      winograd.push_back(conv.flops() / w / peak);
      ratio.push_back(d / w);
      const Autocast autocast;
      const double h = seconds(ConvAlgorithm::direct);
      bf16.push_back(conv.flops() / h / peak);
      bf16_ratio.push_back(d / h);
      const double r = seconds(ConvAlgorithm::winograd);
      rows.push_back(conv.flops() / r / peak);
      rows_ratio.push_back(d / r);
    }
    std::printf("b = %2td %3td->%3td %2td x %2td %8.2f %8.2f %8.2f %8.2f %8.2f %8.2f %8.2f\n", s.B,
                s.in, s.out, s.n, s.n, bench::median(direct), bench::median(winograd),
                bench::median(ratio), bench::median(bf16), bench::median(bf16_ratio),
                bench::median(rows), bench::median(rows_ratio));
  }
}
