#pragma once

#include "foglift/autograd/value.hpp"
#include "foglift/core/rng.hpp"
#include "foglift/nn/module.hpp"
#include "foglift/train/shards.hpp"

#include <cmath>
#include <vector>

namespace toy {

using namespace foglift;

/// y(x) = sum_j v_j tanh(u_j x + c_j), a network of one hidden layer from numbers to numbers.
template <class T>
struct Curve {
  Parameter<T> u, c, v;
  explicit Curve(Index width = 6, std::uint64_t seed = 1)
      : u(Rng(seed).stream(1).normal<T>({width})),
        c(Rng(seed).stream(2).normal<T>({width})),
        v(Rng(seed).stream(3).normal<T>({width})) {}
  static void each(auto& self, auto&& f) {
    f("u", self.u);
    f("c", self.c);
    f("v", self.v);
  }
};

template <class T>
bool same(const Curve<T>& a, const Curve<T>& b) {
  return a.u.value == b.u.value && a.c.value == b.c.value && a.v.value == b.v.value;
}

/// Samples of a sine with noise.
template <class T>
struct Series {
  std::vector<T> x, y;
  explicit Series(Index n, std::uint64_t seed = 5) {
    const Rng rng(seed);
    for (Index i = 0; i < n; ++i) {
      const double at = 4 * rng.uniform(static_cast<std::uint64_t>(i), 0) - 2;
      x.push_back(static_cast<T>(at));
      y.push_back(
          static_cast<T>(std::sin(2 * at) + 0.1 * rng.uniform(static_cast<std::uint64_t>(i), 1)));
    }
  }
  Index size() const { return static_cast<Index>(x.size()); }
};

/// Mean squared error of a Curve on a Series, with its gradient written out.
template <class T>
auto squared_error(const Series<T>& data) {
  return [&data](const Curve<T>& net, Tape<T>& tape, const train::Examples& examples) {
    const Index width = net.u.value.size();
    Tensor<T> du({width}), dc({width}), dv({width});
    T loss = 0;
    const T mean = T(1) / static_cast<T>(examples.index.size());
    for (const Index i : examples.index) {
      const T x = data.x[static_cast<std::size_t>(i)];
      T error = -data.y[static_cast<std::size_t>(i)];
      for (Index j = 0; j < width; ++j)
        error += net.v.value[j] * std::tanh(net.u.value[j] * x + net.c.value[j]);
      loss += error * error * mean;
      for (Index j = 0; j < width; ++j) {
        const T h = std::tanh(net.u.value[j] * x + net.c.value[j]);
        const T before = 2 * error * mean * net.v.value[j] * (1 - h * h);
        du[j] += before * x;
        dc[j] += before;
        dv[j] += 2 * error * mean * h;
      }
    }
    const Var<T> u = tape.parameter(net.u), c = tape.parameter(net.c), v = tape.parameter(net.v);
    return tape.record(Tensor<T>({}, loss), {u, c, v}, [=](const Tensor<T>& dy, const auto& grad) {
      const auto scaled = [&](Tensor<T> g) {
        for (T& value : g) value *= dy[0];
        return g;
      };
      grad(u, scaled(du));
      grad(c, scaled(dc));
      grad(v, scaled(dv));
    });
  };
}

}  // namespace toy
