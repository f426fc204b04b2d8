// Covers: probe/retrieval probes/nearest kmeans
#include "data.hpp"
#include "foglift/probe/metric/accuracy.hpp"
#include "foglift/probe/metric/clustering.hpp"
#include "foglift/probe/probes/kmeans.hpp"
#include "foglift/probe/probes/nearest.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cmath>
#include <set>

using namespace foglift;
using probe_test::blobs;

TEST_CASE("retrieval: the order of a plain sort, both distances", "[probe][retrieval]") {
  const auto store = Rng(1).normal<double>({50, 6}), queries = Rng(2).normal<double>({7, 6});
  for (const auto how : {probe::Distance::euclidean, probe::Distance::cosine}) {
    const auto near = probe::nearest(queries, store, 5, how);
    for (Index q = 0; q < 7; ++q) {
      std::vector<std::pair<double, Index>> all;
      for (Index i = 0; i < 50; ++i) {
        double apart = 0, dot = 0, a = 0, b = 0;
        for (Index j = 0; j < 6; ++j) {
          apart += std::pow(queries(q, j) - store(i, j), 2);
          dot += queries(q, j) * store(i, j);
          a += queries(q, j) * queries(q, j), b += store(i, j) * store(i, j);
        }
        all.emplace_back(how == probe::Distance::cosine ? 1 - dot / std::sqrt(a) / std::sqrt(b)
                                                        : std::sqrt(apart),
                         i);
      }
      std::sort(all.begin(), all.end());
      for (Index k = 0; k < 5; ++k) {
        CHECK(near.index(q, k) == all[static_cast<std::size_t>(k)].second);
        CHECK_THAT(near.distance(q, k), WithinAbs(all[static_cast<std::size_t>(k)].first, 1e-12));
      }
    }
  }
  const auto self = probe::nearest(store, store, 1);
  for (Index i = 0; i < 50; ++i) CHECK(self.index(i, 0) == i);
}

TEST_CASE("nearest: votes by hand, ties for the nearest", "[probe][nearest]") {
  const Tensor<double> x({5, 1}, {0, 1, 2, 10, 11});
  const std::vector<Index> labels{0, 1, 1, 2, 2};
  const auto fit = probe::KNearest{3, 3, probe::Distance::euclidean}.fit(x, labels);
  CHECK(fit.predict(Tensor<double>({3, 1}, {-1, 9, 5})) == std::vector<Index>{1, 2, 1});
  const auto two = probe::KNearest{3, 2, probe::Distance::euclidean}.fit(x, labels);
  CHECK(two.predict(Tensor<double>({1, 1}, {0.4})) == std::vector<Index>{0});
  CHECK(two.predict(Tensor<double>({1, 1}, {0.6})) == std::vector<Index>{1});
}

TEST_CASE("nearest: well separated classes are told apart", "[probe][nearest]") {
  const auto data = blobs(200, 5, 4, 8, 3);
  const std::vector<Index> known(data.labels.begin(), data.labels.begin() + 100),
      truth(data.labels.begin() + 100, data.labels.end());
  const auto fit = probe::KNearest{4}.fit(data.x.rows(0, 100), known);
  CHECK(probe::accuracy(fit.predict(data.x.rows(100, 100)), truth) == 1);
}

TEST_CASE("k-means: two groups on a line by hand", "[probe][kmeans]") {
  const Tensor<float> x({5, 1}, {0, 1, 2, 10, 12});
  const auto c = probe::k_means(x, 2, Rng(1));
  CHECK_THAT(c.inertia, WithinRel(2.0 + 2.0, 1e-12));
  std::vector<double> means(c.means.begin(), c.means.end());
  std::sort(means.begin(), means.end());
  CHECK(means == std::vector<double>{1, 11});
  CHECK(c.assign(x) == c.of);
}

TEST_CASE("k-means: the best of all divisions of a few points", "[probe][kmeans]") {
  const auto x = Rng(4).normal<double>({8, 2});
  double least = 1e9;
  for (Index code = 0; code < 6561; ++code) {  // 3^8 divisions
    Tensor<double> mean({3, 2});
    std::vector<double> count(3);
    std::vector<Index> of;
    for (Index i = 0, rest = code; i < 8; ++i, rest /= 3) {
      of.push_back(rest % 3);
      count[static_cast<std::size_t>(rest % 3)] += 1;
      for (Index j = 0; j < 2; ++j) mean(rest % 3, j) += x(i, j);
    }
    double sum = 0;
    for (Index i = 0; i < 8; ++i)
      for (Index j = 0; j < 2; ++j) {
        const Index own = of[static_cast<std::size_t>(i)];
        sum += std::pow(x(i, j) - mean(own, j) / count[static_cast<std::size_t>(own)], 2);
      }
    least = std::min(least, sum);
  }
  for (std::uint64_t seed = 0; seed < 10; ++seed)
    CHECK_THAT(probe::k_means(x, 3, Rng(seed), {.restarts = 30}).inertia, WithinRel(least, 1e-10));
}

TEST_CASE("k-means: separated classes are its clusters, and means are of their examples",
          "[probe][kmeans]") {
  const auto data = blobs(300, 6, 5, 6, 6);
  const auto c = probe::k_means(data.x, 5, Rng(7));
  CHECK(probe::clustering_accuracy(c.of, data.labels) == 1);
  for (Index l = 0; l < 5; ++l) {
    double sum = 0, count = 0;
    for (Index i = 0; i < 300; ++i)
      if (c.of[static_cast<std::size_t>(i)] == l) sum += data.x(i, 2), ++count;
    CHECK_THAT(c.means(l, 2), WithinAbs(sum / count, 1e-12));
  }
  CHECK(probe::k_means(data.x, 5, Rng(7)).of == c.of);
}

TEST_CASE("k-means: as many clusters as points", "[probe][kmeans]") {
  const Tensor<double> x({4, 1}, {1, 5, 2, 9});
  const auto c = probe::k_means(x, 4, Rng(8));
  CHECK(c.inertia == 0);
  CHECK(std::set<Index>(c.of.begin(), c.of.end()).size() == 4);
}

TEST_CASE("retrieval: wrong arguments are refused", "[probe][retrieval]") {
  const Tensor<double> a({3, 2}), b({3, 4});
  CHECK_THROWS_AS(probe::nearest(a, b, 1), ShapeError);
  CHECK_THROWS_AS(probe::nearest(a, a, 0), ArgumentError);
  CHECK_THROWS_AS(probe::nearest(a, a, 4), ArgumentError);
  CHECK_THROWS_AS(probe::KNearest{2}.fit(a, {0, 1, 2}), ArgumentError);
  CHECK_THROWS_AS(probe::KNearest{2}.fit(a, {0, 1}), ShapeError);
  CHECK_THROWS_AS(probe::k_means(a, 4, Rng(1)), ArgumentError);
  CHECK_THROWS_AS(probe::k_means(a.reshaped({6}), 1, Rng(1)), ShapeError);
}
