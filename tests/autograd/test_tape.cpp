// Covers: arena autograd/value gradients parameters tape var
#include "foglift/autograd/tape.hpp"
#include "foglift/autograd/value.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;

namespace {
// An operation of the test's own, so that the tape is tested without the library's operations: y =
// a * b elementwise.
Var<double> product(const Var<double>& a, const Var<double>& b) {
  Tensor<double> y = a.value();
  for (Index i = 0; i < y.size(); ++i) y[i] *= b.value()[i];
  return a.tape().record(std::move(y), {a, b}, [a, b](const Tensor<double>& dy, const auto& grad) {
    for (const auto& [self, other] : {std::pair{a, b}, std::pair{b, a}}) {
      if (!grad.needs(self)) continue;
      Tensor<double> g = dy;
      for (Index i = 0; i < g.size(); ++i) g[i] *= other.value()[i];
      grad(self, std::move(g));
    }
  });
}
Tensor<double> scalar(double v) { return Tensor<double>(Shape{}, v); }
}  // namespace

TEST_CASE("tape: a value used twice receives both gradients", "[autograd][tape]") {
  Tape<double> tape;
  const auto x = tape.variable(scalar(3));
  const auto cube = product(product(x, x), x);  // x^3
  const auto g = tape.backward(cube);
  CHECK(cube.value().item() == 27);
  CHECK(g[x].item() == 27);  // 3 x^2
}

TEST_CASE("tape: a parameter is one node however often it is used", "[autograd][tape]") {
  const Parameter<double> p(scalar(5));
  Tape<double> tape;
  const auto y = product(tape.parameter(p), tape.parameter(p));
  CHECK(tape.size() == 2);
  CHECK(tape.backward(y)[p].item() == 10);
}

TEST_CASE("tape: what needs no gradient records no backward", "[autograd][tape]") {
  Tape<double> tape;
  const auto c = tape.constant(scalar(2)), d = tape.constant(scalar(3));
  const auto cd = product(c, d);
  CHECK_FALSE(cd.needs_gradient());
  CHECK(tape.backward(cd).size() == 0);
  const auto x = tape.variable(scalar(4));
  const auto g = tape.backward(product(cd, x));
  CHECK(g[x].item() == 6);
  CHECK_THROWS_AS(g[c], ArgumentError);
}

TEST_CASE("tape: a second backward gives the same gradients", "[autograd][tape]") {
  Tape<double> tape;
  const auto x = tape.variable(scalar(1.5));
  const auto y = product(x, x);
  CHECK(tape.backward(y)[x] == tape.backward(y)[x]);
}

TEST_CASE("tape: a seed gives the vector-Jacobian product", "[autograd][tape]") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>({3}, {1, 2, 3}));
  const auto y = product(x, x);
  CHECK(tape.backward(y, Tensor<double>({3}, {1, 10, 100}))[x] ==
        Tensor<double>({3}, {2, 40, 600}));
  CHECK_THROWS_AS(tape.backward(y), ShapeError);
  CHECK_THROWS_AS(tape.backward(y, Tensor<double>({2})), ShapeError);
}

TEST_CASE("tape: values of two tapes do not mix", "[autograd][tape]") {
  Tape<double> one, two;
  CHECK_THROWS_AS(product(one.variable(scalar(1)), two.variable(scalar(1))), ArgumentError);
}

TEST_CASE("tape: backward refuses what it did not record and seeds of another shape",
          "[autograd][tape]") {
  Tape<double> empty, tape;
  const auto x = tape.variable(scalar(2));
  CHECK_THROWS_AS(empty.backward(product(x, x)), ArgumentError);
  const auto constant = tape.constant(scalar(1));
  CHECK_THROWS_AS(tape.backward(constant, Tensor<double>({2})), ShapeError);
}

TEST_CASE("gradients: add sums what two tapes found for one model", "[autograd][tape]") {
  const Parameter<double> p(scalar(2)), q(scalar(7));
  Tape<double> one, two;
  auto g = one.backward(product(one.parameter(p), one.constant(scalar(3))));
  g.add(two.backward(product(two.parameter(p), two.parameter(q))));
  CHECK(g[p].item() == 10);
  CHECK(g[q].item() == 2);
  CHECK(g.find(Parameter<double>()) == nullptr);
}

TEST_CASE("tape: the last backward gives the same and lets go of what is used",
          "[autograd][tape]") {
  struct Counted {
    int* alive;
    explicit Counted(int* n) : alive(n) { ++*alive; }
    Counted(const Counted& other) : alive(other.alive) { ++*alive; }
    Counted(Counted&& other) noexcept : alive(other.alive) { ++*alive; }
    ~Counted() { --*alive; }
  };
  int alive = 0;
  const Parameter<double> p(scalar(3));
  Tape<double> tape;
  const auto x = tape.variable(scalar(2));
  const auto once = product(x, tape.parameter(p));
  const auto twice = tape.record(
      Tensor<double>(once.value()), {once},
      [once, kept = Counted(&alive)](const auto& dy, const auto& grad) { grad(once, dy); });
  const auto loss = product(twice, x);  // p x^2
  CHECK(alive == 1);
  CHECK(tape.backward(loss)[x].item() == 12);
  const auto g = std::move(tape).backward(loss);
  CHECK(g[x].item() == 12);
  CHECK(g[p].item() == 4);
  CHECK(alive == 0);
  CHECK(loss.value().item() == 12);
  CHECK(x.value().item() == 2);
  CHECK(twice.value().empty());
}

TEST_CASE("tape: an inner tape passes gradients on to the one around it", "[autograd][tape]") {
  const Parameter<double> p(scalar(3));
  Tape<double> tape;
  const auto x = tape.variable(scalar(2));
  const auto c = tape.constant(scalar(7));
  Tape<double> inner(&tape);
  const auto xi = inner.inner(x), ci = inner.inner(c);
  CHECK_FALSE(ci.needs_gradient());
  const auto y = product(product(xi, inner.parameter(p)), ci);  // 7 p x
  tape.parameter(p);
  const auto outside = tape.record(
      Tensor<double>(y.value()), {x, tape.parameter(p)},
      [&](const Tensor<double>& dy, const auto&) { CHECK(inner.backward(y, dy).size() == 0); });
  const auto g = tape.backward(product(outside, x));  // 7 p x^2
  CHECK(g[x].item() == 84);
  CHECK(g[p].item() == 28);
}
