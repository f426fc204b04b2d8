// Writes a differentiable operation and checks its gradient: softsign, y = x / (1 + |x|).
//
//   12 entries checked, the gradient is right
#include <foglift/autograd/gradcheck.hpp>
#include <foglift/foglift.hpp>

#include <cmath>
#include <cstdio>

using namespace foglift;

// Of values: what runs where nothing is recorded.
template <Scalar T>
Tensor<T> softsign(Tensor<T> x) {
  for (T& v : x) v /= 1 + std::abs(v);
  return x;
}
// On a tape: the value, what it is made of, and how a gradient dy of y becomes one of x. dy/dx = (1
// - |y|)^2.
template <Scalar T>
Var<T> softsign(const Var<T>& x) {
  Tensor<T> y = softsign(x.value());
  return x.tape().record(y, {x}, [x, y](const Tensor<T>& dy, const auto& grad) {
    Tensor<T> dx = dy;
    for (Index i = 0; i < dx.size(); ++i) dx[i] *= (1 - std::abs(y[i])) * (1 - std::abs(y[i]));
    grad(x, std::move(dx));
  });
}

int main() {
  const auto report =
      gradcheck([](std::span<const Var<double>> inputs) { return softsign(inputs[0]); },
                {Rng(1).normal<double>({4, 3})});
  std::printf("%td entries checked, %s\n", report.checked,
              report.max_error < 1e-8 ? "the gradient is right" : "the gradient is wrong");
}
