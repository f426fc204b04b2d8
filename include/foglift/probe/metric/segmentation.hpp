#pragma once

#include "foglift/probe/metric/classification.hpp"

namespace foglift::inline v0::probe {

/// The mean of a score over the classes that occur among the labels or the answers: of `counts`, a
/// confusion matrix of the pixels of all images together, in which ignored pixels were left out
/// altogether. (A published code kept what was predicted on ignored pixels, which enlarges unions.)
/// Throws as class_scores, ArgumentError where no class occurs.
template <class F>
double mean_over_classes(const Tensor<Index>& counts, const F& score) {
  double sum = 0;
  Index classes = 0;
  for (const ClassScore& s : class_scores(counts)) {
    if (s.tp + s.fp + s.fn == 0) continue;
    sum += score(s);
    ++classes;
  }
  if (classes == 0) raise<ArgumentError>("mean_over_classes: no pixels");
  return sum / static_cast<double>(classes);
}

/// Mean intersection over union.
inline double mean_iou(const Tensor<Index>& counts) {
  return mean_over_classes(counts, [](const ClassScore& s) { return s.iou(); });
}
/// Mean Dice coefficient.
inline double mean_dice(const Tensor<Index>& counts) {
  return mean_over_classes(counts, [](const ClassScore& s) { return s.f1(); });
}

}  // namespace foglift::inline v0::probe
