// Covers: activation arithmetic fused_conv shape_ops
#include "foglift/autograd/ops/activation.hpp"
#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/autograd/ops/fused_conv.hpp"
#include "foglift/autograd/ops/shape_ops.hpp"
#include "foglift/core/rng.hpp"
#include "support/catch.hpp"

using namespace foglift;

TEST_CASE("fused_conv: is the composition of its operations", "[autograd][conv]") {
  const Index B = 2, C = 6, C2 = 4, out = 5;
  const auto x = Rng(1).normal<double>({B, 4, 5, C}), x2 = Rng(2).normal<double>({B, 4, 5, C2});
  const auto gamma = Rng(3).normal<double>({C + C2}), beta = Rng(4).normal<double>({C + C2});
  const auto w = Rng(5).normal<double>({3, 3, C + C2, out}), b = Rng(6).normal<double>({out});
  const auto shift = Rng(7).normal<double>({B, out});
  const auto residual = Rng(8).normal<double>({B, 4, 5, out});
  const auto y = fused_conv(FusedConv<Tensor<double>>{.x = &x,
                                                      .x2 = &x2,
                                                      .gamma = &gamma,
                                                      .beta = &beta,
                                                      .groups = 5,
                                                      .weight = &w,
                                                      .bias = &b,
                                                      .shift = &shift,
                                                      .residual = &residual,
                                                      .options = {.padding = 1}});
  const auto h = silu(group_norm(concat({x, x2}, -1), gamma, beta, 5));
  const auto expected = conv2d(h, w, b, {.padding = 1}) + shift.reshaped({B, 1, 1, out}) + residual;
  REQUIRE(y.shape() == expected.shape());
  // Sums of 90 terms of size 1 in another order.
  for (Index i = 0; i < y.size(); ++i) CHECK_THAT(y[i], WithinAbs(expected[i], 90 * 10 * 0x1p-52));
}

TEST_CASE("fused_conv: operands that do not fit are refused", "[autograd][conv]") {
  const Tensor<float> x({2, 5, 4}), w({3, 6, 3}), gamma({6});
  const auto run = [&](FusedConv<Tensor<float>> p) { return fused_conv(p); };
  const Tensor<float> x2({2, 5, 2}), short_x2({2, 4, 2}), shift({1, 3}), residual({2, 5, 3});
  CHECK_THROWS_AS(run({.x = &x, .weight = &w}), ShapeError);
  CHECK_THROWS_AS(run({.x = &x, .x2 = &short_x2, .weight = &w}), ShapeError);
  CHECK_THROWS_AS(run({.x = &x, .x2 = &x2, .weight = &w, .shift = &shift}), ShapeError);
  CHECK_THROWS_AS(run({.x = &x, .x2 = &x2, .weight = &w, .residual = &residual}), ShapeError);
  CHECK_THROWS_AS(
      run({.x = &x, .x2 = &x2, .gamma = &gamma, .beta = &gamma, .groups = 4, .weight = &w}),
      ShapeError);
  CHECK(run({.x = &x, .x2 = &x2, .weight = &w}).shape() == Shape{2, 3, 3});
}
