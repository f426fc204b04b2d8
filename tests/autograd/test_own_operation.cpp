// Covers: autograd/gradcheck nn/gradcheck tape
#include "foglift/autograd/gradcheck.hpp"
#include "foglift/autograd/ops.hpp"
#include "foglift/core/rng.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;

// An exercise: a program writes an operation that the library lacks. Files touched: this one.

namespace {

// Soft threshold, y = sign(x) max(|x| - t, 0), for x [..., C] and a threshold t [C] a channel.

template <Scalar T>
void check_threshold(const Tensor<T>& x, const Tensor<T>& t) {
  if (x.rank() < 1 || t.shape() != Shape{x.dim(-1)})
    raise<ShapeError>("soft_threshold: x ", x.shape(), " with thresholds ", t.shape());
}

template <Scalar T>
Tensor<T> soft_threshold(const Tensor<T>& x, const Tensor<T>& t) {
  check_threshold(x, t);
  auto y = Tensor<T>::uninitialized(x.shape());
  for (Index i = 0; i < x.size(); ++i)
    y[i] = std::copysign(std::max(std::abs(x[i]) - t[i % t.size()], T(0)), x[i]);
  return y;
}
template <Scalar T>
Var<T> soft_threshold(const Var<T>& x, const Var<T>& t) {
  return x.tape().record(soft_threshold(x.value(), t.value()), {x, t},
                         [x, t](const Tensor<T>& dy, const auto& grad) {
                           Tensor<T> dx(x.shape()), dt(t.shape());
                           for (Index i = 0; i < dx.size(); ++i) {
                             const Index c = i % dt.size();
                             if (std::abs(x.value()[i]) <= t.value()[c]) continue;
                             dx[i] = dy[i];
                             dt[c] -= std::copysign(dy[i], dy[i] * x.value()[i]);
                           }
                           grad(x, std::move(dx));
                           grad(t, std::move(dt));
                         });
}

}  // namespace

TEST_CASE("own operation: values, gradients and errors", "[autograd][own]") {
  const Tensor<double> x({2, 2}, {3, -0.5, -2, 0.75}), t({2}, {1, 0.25});
  CHECK(soft_threshold(x, t) == Tensor<double>({2, 2}, {2, -0.25, -1, 0.5}));
  const auto report =
      gradcheck([](std::span<const Var<double>> in) { return soft_threshold(in[0], in[1]); },
                {Rng(1).normal<double>({4, 3, 2}), Tensor<double>({2}, {0.3, 0.6})});
  INFO(report);
  CHECK(report.max_error < 1e-8);
  CHECK_THROWS_WITH(soft_threshold(x, Tensor<double>(Shape{3})),
                    "soft_threshold: x [2, 2] with thresholds [3]");
}

TEST_CASE("own operation: works among the library's", "[autograd][own]") {
  // |y|^2 of y = soft_threshold(x w, t): its minimum in w is any that leaves nothing above t.
  Tape<double> tape;
  const auto x = tape.constant(Rng(1).normal<double>({5, 3}));
  const auto w = tape.variable(Rng(2).normal<double>({3, 2}));
  const auto t = tape.variable(Tensor<double>({2}, 0.1));
  const auto y = soft_threshold(linear(x, w), t);
  const auto gradients = tape.backward(sum(y * y));
  CHECK(gradients[w].shape() == Shape{3, 2});
  CHECK(gradients[t][0] < 0);  // a higher threshold leaves less
}
