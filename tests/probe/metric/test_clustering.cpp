// Covers: probe/metric/clustering
#include "foglift/core/rng.hpp"
#include "foglift/probe/metric/clustering.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <map>

using namespace foglift;

namespace {

std::vector<Index> drawn(Index n, Index clusters, std::uint64_t seed) {
  std::vector<Index> out;
  for (Index i = 0; i < n; ++i) out.push_back(Rng(seed).index(clusters, std::uint64_t(i)));
  return out;
}

}  // namespace

TEST_CASE("clustering: mutual information, Rand index and matching by hand", "[probe][metric]") {
  const std::vector<Index> u{0, 0, 0, 1, 1, 1}, v{0, 0, 1, 1, 2, 2};
  // I = sum p log(p / (pu pv)): (0,0): 2/6 log 2, (0,1): 0, (1,1): 0, (1,2): 2/6 log 2.
  const double I = 2.0 / 3 * std::log(2.0), hu = std::log(2.0), hv = std::log(3.0);
  CHECK_THAT(probe::nmi(u, v), WithinRel(2 * I / (hu + hv), 1e-14));
  // Pairs together in both 2, in u 6, in v 3, of 15: expected 6 * 3 / 15.
  CHECK_THAT(probe::adjusted_rand(u, v), WithinRel((2 - 1.2) / (4.5 - 1.2), 1e-14));
  CHECK_THAT(probe::clustering_accuracy(v, u), WithinRel(4.0 / 6, 1e-15));
}

TEST_CASE("clustering: names of clusters do not matter", "[probe][metric]") {
  const auto labels = drawn(300, 4, 1);
  auto renamed = labels;
  for (Index& k : renamed) k = (k + 3) % 4;
  CHECK_THAT(probe::nmi(labels, renamed), WithinRel(1.0, 1e-12));
  CHECK_THAT(probe::adjusted_rand(labels, renamed), WithinRel(1.0, 1e-12));
  CHECK(probe::clustering_accuracy(renamed, labels) == 1);
  const std::vector<Index> one(300, 0);
  CHECK_THAT(probe::nmi(one, labels), WithinAbs(0, 1e-12));
  CHECK_THAT(probe::adjusted_rand(one, labels), WithinAbs(0, 1e-12));
  CHECK(probe::nmi(one, one) == 1);
  CHECK(probe::adjusted_rand(one, one) == 1);
}

TEST_CASE("clustering: unrelated divisions have a Rand index of 0", "[probe][metric]") {
  double sum = 0, square = 0;
  for (std::uint64_t s = 0; s < 50; ++s) {
    const double r = probe::adjusted_rand(drawn(200, 3, 2 * s), drawn(200, 4, 2 * s + 1));
    sum += r / 50, square += r * r / 50;
  }
  CHECK(std::abs(sum) < 4 * std::sqrt(square / 50));
}

TEST_CASE("clustering: the Rand index counts pairs", "[probe][metric]") {
  const auto u = drawn(40, 3, 5), v = drawn(40, 5, 6);
  double both = 0, in_u = 0, in_v = 0, all = 0;
  for (std::size_t i = 0; i < 40; ++i)
    for (std::size_t j = 0; j < i; ++j) {
      both += u[i] == u[j] && v[i] == v[j];
      in_u += u[i] == u[j];
      in_v += v[i] == v[j];
      ++all;
    }
  const double expected = in_u * in_v / all;
  CHECK_THAT(probe::adjusted_rand(u, v),
             WithinRel((both - expected) / ((in_u + in_v) / 2 - expected), 1e-12));
}

TEST_CASE("clustering: the matching is the best of all orders", "[probe][metric]") {
  const auto clusters = drawn(60, 5, 7), labels = drawn(60, 4, 8);
  std::vector<Index> order{0, 1, 2, 3, 4};
  Index most = 0;
  do {
    Index right = 0;
    for (std::size_t i = 0; i < 60; ++i)
      right += order[static_cast<std::size_t>(clusters[i])] == labels[i];
    most = std::max(most, right);
  } while (std::next_permutation(order.begin(), order.end()));
  CHECK_THAT(probe::clustering_accuracy(clusters, labels), WithinRel(double(most) / 60, 1e-15));
  const auto matched = probe::matched_classes(clusters, labels);
  CHECK(std::count(matched.begin(), matched.end(), -1) == 1);
}

TEST_CASE("clustering: silhouette and distances by hand", "[probe][metric]") {
  const Tensor<double> x({4, 1}, {0, 1, 5, 7});
  const std::vector<Index> two{0, 0, 1, 1};
  const double s = (1 - 1.0 / 6) + (1 - 1.0 / 5) + (1 - 2 / 4.5) + (1 - 2 / 6.5);
  CHECK_THAT(probe::silhouette(x, two), WithinRel(s / 4, 1e-14));
  // Means 0.5 and 6: within (0.5 + 0.5 + 1 + 1) / 4, between 5.5.
  CHECK_THAT(probe::intra_inter_ratio(x, two), WithinRel(0.75 / 5.5, 1e-14));
  const std::vector<Index> alone{0, 0, 1, 2};  // 5 and 7 alone count 0
  CHECK_THAT(probe::silhouette(x, alone), WithinRel((1 - 1.0 / 5 + 1 - 1.0 / 4) / 4, 1e-14));
}

TEST_CASE("clustering: wrong arguments are refused", "[probe][metric]") {
  const std::vector<Index> u{0, 1, 0}, v{0, 1}, negative{0, -1, 0}, gap{0, 2, 0};
  CHECK_THROWS_AS(probe::nmi(u, v), ShapeError);
  CHECK_THROWS_AS(probe::adjusted_rand(u, negative), ArgumentError);
  CHECK_THROWS_AS(probe::nmi({}, {}), ArgumentError);
  CHECK_THROWS_AS(probe::silhouette(Tensor<double>({2, 1}), u), ShapeError);
  CHECK_THROWS_AS(probe::silhouette(Tensor<double>({3, 1}), gap), ArgumentError);
  CHECK_THROWS_AS(probe::intra_inter_ratio(Tensor<double>({3, 1}), std::vector<Index>{0, 0, 0}),
                  ArgumentError);
}
