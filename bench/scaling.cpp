// How time grows with batch, length, width, steps and threads.
//
//   scaling [WORD]    the sweeps whose title contains WORD, or all
//
// Each sweep doubles one size. `growth` is the slope between neighbours in a log-log plot: 1 is
// linear, 2 quadratic, and with threads -1 is a perfect share. Sizes take turns in every round;
// printed are medians over the rounds.
#include "bench/denoiser_work.hpp"
#include "foglift/autograd/ops/attention.hpp"
#include "foglift/core/parallel.hpp"

#include <cmath>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

namespace {

using namespace foglift;
using Work = std::function<void()>;

constexpr int rounds = 9;

/// Times make(size)() for every size.
void sweep(const std::string& title, const std::vector<Index>& sizes,
           const std::function<Work(Index)>& make, const std::string& wanted) {
  if (title.find(wanted) == std::string::npos) return;
  std::vector<Work> works;
  for (const Index size : sizes) works.push_back(make(size));
  for (const Work& work : works) work();
  std::vector<std::vector<double>> times(sizes.size()), growth(sizes.size());
  for (int r = 0; r < rounds; ++r)
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      times[i].push_back(bench::seconds_of(works[i], 0.01));
      if (i > 0)
        growth[i].push_back(
            std::log(times[i].back() / times[i - 1].back()) /
            std::log(static_cast<double>(sizes[i]) / static_cast<double>(sizes[i - 1])));
    }
  std::printf("\n%s\n%8s %12s %12s %8s\n", title.c_str(), "size", "time/us", "us per size",
              "growth");
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const double us = 1e6 * bench::median(times[i]);
    std::printf("%8td %12.4g %12.4g", sizes[i], us, us / static_cast<double>(sizes[i]));
    if (i > 0)
      std::printf(" %8.2f\n", bench::median(growth[i]));
    else
      std::printf("\n");
  }
}

nn::UNet1d<float> unet_of_width(Index width) {
  Rng rng(0);
  return nn::UNet1d<float>({.in = 1, .width = width, .embedding = {.width = 128, .time_scale = 1}},
                           rng);
}
nn::Dit1d<float> dit_of(Index width, Index length) {
  Rng rng(0);
  return nn::Dit1d<float>({.in = 1, .width = width, .extents = {length}, .zero = false}, rng);
}

/// The work on `threads` threads.
Work on_threads(Index threads, Work work) {
  return [threads, work = std::move(work)] {
    set_threads(static_cast<int>(threads));
    work();
  };
}

/// Self-attention of 4 heads of 32 channels.
Work attend(Index tokens) {
  return
      [x = Rng(1).normal<float>({1, tokens, 128})] { bench::escape(attention(x, x, x, 4).data()); };
}

}  // namespace

int main(int argc, char** argv) {
  const std::string wanted = argc > 1 ? argv[1] : "";
  const Shape series{1, 96, 1};
  const auto unet = bench::unet1d(Rng(0));
  const auto dit = bench::dit1d(Rng(0));
  const auto mlp = bench::mlp2d(Rng(0));
  set_threads(1);

  sweep(
      "forward of mlp2d over batch", {1, 4, 16, 64, 256, 1024},
      [&](Index n) { return bench::forward(mlp, Shape{1, 2}, n); }, wanted);
  sweep(
      "forward of unet1d over batch", {1, 2, 4, 8, 16, 32, 64},
      [&](Index n) { return bench::forward(unet, series, n); }, wanted);
  sweep(
      "training step of unet1d over batch", {1, 2, 4, 8, 16, 32},
      [&](Index n) { return bench::training_step(unet, series, n); }, wanted);
  sweep(
      "forward of unet1d over length", {48, 96, 192, 384, 768, 1536},
      [&](Index n) { return bench::forward(unet, Shape{1, n, 1}, 1); }, wanted);
  sweep(
      "forward of unet1d at length 96 over width", {16, 32, 64, 128},
      [&](Index n) { return bench::forward(unet_of_width(n), series, 1); }, wanted);
  sweep(
      "forward of dit1d over length", {48, 96, 192, 384, 768, 1536},
      [&](Index n) { return bench::forward(dit_of(128, n), Shape{1, n, 1}, 1); }, wanted);
  sweep(
      "forward of dit1d at length 96 over width", {32, 64, 128, 256},
      [&](Index n) { return bench::forward(dit_of(n, 96), series, 1); }, wanted);
  sweep("attention over tokens", {64, 128, 256, 512, 1024, 2048, 4096}, attend, wanted);
  sweep(
      "DDIM of mlp2d over steps", {5, 10, 20, 40, 80},
      [&](Index n) { return bench::ddim(mlp, Shape{1, 2}, 1, n); }, wanted);
  sweep(
      "DDIM of unet1d over steps", {5, 10, 20, 40},
      [&](Index n) { return bench::ddim(unet, series, 1, n); }, wanted);
  sweep(
      "forward of unet1d at batch 16 over threads", {1, 2},
      [&](Index n) { return on_threads(n, bench::forward(unet, series, 16)); }, wanted);
  sweep(
      "training step of unet1d at batch 16 over threads", {1, 2},
      [&](Index n) { return on_threads(n, bench::training_step(unet, series, 16)); }, wanted);
  sweep(
      "forward of dit1d at batch 16 over threads", {1, 2},
      [&](Index n) { return on_threads(n, bench::forward(dit, series, 16)); }, wanted);
  sweep(
      "training step of dit1d at batch 16 over threads", {1, 2},
      [&](Index n) { return on_threads(n, bench::training_step(dit, series, 16)); }, wanted);
}
