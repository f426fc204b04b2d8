// Does a denoiser that has seen one class alone know the others as strange? AUROC on all test
// images for each class, by the error of noise in standard deviations of what held-out images of
// the class have, beside the error of reconstruction by 32 principal components. No chain is run.
//
//   probe_one_class FOLDER [--steps 300] [--images 2000] [--classes 10] [--seed 1]
//                   [--name MNIST] [--page docs/probing.md]
#include "foglift/probe/systems/one_class.hpp"

#include "bench/options.hpp"
#include "bench/probe/images.hpp"
#include "bench/probe/model.hpp"
#include "bench/timing.hpp"
#include "examples/support/marked_page.hpp"
#include "foglift/probe/metric/detection.hpp"
#include "foglift/probe/probes/pca.hpp"

#include <cstdio>
#include <exception>

using namespace foglift;
using bench::Images;

namespace {

/// |x - x of its first 32 components|^2.
std::vector<double> pca_scores(const Tensor<float>& normal, const Tensor<float>& x) {
  const probe::Pca pca(normal, 32);
  const Tensor<float> back = pca.decode(pca.encode(x));
  std::vector<double> out(static_cast<std::size_t>(x.dim(0)));
  for (Index i = 0; i < x.size(); ++i) {
    const double d = double(x[i]) - double(back[i]);
    out[static_cast<std::size_t>(i / x.dim(1))] += d * d;
  }
  return out;
}

}  // namespace

int main(int count, char** words) try {
  if (count < 2)
    raise<ArgumentError>(
        "probe_one_class FOLDER [--steps N] [--images N] [--classes N] [--seed N] [--name TEXT] "
        "[--page FILE]");
  Index steps = 300, images = 2000, classes = 10, seed = 1;
  std::string name = "MNIST", page;
  read_options(
      count, words, 2,
      {{"--steps", &steps}, {"--images", &images}, {"--classes", &classes}, {"--seed", &seed}},
      {{"--name", &name}, {"--page", &page}});
  const Images train = bench::read_images(words[1], "train"),
               test = bench::read_images(words[1], "t10k").rows(bench::range(0, images));
  const Tensor<float> x = bench::folded(test.x);
  std::string text =
      "| normal class | 32 components | error of noise | seconds of training "
      "|\n|---|---|---|---|\n";
  double pca_mean = 0, mean = 0, seconds = 0;
  const auto line = [&](const std::string& of, double a, double b, double s) {
    char row[200];
    std::snprintf(row, sizeof(row), "| %s | %.3f | %.3f | %.0f |\n", of.c_str(), a, b, s);
    std::fprintf(stderr, "%s", row);
    text += row;
  };
  for (Index c = 0; c < classes; ++c) {
    std::vector<Index> of;
    for (std::size_t i = 0; i < train.labels.size(); ++i)
      if (train.labels[i] == c) of.push_back(static_cast<Index>(i));
    const std::vector<Index> held(of.end() - 500, of.end());  // for the levels' deviations
    of.resize(of.size() - 500);
    const Tensor<float> normal = gather(train.x, of);
    std::vector<bool> strange;
    for (const Index label : test.labels) strange.push_back(label != c);
    const double pca = probe::auroc(pca_scores(bench::flat(normal), bench::flat(test.x)), strange);
    const auto fit = bench::trained((name + ' ' + std::to_string(c)).c_str(), bench::folded(normal),
                                    {}, {.steps = steps, .seed = static_cast<std::uint64_t>(seed)});
    const auto denoise = bench::denoiser(fit.net);
    const auto plan = probe::ErrorPlan::uniform_lambda(denoise, -1.5, 1.5, 8);
    const probe::OneClass one(denoise, bench::folded(gather(train.x, held)), plan,
                              probe::noise::Fresh{Rng(2)});
    const double ours = probe::auroc(one.scores(denoise, x, probe::noise::Fresh{Rng(3)}), strange);
    line(std::to_string(c), pca, ours, fit.seconds);
    pca_mean += pca / double(classes), mean += ours / double(classes), seconds += fit.seconds;
  }
  line("**mean**", pca_mean, mean, seconds);
  char end[300];
  std::snprintf(end, sizeof(end),
                "\n%s: AUROC on the first %td test images, one denoiser a class of %td steps of 64 "
                "images; 8 levels, one forward each; seed %td, %d threads.\n",
                name.c_str(), images, steps, seed, threads());
  text += end;
  if (page.empty())
    std::printf("%s", text.c_str());
  else
    write_marked(page, "one class " + name, text);
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
