// How much memory do dense features need? The recipe of DDPM-Seg (Baranchuk et al. 2022), whose
// whole maps take some 210 GB for 50 images of 256 x 256, with features read at some pixels of each
// image while they are made. Memory does not depend on what a network has learned: it is untrained.
//
//   probe_dense [--images 50] [--size 256] [--pixels 200] [--page docs/probing.md]
#include "foglift/probe/systems/dense.hpp"

#include "bench/options.hpp"
#include "bench/timing.hpp"
#include "examples/support/marked_page.hpp"
#include "foglift/diffusion/schedule/cosine.hpp"
#include "foglift/nn/nets/unet.hpp"

#include <cstdio>
#include <exception>

#include <sys/resource.h>

using namespace foglift;

int main(int count, char** words) try {
  Index images = 50, size = 256, pixels = 200;
  std::string page;
  read_options(count, words, 1, {{"--images", &images}, {"--size", &size}, {"--pixels", &pixels}},
               {{"--page", &page}});
  Rng rng(1);
  const nn::UNet2d<float> net(
      {.in = 3, .width = 16, .multipliers = {1, 2, 4, 8}, .blocks = 1, .middle_attention = false},
      rng);
  const NetworkDenoiser denoise(net, predict::Velocity{}, schedule::Cosine{});
  const std::vector<Level> levels{denoise.at(0.05), denoise.at(0.15), denoise.at(0.25)};
  const std::vector<std::string> blocks{"up.0.1", "up.1.0", "up.1.1", "up.2.0", "up.2.1"};
  const auto x = Rng(2).normal<float>({images, size, size, 3});
  Tensor<Index> chosen({images, pixels});
  for (Index i = 0; i < chosen.size(); ++i)
    chosen[i] = Rng(3).index(size * size, static_cast<std::uint64_t>(i));
  const auto start = std::chrono::steady_clock::now();
  const auto rows =
      probe::pixel_features(denoise, x, levels, blocks, probe::pixel_points(chosen, size, size),
                            probe::noise::Shared{Rng(4)}, {.batch = 1});
  const double seconds = bench::seconds_since(start);
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  const auto gigabytes = [&](double values) { return 4e-9 * values; };
  const double d = static_cast<double>(rows.dim(1));
  char text[900];
  std::snprintf(
      text, sizeof(text),
      "| images of %td x %td | features a pixel | whole maps, GB | kept, GB | peak of the "
      "program, GB | s |\n|---|---|---|---|---|---|\n| %td, %td pixels each | %td | %.1f | "
      "%.3f | %.2f | %.0f |\n\nThe images themselves are %.2f GB of the peak; %zu levels, "
      "%zu blocks, one image at a time on each of %d threads.\n",
      size, size, images, pixels, rows.dim(1),
      gigabytes(d * static_cast<double>(images * size * size)),
      gigabytes(static_cast<double>(rows.size())), static_cast<double>(use.ru_maxrss) / 1e6,
      seconds, gigabytes(static_cast<double>(x.size())), levels.size(), blocks.size(), threads());
  if (page.empty())
    std::printf("%s", text);
  else
    write_marked(page, "dense", text);
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
