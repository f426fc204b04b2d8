// What do the maps of a denoiser give to a segmentation with few labels? Canvases of handwritten
// digits, which the library ships: the denoiser sees 2,000 of them without labels, an ensemble of
// perceptrons the labels of some pixels of 20, and the mean IoU is over all pixels of 40 others
// (the protocol of DDPM-Seg, Baranchuk et al. 2022). Beside it: the same ensemble on raw patches
// and on the maps of the same network untrained.
//
//   probe_segment [--steps 300] [--seed 1] [--page docs/probing.md]
#include "bench/options.hpp"
#include "bench/probe/model.hpp"
#include "bench/timing.hpp"
#include "examples/support/digits.hpp"
#include "examples/support/marked_page.hpp"
#include "foglift/probe/metric/segmentation.hpp"
#include "foglift/probe/probes/mlp_ensemble.hpp"
#include "foglift/probe/systems/dense.hpp"

#include <cmath>
#include <cstdio>
#include <exception>

using namespace foglift;

namespace {

constexpr Index side = 24, background = 10, classes = 11, known = 20, judged = 40, pixels = 150;

struct Canvases {
  Tensor<float> x;            // [n, side, side, 1] in [-1, 1]
  std::vector<Index> labels;  // of every pixel
};

/// In each quarter with a chance of 3/4 a digit, somewhere.
Canvases canvases(const Digits& digits, Index n, const Rng& rng) {
  Canvases out{Tensor<float>({n, side, side, 1}, -1.0f), {}};
  out.labels.assign(static_cast<std::size_t>(n * side * side), background);
  for (Index i = 0; i < n; ++i)
    for (Index quarter = 0; quarter < 4; ++quarter) {
      const auto draw = [&, step = std::uint32_t(8 * quarter)](Index m, std::uint32_t k) {
        return rng.index(m, static_cast<std::uint64_t>(i), step + k);
      };
      if (draw(4, 0) == 0) continue;
      const Index which = draw(digits.images.dim(0), 1);
      const Index top = quarter / 2 * 12 + draw(5, 2), left = quarter % 2 * 12 + draw(5, 3);
      for (Index r = 0; r < 8; ++r)
        for (Index c = 0; c < 8; ++c) {
          const float v = digits.images(which, r, c, 0);
          out.x(i, top + r, left + c, 0) = v;
          if (v > -0.5f)
            out.labels[static_cast<std::size_t>((i * side + top + r) * side + left + c)] =
                digits.labels[static_cast<std::size_t>(which)];
        }
    }
  return out;
}

/// The 5 x 5 pixels around each of the pixels chosen, [n P, 25].
Tensor<float> patches(const Tensor<float>& x, const Tensor<Index>& chosen) {
  Tensor<float> out({chosen.size(), 25}, -1.0f);
  for (Index i = 0; i < chosen.size(); ++i)
    for (Index k = 0; k < 25; ++k) {
      const Index r = chosen[i] / side + k / 5 - 2, c = chosen[i] % side + k % 5 - 2;
      if (r >= 0 && r < side && c >= 0 && c < side) out(i, k) = x(i / chosen.dim(1), r, c, 0);
    }
  return out;
}

}  // namespace

