// Covers: interpret/attribution interpret/shapley interpret/perturb interpret/rollout
#include "foglift/autograd/ops/activation.hpp"
#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/probe/interpret/attribution.hpp"
#include "foglift/probe/interpret/perturb.hpp"
#include "foglift/probe/interpret/rollout.hpp"
#include "foglift/probe/interpret/shapley.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cmath>

using namespace foglift;

namespace {

/// (w . x)^2 + w . x of rows, on a Tensor or a Var.
struct Quadratic {
  Tensor<double> w;
  template <Value X>
  X operator()(const X& x) const {
    const X dot = sum(x * constant(w, x), 1);
    return dot * dot + dot;
  }
};

const Quadratic score{Tensor<double>({3}, {1, -2, 0.5})};

double dot(const Tensor<double>& x, Index row) {
  return x(row, 0) - 2 * x(row, 1) + 0.5 * x(row, 2);
}

}  // namespace

TEST_CASE("interpretation: gradients of a quadratic score", "[probe][interpret]") {
  const auto x = Rng(1).normal<double>({4, 3});
  const auto g = probe::score_gradient(score, x), s = probe::saliency(score, x),
             gi = probe::gradient_times_input(score, x);
  for (Index i = 0; i < 12; ++i) {
    const double exact = (2 * dot(x, i / 3) + 1) * score.w[i % 3];
    CHECK_THAT(g[i], WithinAbs(exact, 1e-12));
    CHECK_THAT(s[i], WithinAbs(std::abs(exact), 1e-12));
    CHECK_THAT(gi[i], WithinAbs(exact * x[i], 1e-12));
  }
}

TEST_CASE("interpretation: integrated gradients are complete", "[probe][interpret]") {
  const auto x = Rng(1).normal<double>({4, 3}), base = Rng(2).normal<double>({4, 3});
  // The gradient is linear along the way, so one middle is exact: (x - base) times the mean of both
  // ends.
  const auto phi = probe::integrated_gradients(score, x, base, 1);
  for (Index i = 0; i < 12; ++i) {
    const Index b = i / 3;
    CHECK_THAT(phi[i], WithinAbs((x[i] - base[i]) * (dot(x, b) + dot(base, b) + 1) * score.w[i % 3],
                                 1e-12));
  }
  CHECK(probe::incomplete(phi, score(x), score(base)) < 1e-12);
  CHECK(probe::incomplete(probe::gradient_times_input(score, x), score(x), score(base)) > 0.1);
  const auto curved = [](const auto& v) { return sum(silu(v), 1); };
  const double coarse = probe::incomplete(probe::integrated_gradients(curved, x, base, 4),
                                          curved(x), curved(base)),
               fine = probe::incomplete(probe::integrated_gradients(curved, x, base, 8), curved(x),
                                        curved(base));
  CHECK(coarse > 0);
  CHECK_THAT(coarse / fine, WithinAbs(4, 0.6));  // of second order
}

TEST_CASE("interpretation: Grad-CAM by hand", "[probe][interpret]") {
  const Tensor<double> h({1, 2, 2}, {1, 2, 3, -1}), g({1, 2, 2}, {1, 0, 3, -2});
  // Weights 2 and -1: 2 - 2 and 6 + 1.
  CHECK(probe::grad_cam(h, g) == Tensor<double>({1, 2}, {0, 7}));
}

