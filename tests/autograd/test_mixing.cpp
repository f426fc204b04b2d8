// Covers: detach graph kernels/resample ops/dct ops/points ops/reduce ops/resample ops/scan
//   straight_through
#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/autograd/ops/dct.hpp"
#include "foglift/autograd/ops/detach.hpp"
#include "foglift/autograd/ops/graph.hpp"
#include "foglift/autograd/ops/points.hpp"
#include "foglift/autograd/ops/reduce.hpp"
#include "foglift/autograd/ops/resample.hpp"
#include "foglift/autograd/ops/scan.hpp"
#include "foglift/autograd/ops/straight_through.hpp"
#include "foglift/core/rng.hpp"
#include "support/catch.hpp"
#include "support/counted_new.hpp"

using namespace foglift;

TEST_CASE("detach: the numbers pass and the gradient does not", "[autograd][detach]") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>({2}, {3, 4}));
  const auto fixed = detach(x * 2.0);
  CHECK(fixed.value() == Tensor<double>({2}, {6, 8}));
  CHECK_FALSE(fixed.needs_gradient());
  CHECK(tape.backward(sum(x * fixed))[x] == Tensor<double>({2}, {6, 8}));
  CHECK(detach(x.value()) == x.value());
}

TEST_CASE("straight_through: other numbers, the same gradient", "[autograd][straight_through]") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>({2}, {0.4, 1.7}));
  const auto y = straight_through(x, Tensor<double>({2}, {0, 2}));
  CHECK(y.value() == Tensor<double>({2}, {0, 2}));
  CHECK(tape.backward(sum(y * y))[x] == Tensor<double>({2}, {0, 4}));
  CHECK_THROWS_WITH(straight_through(x.value(), Tensor<double>(Shape{3})),
                    "straight_through: [3] in place of [2]");
}

TEST_CASE("linear_scan: goes on from its last state with the same bits", "[autograd][scan]") {
  const auto a = Rng(1).uniform<float>({2, 9, 5}), b = Rng(2).normal<float>({2, 9, 5});
  const auto whole = linear_scan(a, b);
  const auto head = linear_scan(slice(a, 1, 0, 4), slice(b, 1, 0, 4));
  const auto state = slice(head, 1, 3, 1).reshaped({2, 5});
  CHECK(concat({head, linear_scan(slice(a, 1, 4, 5), slice(b, 1, 4, 5), &state)}, 1) == whole);
}

TEST_CASE("mixing: errors say what does not fit", "[autograd][scan][graph][points][dct]") {
  using F = Tensor<float>;
  const F b({2, 3, 5});
  CHECK_THROWS_WITH(linear_scan(F({2, 5}), F({2, 5})),
                    "linear_scan: b [2, 5], needed is [batch, time, channels]");
  CHECK_THROWS_WITH(linear_scan(F({2, 1, 5}), b),
                    "linear_scan: a [2, 1, 5] for b [2, 3, 5], needed is [2, 3, 5] or [5]");
  CHECK_THROWS_WITH(linear_scan(b, b, nullptr, {.complex = true}),
                    ContainsSubstring("5 channels of b [2, 3, 5]"));
  CHECK_THROWS_AS(linear_scan(b, b, &b), ShapeError);

  const auto m = Csr<float>::of(F({2, 3}, 1.F));
  CHECK_THROWS_WITH(sparse_mix(m, b, 2), "sparse_mix: 2 x 3 times axis 2 of [2, 3, 5]");
  CHECK_THROWS_AS(sparse_mix(m, b, 3), ArgumentError);
  CHECK_THROWS_WITH(sparse_mix(m, F(Shape{5}), b, 1),
                    "sparse_mix: values [5] for a matrix of 6 entries");

  const F grid({2, 3, 4, 1});
  CHECK_THROWS_WITH(sample_points(grid, F({2, 5, 3})),
                    "sample_points: points [2, 5, 3] in a grid [2, 3, 4, 1], needed are [2, "
                    "points, 2]");
  CHECK_THROWS_AS(sample_points(b, F({2, 5, 2})), ShapeError);
  CHECK_THROWS_AS(sample_points(F({2, 0, 4, 1}), F({2, 5, 2})), ShapeError);
  F points({2, 5, 2});
  points(1, 3, 0) = INFINITY;
  CHECK_THROWS_WITH(sample_points(grid, points),
                    "sample_points: point 3 of sample 1 is not finite");

  CHECK_THROWS_AS(resize_linear(F({2, 3}), {4}), ShapeError);
  CHECK_THROWS_AS(resize_linear(F({2, 0, 3}), {4}), ShapeError);
  CHECK_THROWS_AS(resize_linear(grid, {4}), ArgumentError);
  CHECK_THROWS_AS(resize_linear(grid, {4, 0}), ArgumentError);
  CHECK_THROWS_AS(dct(b, 3), ArgumentError);
  CHECK_THROWS_AS(idct(b, -4), ArgumentError);
}

TEST_CASE("resize_linear: edges or corners of the grids coincide", "[autograd][resample]") {
  const Tensor<double> x({1, 2, 1}, {0, 8});
  CHECK(resize_linear(x, {4}) == Tensor<double>({1, 4, 1}, {0, 2, 6, 8}));
  CHECK(resize_linear(x, {5}, true) == Tensor<double>({1, 5, 1}, {0, 2, 4, 6, 8}));
  CHECK(resize_linear(x, {1}) == Tensor<double>({1, 1, 1}, {4}));
  CHECK(resize_linear(x, {1}, true) == Tensor<double>({1, 1, 1}, {0}));
}

#ifdef COUNTS_ALLOCATIONS
TEST_CASE("mixing: a step that was made before asks for no memory",
          "[autograd][scan][graph][points][dct]") {
  const auto m = Csr<float>::of(Rng(1).normal<float>({6, 6}));
  const auto a = Rng(2).uniform<float>({2, 6, 4}), x = Rng(3).normal<float>({2, 6, 4}),
             grid = Rng(4).normal<float>({2, 6, 5, 4}), at = Rng(5).uniform<float>({2, 7, 2});
  const auto step = [&] {
    Tape<float> tape;
    const auto u = tape.variable(x), g = tape.variable(grid);
    const auto h = linear_scan(tape.variable(a), straight_through(u, value_of(u)));
    const auto y = idct(dct(sparse_mix(m, h, 1), 1), 2) + detach(u);
    const auto z = sample_points(resize_linear(g, {3, 4}), tape.variable(at));
    std::move(tape).backward(sum(y) + sum(z));
  };
  const int before = threads();
  set_threads(1);
  for (int i = 0; i < 3; ++i) step();
  const long made = counted::calls;
  step();
  CHECK(counted::calls - made == 0);
  set_threads(before);
}
#endif
