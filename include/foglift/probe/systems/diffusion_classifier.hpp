#pragma once

#include "foglift/probe/noise_error.hpp"
#include "foglift/probe/successive_halving.hpp"

#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace foglift::inline v0::probe {

/// After `levels` levels of the plan no more than the `keep` best classes of an image go on.
struct RaceStage {
  Index levels, keep;
};

struct DiffusionClassifierOptions {
  std::vector<RaceStage> race = {};  ///< in increasing order; empty: all classes see all levels
  ErrorOptions errors = {};          ///< batch counts pairs of an image and a class
};

/// What a diffusion classifier says.
struct Classified {
  std::vector<Index> predicted;  ///< the class of the least error
  /// Weighted errors [n, classes] over the levels that a class has seen; with a plan uniform in
  /// lambda and no race, -log p(x | class) up to a constant.
  Tensor<double> errors;
  Index evaluations = 0;  ///< images shown to the denoiser, in all
};

/// The class whose denoiser predicts the noise of an image best (Li et al. 2023, "Your diffusion
/// model is secretly a zero-shot classifier", algorithm 1; its race is algorithm 2 in the large).
/// All classes see an image with the same levels and noises. of_labels(labels) is the denoiser of a
/// batch whose examples are of these classes:
///
///   const auto of_labels = [&](const std::vector<Index>& labels) {
///     return denoise.with({.labels = labels});
///   };
///
/// Throws as noise_error, ArgumentError for fewer than two classes, and stages that are out of
/// order or keep nothing.
template <class F, Scalar T, NoisePolicy P>
Classified diffusion_classifier(const F& of_labels, const Tensor<T>& x0, Index classes,
                                const ErrorPlan& plan, const P& policy,
                                const DiffusionClassifierOptions& o = {}) {
  if (x0.rank() < 2) raise<ShapeError>("diffusion_classifier: x0 ", x0.shape());
  if (classes < 2 || o.errors.batch < 1)
    raise<ArgumentError>("diffusion_classifier: ", classes, " classes, batch ", o.errors.batch);
  detail::check_plan("diffusion_classifier", plan);
  const auto L = static_cast<Index>(plan.levels.size());
  for (std::size_t s = 0; s < o.race.size(); ++s)
    if (o.race[s].keep < 1 || o.race[s].levels < 1 || o.race[s].levels > L ||
        (s > 0 && o.race[s].levels <= o.race[s - 1].levels))
      raise<ArgumentError>("diffusion_classifier: stage ", s, " of the race keeps ", o.race[s].keep,
                           " after ", o.race[s].levels, " of ", L, " levels");
  const Index n = x0.dim(0);
  Classified out{{}, Tensor<double>({n, classes})};
  std::vector<Index> all(static_cast<std::size_t>(classes));
  std::iota(all.begin(), all.end(), Index{0});
  std::vector<std::vector<Index>> alive(static_cast<std::size_t>(n), all);
  const auto row = [&](Index i) {
    return std::span<const double>(&out.errors(i, 0), static_cast<std::size_t>(classes));
  };
  std::size_t stage = 0;
  for (Index l = 0; l < L; ++l) {
    std::vector<Index> images, labels;
    std::vector<std::uint64_t> samples;
    const auto show = [&] {
      if (images.empty()) return;
      const auto errors = detail::noise_errors(of_labels(labels), x0.rows(images), samples,
                                               plan.levels[static_cast<std::size_t>(l)], l, policy,
                                               o.errors.penalty);
      for (std::size_t k = 0; k < images.size(); ++k)
        out.errors(images[k], labels[k]) += plan.weights[static_cast<std::size_t>(l)] * errors[k];
      out.evaluations += std::ssize(images) * policy.draws();
      images.clear(), labels.clear(), samples.clear();
    };
    for (Index i = 0; i < n; ++i)
      for (const Index c : alive[static_cast<std::size_t>(i)]) {
        images.push_back(i);
        labels.push_back(c);
        samples.push_back(o.errors.first_sample + static_cast<std::uint64_t>(i));
        if (std::ssize(images) == o.errors.batch) show();
      }
    show();
    if (stage < o.race.size() && o.race[stage].levels == l + 1) {
      for (Index i = 0; i < n; ++i) {
        auto& left = alive[static_cast<std::size_t>(i)];
        left = keep_least(std::move(left), row(i), o.race[stage].keep);
      }
      ++stage;
    }
  }
  for (Index i = 0; i < n; ++i)
    out.predicted.push_back(keep_least(alive[static_cast<std::size_t>(i)], row(i), 1).front());
  return out;
}

}  // namespace foglift::inline v0::probe
