// How far do codes take the factors of sprites apart? All scores of probe/metric/disentanglement
// for principal components of pixels and of a denoiser's activations (trained and not), beside the
// factors themselves and a rotation of them, for which the scores are known.
//
//   probe_disentangle [--steps 200] [--examples 4000] [--seed 1] [--page docs/probing.md]
#include "bench/options.hpp"
#include "bench/probe/model.hpp"
#include "examples/support/marked_page.hpp"
#include "foglift/nn/hooks/stop_after.hpp"
#include "foglift/probe/metric/disentanglement/correlation.hpp"
#include "foglift/probe/metric/disentanglement/linear.hpp"
#include "foglift/probe/metric/disentanglement/votes.hpp"
#include "foglift/probe/probes/pca.hpp"
#include "foglift/probe/sink/collect.hpp"
#include "foglift/probe/sprites.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>

using namespace foglift;

namespace {

/// Columns of mean 0 and deviation 1, then turned by 45 degrees in each pair of neighbours.
Tensor<float> rotated(const Tensor<float>& z) {
  Tensor<float> out = z;
  const probe::Moments m(z);
  for (Index i = 0; i < z.size(); ++i) {
    const Index j = i % z.dim(1);
    out[i] = static_cast<float>((double(z[i]) - m.mean(j)) / std::sqrt(m.covariance(j, j)));
  }
  const float c = std::sqrt(0.5f);
  for (Index i = 0; i < out.dim(0); ++i)
    for (Index j = 0; j + 1 < out.dim(1); ++j) {
      const float a = out(i, j), b = out(i, j + 1);
      out(i, j) = c * (a + b);
      out(i, j + 1) = c * (a - b);
    }
  return out;
}

struct Table {
  const probe::Factors& factors;
  probe::Split split = {};
  std::string text =
      "| codes | TC | MI | MIG | SAP | D | C | I | FactorVAE | beta-VAE "
      "|\n|---|---|---|---|---|---|---|---|---|---|\n";

  void row(const char* name, const Tensor<float>& z) {
    const auto dci = probe::linear_dci(z, factors, split);
    const probe::VoteOptions votes{.train = 1000, .test = 500};
    char line[300];
    std::snprintf(
        line, sizeof(line),
        "| %s | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f |\n", name,
        std::max(0.0, probe::gaussian_wasserstein_correlation(probe::Moments(z).covariance)),
        probe::mutual_information_score(z), probe::mutual_information_gap(z, factors),
        probe::separated_predictability(z, factors), dci.disentanglement, dci.completeness,
        dci.informativeness, probe::factor_vae_score(z, factors, Rng(5), votes),
        probe::beta_vae_score(z, factors, Rng(6), votes));
    std::fprintf(stderr, "%s", line);
    text += line;
  }
};

}  // namespace

int main(int count, char** words) try {
  Index steps = 200, examples = 4000, seed = 1;
  std::string page;
  read_options(count, words, 1, {{"--steps", &steps}, {"--examples", &examples}, {"--seed", &seed}},
               {{"--page", &page}});
  const probe::SpriteGrid grid;
  probe::Factors factors(5);
  std::vector<probe::Sprite> sprites;
  Tensor<float> truth({examples, 5});
  probe::Split split;
  for (Index i = 0; i < examples; ++i) {
    const Index at = Rng(1).index(grid.size(), static_cast<std::uint64_t>(i));
    sprites.push_back(grid.at(at));
    const auto values = grid.factors(at);
    for (std::size_t k = 0; k < 5; ++k) {
      factors[k].push_back(values[k]);
      truth(i, static_cast<Index>(k)) = static_cast<float>(values[k]);
    }
    (i % 5 == 0 ? split.test : split.train).push_back(i);
  }
  Tensor<float> x = probe::draw_sprites(sprites, 16);
  for (float& v : x) v = 2 * v - 1;
  const bench::TrainingOptions options{
      .in = 1, .width = 24, .steps = steps, .seed = static_cast<std::uint64_t>(seed)};
  const auto fit = bench::trained("sprites", x, {}, options);
  const bench::Net blank = bench::untrained(options);
  const auto taps = [&](const bench::Net& net) {
    const auto denoise = bench::denoiser(net);
    probe::Collect<float> pooled(probe::Pooled{4});
    const std::vector<Level> level{denoise.at(0.1)};
    probe::extract(denoise, x, level, probe::noise::Fixed{Rng(3)}, nn::hooks::StopAfter("middle"),
                   pooled);
    const Tensor<float>& h = pooled.levels.front().back().values;
    return probe::Pca(h, 10).encode(h);
  };
  const Tensor<float> pixels = x.reshaped({examples, 256});
  Table table{factors, split};
  table.row("the factors", truth);
  table.row("the factors, rotated", rotated(truth));
  table.row("10 components of pixels", probe::Pca(pixels, 10).encode(pixels));
  table.row("10 components of an untrained network", taps(blank));
  table.row("**10 components of the denoiser**", taps(fit.net));
  char line[500];
  std::snprintf(line, sizeof(line),
                "\n%td sprites of 16 x 16 with five factors; TC is the normalized Wasserstein "
                "correlation; D, C and I are of linear predictors, to which shape and angle are "
                "numbers, so that I of turned codes stays and of images falls; activations are of "
                "the middle at t = 0.1, means over 4 x 4 cells; %td steps of 64 images (%.0f s), "
                "loss %.3f; seed %td, %d threads.\n",
                examples, steps, fit.seconds, fit.loss, seed, threads());
  table.text += line;
  if (page.empty())
    std::printf("%s", table.text.c_str());
  else
    write_marked(page, "disentangle", table.text);
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
