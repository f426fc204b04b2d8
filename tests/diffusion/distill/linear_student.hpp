#pragma once

#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/autograd/ops/reduce.hpp"
#include "foglift/autograd/ops/shape_ops.hpp"
#include "foglift/diffusion/analytic/gaussian.hpp"
#include "foglift/diffusion/distill/lesson.hpp"
#include "foglift/train/rules/adam.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cmath>

namespace foglift::test {

/// A student that is exact for Gaussian data: x0 = a x + b with an a and a b for each level of a
/// grid but the last; at another level, such as clean data, it says x.
struct LinearStudent {
  TimeGrid grid;
  Parameter<double> a, b;

  explicit LinearStudent(TimeGrid levels)
      : grid(std::move(levels)),
        a{Tensor<double>({static_cast<Index>(grid.size()) - 1}, 0.5)},
        b{Tensor<double>({static_cast<Index>(grid.size()) - 1})} {}

  Index place(const Level& level) const {
    for (std::size_t i = 0; i + 1 < grid.size(); ++i)
      if (grid[i] == level) return static_cast<Index>(i);
    return -1;
  }
  template <Value X>
  X operator()(const X& x, const Levels& levels) const {
    const Index batch = x.dim(0), n = a.value.size();
    // one-hot rows: [B, n] times [n], and 1 for what stays
    Tensor<double> at({batch, n}), stays({batch, 1});
    for (Index i = 0; i < batch; ++i)
      if (const Index p = place(levels[i]); p >= 0)
        at(i, p) = 1;
      else
        stays(i, 0) = 1;
    const auto of = [&](const Parameter<double>& p) {
      return reshape(sum(mul(constant(at, x), use(p, x)), 1), {batch, 1});
    };
    return add(mul(x, add(of(a), constant(stays, x))), of(b));
  }
  template <class Self, class F>
  static void each(Self& self, F f) {
    f("a", self.a), f("b", self.b);
  }
};

/// Adam with a falling rate on lesson(step).
template <class Model, class F>
void learn(Model& model, Index steps, double rate, const F& loss) {
  train::Adam<double> adam({.lr = rate});
  for (Index step = 0; step < steps; ++step) {
    Tape<double> tape;
    const Var<double> value = loss(tape, model, step);
    const double left = 1 - static_cast<double>(step) / static_cast<double>(steps);
    adam.step(model, tape.backward(value), rate * left * left);
  }
}

inline double distance(const Tensor<double>& x, const Tensor<double>& y) {
  REQUIRE(x.shape() == y.shape());
  double out = 0;
  for (Index i = 0; i < x.size(); ++i) out = std::max(out, std::abs(x[i] - y[i]));
  return out;
}

inline const analytic::Gaussian law = analytic::gaussian({.mean = 0.7, .variance = 0.3});

}  // namespace foglift::test
