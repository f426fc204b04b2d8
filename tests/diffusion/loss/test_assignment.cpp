// Covers: assignment
#include "foglift/core/rng.hpp"
#include "foglift/diffusion/loss/assignment.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace foglift;

namespace {

double total(const std::vector<double>& cost, const std::vector<Index>& columns) {
  const std::size_t n = columns.size();
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += cost[i * n + static_cast<std::size_t>(columns[i])];
  return sum;
}

}  // namespace

TEST_CASE("assignment: the least of all orders", "[diffusion][loss]") {
  // Against every permutation, of normal costs and of small integers with many ties.
  for (Index n = 0; n <= 7; ++n)
    for (std::uint64_t seed = 0; seed < 12; ++seed) {
      std::vector<double> cost(static_cast<std::size_t>(n * n));
      Rng(seed).fill_normal(std::span(cost), 0, 0);
      if (seed % 3 == 0)
        for (double& c : cost) c = std::round(2 * c);
      const std::vector<Index> found = optimal_assignment(cost, n);
      std::vector<Index> order(static_cast<std::size_t>(n));
      std::iota(order.begin(), order.end(), Index(0));
      CHECK(std::is_permutation(found.begin(), found.end(), order.begin(), order.end()));
      double least = total(cost, order);
      while (std::next_permutation(order.begin(), order.end()))
        least = std::min(least, total(cost, order));
      CHECK_THAT(total(cost, found), WithinAbs(least, 1e-13));
    }
}

TEST_CASE("assignment: points on a line are matched in order", "[diffusion][loss]") {
  // For squared distances in one dimension the sorted order is optimal; 100 points.
  const auto x = Rng(1).normal<double>({100, 1}), y = Rng(2).normal<double>({100, 1});
  const Tensor<double> dealt = assign_noise(x, y);
  std::vector<std::size_t> order(100);
  std::iota(order.begin(), order.end(), std::size_t(0));
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return x[static_cast<Index>(a)] < x[static_cast<Index>(b)];
  });
  std::vector<double> in_order;
  for (const std::size_t i : order) in_order.push_back(dealt[static_cast<Index>(i)]);
  CHECK(std::is_sorted(in_order.begin(), in_order.end()));
  std::vector<double> before(y.begin(), y.end());
  std::sort(before.begin(), before.end());
  CHECK(in_order == before);
}

TEST_CASE("assignment: rows move whole and distances shrink", "[diffusion][loss]") {
  const auto x0 = Rng(1).normal<float>({6, 2, 3}), eps = Rng(2).normal<float>({6, 2, 3});
  const Tensor<float> dealt = assign_noise(x0, eps);
  const auto distance = [&](const Tensor<float>& e) {
    double sum = 0;
    for (Index i = 0; i < x0.size(); ++i) sum += std::pow(double{x0[i]} - double{e[i]}, 2);
    return sum;
  };
  std::vector<Index> rows(6);
  std::iota(rows.begin(), rows.end(), Index(0));
  double least = distance(eps);
  do {
    Tensor<float> other(eps.shape());
    for (Index b = 0; b < 6; ++b)
      std::copy_n(eps.data() + rows[static_cast<std::size_t>(b)] * 6, 6, other.data() + b * 6);
    least = std::min(least, distance(other));
  } while (std::next_permutation(rows.begin(), rows.end()));
  CHECK_THAT(distance(dealt), WithinRel(least, 1e-12));
  CHECK(least < distance(eps));
}

TEST_CASE("assignment: what can not be assigned is refused", "[diffusion][loss]") {
  const std::vector<double> three(3), infinite = {0, INFINITY, 1, 2};
  CHECK_THROWS_AS(optimal_assignment(three, 2), ShapeError);
  CHECK_THROWS_AS(optimal_assignment(infinite, 2), NumericError);
  CHECK_THROWS_AS(assign_noise(Tensor<float>({2, 3}), Tensor<float>({2, 2})), ShapeError);
}
