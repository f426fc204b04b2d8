// What does a frozen denoiser know of classes it was never told? A linear probe on the activations
// of the block and noise level that serve it best, chosen on validation images, beside the same
// probe on raw pixels, their principal components, random features and an untrained network.
//
//   probe_linear FOLDER [--steps 1500] [--labels 50000] [--search 15000] [--seed 1]
//                [--name Fashion-MNIST] [--page docs/probing.md]
//
// FOLDER holds MNIST's four files, or Fashion-MNIST's (Debian: dataset-fashion-mnist). The table is
// printed, or written into the page between <!-- linear NAME --> and <!-- /linear NAME -->.
#include "bench/options.hpp"
#include "bench/probe/images.hpp"
#include "bench/probe/model.hpp"
#include "bench/timing.hpp"
#include "examples/support/marked_page.hpp"
#include "foglift/nn/hooks/stop_after.hpp"
#include "foglift/probe/probes/pca.hpp"
#include "foglift/probe/search.hpp"

#include <cstdio>
#include <exception>

#include <sys/resource.h>

using namespace foglift;
using bench::Images;

namespace {

constexpr Index seen = 50000;  // of the 60,000 images, without labels
constexpr Index grid = 3;

/// Accuracy on the test set of ridge regression on features of all images, train then test.
struct Judge {
  const std::vector<Index>&labels, &test;

  double all(const Tensor<float>& train, const Tensor<float>& features) const {
    const std::vector<Index> y(labels.begin(), labels.begin() + train.dim(0));
    return probe::accuracy(probe::ridge_probe(train, y, 10).predict(features), test);
  }
  /// Ten labels a class, five draws: mean and standard error.
  std::pair<double, double> hundred(const Tensor<float>& train,
                                    const Tensor<float>& features) const {
    double sum = 0, square = 0;
    for (std::uint64_t draw = 0; draw < 5; ++draw) {
      std::vector<Index> index, count(10);
      std::vector<bool> drawn(static_cast<std::size_t>(train.dim(0)));
      for (std::uint64_t i = 0; index.size() < 100; ++i) {
        const auto at = static_cast<std::size_t>(Rng(draw).index(train.dim(0), i));
        if (!drawn[at] && count[static_cast<std::size_t>(labels[at])]++ < 10)
          index.push_back(static_cast<Index>(at));
        drawn[at] = true;
      }
      const double a = probe::accuracy(
          probe::ridge_probe(gather(train, index), gather(labels, index), 10).predict(features),
          test);
      sum += a / 5, square += a * a / 5;
    }
    return {sum, std::sqrt(std::max(0.0, square - sum * sum) / 4)};
  }
};

struct Table {
  const Judge& judge;
  std::string text = "| features | width | many labels, % | 100 labels, % |\n|---|---|---|---|\n";

  void row(const std::string& name, const Tensor<float>& train, const Tensor<float>& test) {
    const auto few = judge.hundred(train, test);
    char line[200];
    std::snprintf(line, sizeof(line), "| %s | %td | %.1f | %.1f +- %.1f |\n", name.c_str(),
                  train.dim(1), 100 * judge.all(train, test), 100 * few.first, 100 * few.second);
    std::fprintf(stderr, "%s", line);
    text += line;
  }
};

/// max(0, x W) with normal weights, x of about unit variance.
Tensor<float> random_features(const Tensor<float>& x, Index count) {
  const auto w = Rng(3).normal<float>({x.dim(1), count});
  Tensor<float> y = linear(x, w);
  for (float& v : y) v = std::max(v, 0.0f);
  return y;
}

struct Searched {
  probe::HeatMap map;
  double seconds;
};

Searched search(const bench::Net& net, const Images& images, const char* name) {
  const auto denoise = bench::denoiser(net);
  std::vector<Level> levels;
  for (const double t : {0.02, 0.06, 0.12, 0.2, 0.3, 0.4, 0.55, 0.7})
    levels.push_back(denoise.at(t));
  const Index n = images.x.dim(0), fitted = n * 2 / 3;
  const probe::Split split{bench::range(0, fitted), bench::range(fitted, n - fitted), {0}};
  const auto start = std::chrono::steady_clock::now();
  auto map = probe::heat_map(
      denoise, images.x, images.labels, 10, split, levels, probe::noise::Fixed{Rng(5)},
      {.features = {.grid = grid}, .search = {.progress = [&](Index done) {
                                     std::fprintf(stderr, "\r%s: level %td of 8 ", name, done);
                                   }}});
  std::fprintf(stderr, "\n");
  return {std::move(map), bench::seconds_since(start)};
}

template <class Noise>
Tensor<float> best_features(const bench::Net& net, const probe::HeatMap& map,
                            const Tensor<float>& x, const Noise& noise) {
  const auto& best = map.best();
  const auto denoise = bench::denoiser(net);
  const std::string block = map.blocks[static_cast<std::size_t>(best.block)];
  probe::Collect<float> pooled(probe::Pooled{grid});
  const std::vector<Level> level{map.levels[static_cast<std::size_t>(best.level)]};
  probe::extract(denoise, x, level, noise, nn::hooks::StopAfter(block), pooled);
  return std::move(pooled.levels.front().back().values);
}

std::string place(const probe::HeatMap& map) {
  char text[100];
  std::snprintf(text, sizeof(text), "%s at t = %.2f",
                map.blocks[static_cast<std::size_t>(map.best().block)].c_str(),
                map.levels[static_cast<std::size_t>(map.best().level)].t);
  return text;
}

}  // namespace

