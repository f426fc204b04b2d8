#pragma once

#include "foglift/autograd/value.hpp"
#include "foglift/core/rng.hpp"
#include "foglift/nn/module.hpp"

#include <vector>

namespace toy {

using namespace foglift;

/// Two parameters and nothing else: what optimizers, averages and clipping are tried on.
template <class T>
struct Pair {
  Parameter<T> a, b;
  static void each(auto& self, auto&& f) {
    f("a", self.a);
    f("inner.b", self.b);
  }
};

template <class T>
Pair<T> make_pair(std::uint64_t seed, Shape a = {3, 5}, Shape b = {7}) {
  const Rng rng(seed);
  return {Parameter<T>(rng.stream(1).normal<T>(a)), Parameter<T>(rng.stream(2).normal<T>(b))};
}

/// Gradients with the given values for both parameters.
template <class T>
Gradients<T> gradients(const Pair<T>& model, const Tensor<T>& da, const Tensor<T>& db) {
  Gradients<T> g;
  g.add(model.a, da);
  g.add(model.b, db);
  return g;
}

}  // namespace toy