TEST_CASE("interpretation: Shapley values by all orders, and exactly for a linear score",
          "[probe][interpret]") {
  const Tensor<double> x({3}, {1, 2, -1}), zero({1, 3});
  std::vector<Index> order{0, 1, 2};
  std::vector<double> exact(3);
  do {
    Tensor<double> at = zero;
    double before = score(at).item();
    for (const Index j : order) {
      at(0, j) = x[j];
      const double after = score(at).item();
      exact[static_cast<std::size_t>(j)] += (after - before) / 6;
      before = after;
    }
  } while (std::next_permutation(order.begin(), order.end()));
  const auto [values, base] = probe::sampled_shapley(score, x, zero, 20000, Rng(3));
  CHECK(base == 0);
  double sum = 0;
  for (Index j = 0; j < 3; ++j) {
    // A contribution is between -20 and 20, so its mean has a deviation below 20 / sqrt(20000).
    CHECK_THAT(values[j], WithinAbs(exact[static_cast<std::size_t>(j)], 4 * 0.15));
    sum += values[j];
  }
  CHECK_THAT(sum, WithinAbs(score(x.reshaped({1, 3})).item(), 1e-9));

  const auto rows = Rng(4).normal<double>({30, 3});
  const auto plain = [](const Tensor<double>& r) {
    Tensor<double> s(Shape{r.dim(0)});
    for (Index i = 0; i < r.dim(0); ++i) s[i] = dot(r, i);
    return s;
  };
  Tensor<double> mean(Shape{3});
  for (Index i = 0; i < 90; ++i) mean[i % 3] += rows[i] / 30;
  const auto linear = probe::linear_shapley(x.reshaped({1, 3}), score.w, mean);
  const auto [sampled, from] = probe::sampled_shapley(plain, x, rows, 6000, Rng(5));
  for (Index j = 0; j < 3; ++j)
    CHECK_THAT(sampled[j], WithinAbs(linear[j], 5 * std::abs(score.w[j]) * 1.3 / std::sqrt(6000)));
  CHECK_THAT(sampled[0] + sampled[1] + sampled[2],
             WithinAbs(dot(x.reshaped({1, 3}), 0) - from, 1e-9));
}

TEST_CASE("interpretation: occlusion finds the pixel that counts", "[probe][interpret]") {
  const auto pixel = [](const Tensor<double>& v) {  // the pixel (1, 2), three times
    Tensor<double> s(Shape{v.dim(0)});
    for (Index b = 0; b < v.dim(0); ++b) s[b] = 3 * v(b, 1, 2, 0);
    return s;
  };
  const auto x = Rng(6).uniform<double>({2, 4, 5, 1});
  const auto ones = probe::occlusion(pixel, x, 1, 1, 0.25);
  for (Index i = 0; i < ones.size(); ++i)
    CHECK_THAT(ones[i], WithinAbs(i % 20 == 7 ? 3 * (x[i] - 0.25) : 0, 1e-12));
  const auto wide = probe::occlusion(pixel, x, 2, 2);
  // Squares at rows 0, 2 and columns 0, 2, 3: (1, 2) is in the one at (0, 2) alone, (1, 3) in that
  // and the one at (0, 3), which tells nothing.
  CHECK_THAT(wide(0, 0, 2), WithinAbs(3 * x(0, 1, 2, 0), 1e-12));
  CHECK_THAT(wide(0, 1, 3), WithinAbs(1.5 * x(0, 1, 2, 0), 1e-12));
  CHECK_THAT(wide(0, 1, 4), WithinAbs(0, 1e-12));
}

TEST_CASE("interpretation: deletion and insertion by hand", "[probe][interpret]") {
  const auto total = [](const Tensor<double>& v) {
    Tensor<double> s(Shape{1});
    for (const double e : v) s[0] += e;
    return s;
  };
  const Tensor<double> x({1, 4}, {4, 3, 2, 1}), zero({1, 4});
  // 10 6 3 1 0 from the largest on, 10 9 7 4 0 from the smallest on.
  CHECK_THAT(probe::transition_area(total, x, zero, x, 4),
             WithinRel((5 + 6 + 3 + 1 + 0) / 4.0, 1e-14));
  Tensor<double> worst = x;
  for (double& v : worst) v = -v;
  CHECK_THAT(probe::transition_area(total, x, zero, worst, 4),
             WithinRel((5 + 9 + 7 + 4 + 0) / 4.0, 1e-14));
  CHECK_THAT(probe::transition_area(total, zero, x, x, 4),
             WithinRel((0 + 4 + 7 + 9 + 5) / 4.0, 1e-14));
}

