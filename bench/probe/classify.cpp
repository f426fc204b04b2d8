// How well does a class-conditional denoiser classify, by its errors alone? Test accuracy by levels
// uniform in lambda and in time, with and without a race, beside the exact linear denoiser of each
// class on principal components, and what an image costs.
//
//   probe_classify FOLDER [--steps 1500] [--images 1000] [--seed 1] [--name MNIST]
//                  [--page docs/probing.md]
#include "bench/options.hpp"
#include "bench/probe/images.hpp"
#include "bench/probe/model.hpp"
#include "bench/timing.hpp"
#include "examples/support/marked_page.hpp"
#include "foglift/probe/metric/accuracy.hpp"
#include "foglift/probe/metric/distance.hpp"
#include "foglift/probe/probes/pca.hpp"
#include "foglift/probe/systems/diffusion_classifier.hpp"

#include <cstdio>
#include <exception>

using namespace foglift;
using bench::Images;

namespace {

/// Quadratic discriminant analysis: the class of the largest Gaussian density.
std::vector<Index> qda(const Tensor<float>& train, const std::vector<Index>& labels,
                       const Tensor<float>& test) {
  std::vector<probe::Moments> classes;
  std::vector<Eigen::LLT<Eigen::MatrixXd>> factors;
  for (Index c = 0; c < 10; ++c) {
    std::vector<Index> of;
    for (std::size_t i = 0; i < labels.size(); ++i)
      if (labels[i] == c) of.push_back(static_cast<Index>(i));
    classes.emplace_back(gather(train, of));
    factors.emplace_back(classes.back().covariance);
  }
  std::vector<Index> said;
  for (Index i = 0; i < test.dim(0); ++i) {
    double best = 0;
    for (std::size_t c = 0; c < 10; ++c) {
      Eigen::VectorXd d = -classes[c].mean;
      for (Index j = 0; j < d.size(); ++j) d(j) += static_cast<double>(test(i, j));
      const double p =
          d.dot(factors[c].solve(d)) + 2 * factors[c].matrixLLT().diagonal().array().log().sum();
      if (c == 0) said.push_back(0);
      if (c == 0 || p < best) best = p, said.back() = static_cast<Index>(c);
    }
  }
  return said;
}

struct Table {
  const std::vector<Index>& labels;
  std::string text =
      "| classifier | right, % | 95 % interval | forwards an image | ms an image "
      "|\n|---|---|---|---|---|\n";

  void row(const std::string& name, const std::vector<Index>& said, Index evaluations,
           double seconds) {
    const auto n = static_cast<Index>(said.size());
    const Index right = probe::hits(said, labels);
    const auto range = probe::wilson_interval(right, n);
    char line[250];
    std::snprintf(line, sizeof(line), "| %s | %.1f | %.1f - %.1f | %.0f | %.1f |\n", name.c_str(),
                  100 * double(right) / double(n), 100 * range.low, 100 * range.high,
                  double(evaluations) / double(n), 1e3 * seconds / double(n));
    std::fprintf(stderr, "%s", line);
    text += line;
  }
};

}  // namespace

int main(int count, char** words) try {
  if (count < 2)
    raise<ArgumentError>(
        "probe_classify FOLDER [--steps N] [--images N] [--seed N] [--name TEXT] "
        "[--page FILE]");
  Index steps = 1500, images = 1000, seed = 1;
  std::string name = "MNIST", page;
  read_options(count, words, 2, {{"--steps", &steps}, {"--images", &images}, {"--seed", &seed}},
               {{"--name", &name}, {"--page", &page}});
  const Images train = bench::read_images(words[1], "train"),
               test = bench::read_images(words[1], "t10k").rows(bench::range(0, images));
  const auto fit =
      bench::trained(name.c_str(), bench::folded(train.x), train.labels,
                     {.classes = 10, .steps = steps, .seed = static_cast<std::uint64_t>(seed)});
  const auto denoise = bench::denoiser(fit.net);
  const Tensor<float> x = bench::folded(test.x);
  const auto of_labels = [&](const std::vector<Index>& labels) {
    return bench::told(fit.net, labels, 10, 14);
  };

  Table table{test.labels};
  const probe::Pca pca(bench::flat(train.x).rows(0, 20000), 40);
  table.row("Gaussian of each class on 40 components (QDA)",
            qda(pca.encode(bench::flat(train.x)), train.labels, pca.encode(bench::flat(test.x))), 0,
            0);
  const probe::noise::Fresh noise{Rng(9)};
  const auto judge = [&](const std::string& how, const probe::ErrorPlan& plan,
                         const std::vector<probe::RaceStage>& race) {
    const auto start = std::chrono::steady_clock::now();
    const auto said = probe::diffusion_classifier(of_labels, x, 10, plan, noise, {.race = race});
    table.row(how, said.predicted, said.evaluations, bench::seconds_since(start));
  };
  judge("diffusion classifier, one level, t = 0.4", {{denoise.at(0.4)}, {1}}, {});
  judge("8 levels uniform in time", probe::ErrorPlan::uniform_time(denoise, 8), {});
  judge("8 levels uniform in lambda, -2.5 to 2.5",
        probe::ErrorPlan::uniform_lambda(denoise, -2.5, 2.5, 8), {});
  judge("**16 levels uniform in time in a race: 5 left after 4, 2 after 8**",
        probe::ErrorPlan::uniform_time(denoise, 16), {{4, 5}, {8, 2}});

  char line[400];
  std::snprintf(line, sizeof(line),
                "\n%s: the first %td test images; %td weights, %td steps of 64 images (%.0f s), "
                "loss %.3f; seed %td, %d threads.\n",
                name.c_str(), images, nn::parameter_count(fit.net), steps, fit.seconds, fit.loss,
                seed, threads());
  table.text += line;
  if (page.empty())
    std::printf("%s", table.text.c_str());
  else
    write_marked(page, "classify " + name, table.text);
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