int main(int count, char** words) try {
  if (count < 2)
    raise<ArgumentError>(
        "probe_linear FOLDER [--steps N] [--labels N] [--seed N] [--name TEXT] "
        "[--page FILE]");
  Index steps = 1500, labels = seen, searched = 15000, seed = 1;
  std::string name = "Fashion-MNIST", page;
  read_options(
      count, words, 2,
      {{"--steps", &steps}, {"--labels", &labels}, {"--search", &searched}, {"--seed", &seed}},
      {{"--name", &name}, {"--page", &page}});
  const Images all = bench::read_images(words[1], "train"),
               test = bench::read_images(words[1], "t10k");
  const Images train = all.rows(bench::range(0, labels));
  const Tensor<float> x = bench::folded(train.x), tx = bench::folded(test.x);
  const bench::TrainingOptions options{.steps = steps, .seed = static_cast<std::uint64_t>(seed)};
  const auto fit = bench::trained(name.c_str(), bench::folded(all.x.rows(0, seen)), {}, options);
  const bench::Net blank = bench::untrained(options);

  // The search fits on two thirds, which the network has seen, and chooses on the rest, which not.
  std::vector<Index> part = bench::range(0, searched * 2 / 3);
  for (const Index i : bench::range(seen, searched - searched * 2 / 3)) part.push_back(i);
  const Images few{bench::folded(all.rows(part).x), gather(all.labels, part)};
  const Searched found = search(fit.net, few, "trained"), control = search(blank, few, "untrained");

  const Judge judge{train.labels, test.labels};
  Table table{judge};
  const Tensor<float> raw = bench::flat(train.x), raw_test = bench::flat(test.x);
  table.row("raw pixels", raw, raw_test);
  for (const Index r : {Index{64}, Index{288}}) {
    const probe::Pca pca(raw.rows(0, std::min<Index>(labels, 10000)), r);
    table.row("principal components", pca.encode(raw), pca.encode(raw_test));
  }
  table.row("random ReLU features", random_features(raw, 512), random_features(raw_test, 512));
  const probe::noise::Fixed one{Rng(6)}, other{Rng(7)};
  table.row("untrained network, " + place(control.map), best_features(blank, control.map, x, one),
            best_features(blank, control.map, tx, other));
  table.row("**denoiser, " + place(found.map) + "**", best_features(fit.net, found.map, x, one),
            best_features(fit.net, found.map, tx, other));
  const probe::noise::Mean two(other, 2), two_train(one, 2);
  table.row("the same, mean of 2 noises", best_features(fit.net, found.map, x, two_train),
            best_features(fit.net, found.map, tx, two));

  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  char line[600];
  std::snprintf(line, sizeof(line),
                "\n%s: %td weights, %td steps of 64 images (%.0f s), loss %.3f; the search over 8 "
                "levels and %zu blocks on %td images took %.0f s (validation %.1f %%), at most "
                "%.1f GB of memory in the whole run; seed %td, %d threads. Standard errors are of "
                "five draws of 100 labels, many are %td.\n",
                name.c_str(), nn::parameter_count(fit.net), steps, fit.seconds, fit.loss,
                found.map.blocks.size(), searched, found.seconds, 100 * found.map.best().validation,
                static_cast<double>(use.ru_maxrss) / 1e6, seed, threads(), labels);
  table.text += line;
  if (page.empty())
    std::printf("%s", table.text.c_str());
  else
    write_marked(page, "linear " + name, table.text);
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