TEST_CASE("interpretation: a column that is not used has no importance", "[probe][interpret]") {
  const auto x = Rng(7).normal<double>({400, 3});
  const auto metric = [&](const Tensor<double>& v) {  // -mean square error of 2 x_0 - x_1
    double sum = 0;
    for (Index i = 0; i < 400; ++i)
      sum -= std::pow(2 * (v(i, 0) - x(i, 0)) - (v(i, 1) - x(i, 1)), 2) / 400;
    return sum;
  };
  const auto importance = probe::permutation_importance(metric, x, Rng(8), 20);
  CHECK(importance[2] == 0);
  // E (w (x - x'))^2 = 2 w^2 of unit variances: 8 and 2, of deviations some 8 / sqrt(400).
  CHECK_THAT(importance[0], WithinAbs(8, 5 * 8 * std::sqrt(3.0 / 400)));
  CHECK_THAT(importance[1], WithinAbs(2, 5 * 2 * std::sqrt(3.0 / 400)));
}

TEST_CASE("interpretation: partial dependence is the function but for a constant",
          "[probe][interpret]") {
  const auto x = Rng(9).normal<double>({50, 3});
  const auto f = [](const Tensor<double>& v) {
    Tensor<double> y(Shape{v.dim(0)});
    for (Index i = 0; i < v.dim(0); ++i) y[i] = v(i, 1) * v(i, 1) + v(i, 0);
    return y;
  };
  const auto curve = probe::partial_dependence(f, x, 1, std::vector<double>{-1, 0, 2});
  CHECK_THAT(curve[0] - curve[1], WithinAbs(1, 1e-12));
  CHECK_THAT(curve[2] - curve[1], WithinAbs(4, 1e-12));
}

TEST_CASE("interpretation: rollout by hand, rows sum to 1", "[probe][interpret]") {
  const Tensor<double> first({1, 2, 2, 2}, {1, 0, 1, 0, 0, 1, 1, 0}),
      second({1, 2, 2, 2}, {0, 1, 0, 1, 0, 1, 0, 1});
  // Means (1/2 1/2; 1 0) and (0 1; 0 1); with the way around (3/4 1/4; 1/2 1/2), (1/2 1/2; 0 1).
  const auto out = probe::attention_rollout(std::vector{first, second});
  CHECK(out == Tensor<double>({1, 2, 2}, {0.625, 0.375, 0.5, 0.5}));
}

TEST_CASE("interpretation: wrong arguments are refused", "[probe][interpret]") {
  const Tensor<double> x({2, 3}), one({1, 3}), image({1, 4, 4, 1});
  const auto wrong = [](const auto& v) { return v; };
  CHECK_THROWS_AS(probe::score_gradient(wrong, x), ShapeError);
  CHECK_THROWS_AS(probe::integrated_gradients(score, x, one), ShapeError);
  CHECK_THROWS_AS(probe::integrated_gradients(score, x, x, 0), ArgumentError);
  CHECK_THROWS_AS(probe::incomplete(x, one, one), ShapeError);
  CHECK_THROWS_AS(probe::grad_cam(x, x), ShapeError);
  CHECK_THROWS_AS(probe::linear_shapley(x, Tensor<double>(Shape{2}), Tensor<double>(Shape{2})),
                  ShapeError);
  CHECK_THROWS_AS(probe::sampled_shapley(score, x, x, 1, Rng(1)), ShapeError);
  CHECK_THROWS_AS(probe::sampled_shapley(score, Tensor<double>(Shape{3}), x, 0, Rng(1)),
                  ArgumentError);
  CHECK_THROWS_AS(probe::occlusion(score, x, 1, 1), ShapeError);
  CHECK_THROWS_AS(probe::occlusion(score, image, 5, 1), ArgumentError);
  CHECK_THROWS_AS(probe::transition_area(score, x, x, x), ShapeError);
  CHECK_THROWS_AS(probe::transition_area(score, one, one, one, 0), ArgumentError);
  CHECK_THROWS_AS(probe::permutation_importance([](const auto&) { return 0.0; }, x, Rng(1), 0),
                  ArgumentError);
  CHECK_THROWS_AS(probe::partial_dependence(score, x, 3, std::vector<double>{0}), ArgumentError);
  CHECK_THROWS_AS(probe::attention_rollout(std::vector<Tensor<double>>{}), ShapeError);
  CHECK_THROWS_AS(probe::attention_rollout(std::vector{image}), ShapeError);
}
