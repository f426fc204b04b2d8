#pragma once

#include "train/toy.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>

namespace toy {

/// The gradient of step k: anything that changes sign and size.
template <class T>
T wave(Index k, Index i) {
  return static_cast<T>(std::sin(0.7 * static_cast<double>(k) + 1.3 * static_cast<double>(i)) *
                        (1 + 0.1 * static_cast<double>(i)));
}
template <class T>
Tensor<T> wave_like(const Tensor<T>& x, Index k) {
  Tensor<T> g(x.shape());
  for (Index i = 0; i < g.size(); ++i) g[i] = wave<T>(k, i);
  return g;
}

/// Largest difference between 50 steps of the rule and one naive scalar rule an element.
template <class T, class Rule, class Naive>
double distance_to_naive(Rule rule, const Naive& naive) {
  auto model = toy::make_pair<T>(3);
  const auto start = model;
  for (Index k = 0; k < 50; ++k)
    rule.step(model,
              toy::gradients(model, wave_like(model.a.value, k), wave_like(model.b.value, k)));
  double worst = 0;
  const auto compare = [&](const Tensor<T>& w0, const Tensor<T>& w) {
    for (Index i = 0; i < w.size(); ++i) {
      Naive scalar = naive;
      auto x = static_cast<double>(w0[i]);
      for (Index k = 0; k < 50; ++k) x = scalar.step(x, static_cast<double>(wave<T>(k, i)));
      worst = std::max(worst, std::abs(x - static_cast<double>(w[i])));
    }
  };
  compare(start.a.value, model.a.value);
  compare(start.b.value, model.b.value);
  return worst;
}

// 50 steps of at most lr = 0.1 each: |w| < 10, each step rounds a few times at that size. In double
// 50 * 5 * 10 * 1e-16 = 3e-13, in float 50 * 5 * 10 * 6e-8 = 1.5e-4.
template <class T>
inline constexpr double tolerance = std::is_same_v<T, float> ? 1.5e-4 : 3e-13;

}  // namespace toy