int main(int count, char** words) try {
  Index steps = 300, seed = 1;
  std::string page;
  read_options(count, words, 1, {{"--steps", &steps}, {"--seed", &seed}}, {{"--page", &page}});
  const Digits digits = read_digits(FOGLIFT_EXAMPLE_DATA "/digits.csv");
  std::vector<Index> index(static_cast<std::size_t>(digits.images.dim(0)));
  for (std::size_t i = 0; i < index.size(); ++i) index[i] = static_cast<Index>(i);
  const auto part = [&](std::size_t first, std::size_t last) {
    const std::vector<Index> of(index.begin() + static_cast<std::ptrdiff_t>(first),
                                index.begin() + static_cast<std::ptrdiff_t>(last));
    return Digits{gather(digits.images, of), gather(digits.labels, of)};
  };
  // Digits of the canvases that are judged are none of those before.
  const Digits first = part(0, 1300), last = part(1300, index.size());
  const auto unlabelled = canvases(first, 2000, Rng(10)), test = canvases(last, judged, Rng(12));
  const bench::TrainingOptions options{.in = 1,
                                       .width = 24,
                                       .multipliers = {1, 2, 2},
                                       .steps = steps,
                                       .seed = static_cast<std::uint64_t>(seed)};
  const auto fit = bench::trained("canvases", unlabelled.x, {}, options);
  const bench::Net blank = bench::untrained(options);

  Tensor<Index> all({judged, side * side});
  for (Index i = 0; i < all.size(); ++i) all[i] = i % (side * side);
  const auto maps = [&](const bench::Net& net, const Tensor<float>& x,
                        const Tensor<Index>& chosen) {
    const auto denoise = bench::denoiser(net);
    const std::vector<Level> levels{denoise.at(0.05), denoise.at(0.15), denoise.at(0.3)};
    return probe::pixel_features(
        denoise, x, levels, {"up.0.1", "up.1.0", "up.1.1", "up.2.0", "up.2.1"},
        probe::pixel_points(chosen, side, side), probe::noise::Shared{Rng(13)});
  };
  struct Row {
    const char* name;
    std::function<Tensor<float>(const Tensor<float>&, const Tensor<Index>&)> features;
    Index width = 0;
    double sum = 0, square = 0;
  };
  std::vector<Row> rows;
  rows.push_back({"raw patches of 5 x 5", patches});
  rows.push_back(
      {"untrained network", [&](const auto& x, const auto& c) { return maps(blank, x, c); }});
  rows.push_back(
      {"**denoiser**", [&](const auto& x, const auto& c) { return maps(fit.net, x, c); }});
  constexpr int draws = 3;
  for (std::uint64_t draw = 0; draw < draws; ++draw) {
    const auto train = canvases(first, known, Rng(20 + draw));
    Tensor<Index> chosen({known, pixels});
    std::vector<Index> labels;
    for (Index i = 0; i < chosen.size(); ++i) {
      chosen[i] = Rng(30 + draw).index(side * side, static_cast<std::uint64_t>(i));
      labels.push_back(
          train.labels[static_cast<std::size_t>(i / pixels * side * side + chosen[i])]);
    }
    for (Row& row : rows) {
      const Tensor<float> z = row.features(train.x, chosen);
      const auto ensemble =
          probe::MlpEnsemble{classes, 5, {.steps = 400, .seed = draw}}.fit(z, labels);
      const double iou = probe::mean_iou(
          probe::confusion(ensemble.predict(row.features(test.x, all)), test.labels, classes));
      row.width = z.dim(1), row.sum += iou / draws, row.square += iou * iou / draws;
      std::fprintf(stderr, "%s: %.3f\n", row.name, iou);
    }
  }
  std::string text = "| features of a pixel | width | mean IoU, % |\n|---|---|---|\n";
  char line[400];
  for (const Row& row : rows) {
    std::snprintf(line, sizeof(line), "| %s | %td | %.1f +- %.1f |\n", row.name, row.width,
                  100 * row.sum,
                  100 * std::sqrt(std::max(0.0, row.square - row.sum * row.sum) / (draws - 1)));
    text += line;
  }
  std::snprintf(
      line, sizeof(line),
      "\n11 classes, %td labelled canvases of %td x %td with %td pixels each, three draws "
      "of them (standard errors are of these); %td weights, %td steps of 64 canvases (%.0f "
      "s), loss %.3f; seed %td, %d threads.\n",
      known, side, side, pixels, nn::parameter_count(fit.net), steps, fit.seconds, fit.loss, seed,
      threads());
  text += line;
  if (page.empty())
    std::printf("%s", text.c_str());
  else
    write_marked(page, "segment", text);
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
