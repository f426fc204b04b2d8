// 3x3 convolutions at the shapes of a small U-Net on one thread, padding and bias included: the
// direct kernel and Winograd's. Every round probes the FMA peak and then runs both; a figure is the
// median over rounds of operations by the definition (2 for each of 9 taps) over that round's peak.
#include "bench/conv_shapes.hpp"
#include "bench/rounds.hpp"

#include <cstdio>

int main() {
  using namespace foglift;
  set_threads(1);
  std::printf("%22s %8s %8s %8s\n", "", "direct", "winograd", "ratio");
  for (const auto& s : bench::ConvCase::shapes) {
    bench::ConvCase conv(s);
    std::vector<double> direct, winograd, ratio;
    for (int round = 0; round < 31; ++round) {
      const double peak = bench::peak_flops();
      const auto seconds = [&](ConvAlgorithm a) {
        return bench::seconds_of([&] { conv(a); }, 1e-3);
      };
      const double d = seconds(ConvAlgorithm::direct), w = seconds(ConvAlgorithm::winograd);
      direct.push_back(conv.flops() / d / peak);
      winograd.push_back(conv.flops() / w / peak);
      ratio.push_back(d / w);
    }
    std::printf("b = %2td %3td->%3td %2td x %2td %8.2f %8.2f %8.2f\n", s.B, s.in, s.out, s.n, s.n,
                bench::median(direct), bench::median(winograd), bench::median(ratio));
  }
}
