// Covers: accuracy core/gather split
#include "foglift/probe/metric/accuracy.hpp"
#include "foglift/probe/split.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <numeric>

using namespace foglift;

namespace {
std::vector<Index> some_labels() {  // 50 of class 0, 35 of class 1, none of 2, 15 of class 3
  std::vector<Index> labels;
  for (Index i = 0; i < 100; ++i) labels.push_back(i % 2 == 0 ? 0 : i % 20 < 14 ? 1 : 3);
  return labels;
}
}  // namespace

TEST_CASE("split: classes may have any numbers", "[probe][split]") {
  const std::vector<Index> near{0, 1, 0, 1, 0, 1, 0, 1, 0, 1},
      far{7, Index{1} << 62, 7, Index{1} << 62, 7, Index{1} << 62,
          7, Index{1} << 62, 7, Index{1} << 62};
  const auto a = probe::stratified_split(near, Rng(1)), b = probe::stratified_split(far, Rng(1));
  CHECK(a.train == b.train);
  CHECK(a.test == b.test);
}

TEST_CASE("split: the sets are disjoint and cover all examples", "[probe][split]") {
  const auto labels = some_labels();
  const auto split = probe::stratified_split(labels, Rng(1));
  std::vector<Index> all = split.train;
  all.insert(all.end(), split.validation.begin(), split.validation.end());
  all.insert(all.end(), split.test.begin(), split.test.end());
  std::sort(all.begin(), all.end());
  std::vector<Index> expected(labels.size());
  std::iota(expected.begin(), expected.end(), 0);
  CHECK(all == expected);
  for (const auto* set : {&split.train, &split.validation, &split.test})
    CHECK(std::is_sorted(set->begin(), set->end()));
}

TEST_CASE("split: every class has its part in every set", "[probe][split]") {
  const auto labels = some_labels();
  const auto split = probe::stratified_split(labels, Rng(2), {.validation = 0.2, .test = 0.4});
  const auto count = [&](const std::vector<Index>& set, Index k) {
    const auto found = probe::gather(labels, set);
    return std::count(found.begin(), found.end(), k);
  };
  // 50, 35 and 15 examples: 40 % are 20, 14 and 6, 20 % are 10, 7 and 3.
  CHECK(count(split.test, 0) == 20);
  CHECK(count(split.test, 1) == 14);
  CHECK(count(split.test, 3) == 6);
  CHECK(count(split.validation, 0) == 10);
  CHECK(count(split.validation, 1) == 7);
  CHECK(count(split.validation, 3) == 3);
}

TEST_CASE("split: the seed decides", "[probe][split]") {
  const auto labels = some_labels();
  const auto a = probe::stratified_split(labels, Rng(3)),
             b = probe::stratified_split(labels, Rng(3));
  CHECK(a.test == b.test);
  CHECK(a.validation == b.validation);
  CHECK(a.test != probe::stratified_split(labels, Rng(4)).test);
}

TEST_CASE("split: wrong parts and labels are refused", "[probe][split]") {
  const std::vector<Index> good = {0, 1, 0, 1}, bad = {0, -1};
  CHECK_THROWS_AS(probe::stratified_split(good, Rng(1), {.validation = 0.5, .test = 0.5}),
                  ArgumentError);
  CHECK_THROWS_AS(probe::stratified_split(good, Rng(1), {.validation = -0.1}), ArgumentError);
  CHECK_THROWS_AS(probe::stratified_split(bad, Rng(1)), ArgumentError);
  CHECK_THROWS_AS(probe::stratified_split({}, Rng(1)), ArgumentError);
}

TEST_CASE("gather: rows in the order asked for", "[probe][split]") {
  const Tensor<float> x({3, 2}, {0, 1, 10, 11, 20, 21});
  const std::vector<Index> index = {2, 0, 2}, outside = {3};
  CHECK(probe::gather(x, index) == Tensor<float>({3, 2}, {20, 21, 0, 1, 20, 21}));
  CHECK(probe::gather(std::vector<Index>{5, 6, 7}, index) == std::vector<Index>{7, 5, 7});
  CHECK(probe::gather(x, {}).shape() == Shape{0, 2});
  CHECK_THROWS_AS(probe::gather(x, outside), ArgumentError);
  CHECK_THROWS_AS(probe::gather(std::vector<Index>{5}, outside), ArgumentError);
  CHECK_THROWS_AS(probe::gather(Tensor<float>(Shape{}), index), ArgumentError);
}

TEST_CASE("accuracy: part of the labels that agree", "[probe][accuracy]") {
  const std::vector<Index> a = {0, 1, 2, 3}, b = {0, 1, 3, 3}, shorter = {0};
  CHECK(probe::hits(a, b) == 3);
  CHECK(probe::accuracy(a, b) == 0.75);
  CHECK_THROWS_AS(probe::accuracy(a, shorter), ShapeError);
  CHECK_THROWS_AS(probe::accuracy({}, {}), ArgumentError);
}

TEST_CASE("wilson interval: its ends solve the score equation", "[probe][accuracy]") {
  // By definition hits/n is z standard deviations of a binomial of probability p away from p.
  const double z = 1.959963984540054;
  for (const auto& [hits, n] : {std::pair<Index, Index>{0, 10}, {10, 10}, {349, 359}, {1, 7}}) {
    const auto interval = probe::wilson_interval(hits, n);
    for (const double p : {interval.low, interval.high}) {
      const double gap = static_cast<double>(hits) / static_cast<double>(n) - p;
      // p within rounding (a few eps) of the root: the residual is at most that times a slope <= 3
      CHECK_THAT(gap * gap - z * z * p * (1 - p) / static_cast<double>(n), WithinAbs(0, 1e-14));
    }
    CHECK(interval.low <= static_cast<double>(hits) / static_cast<double>(n) + 1e-15);
    CHECK(interval.high >= static_cast<double>(hits) / static_cast<double>(n) - 1e-15);
  }
  CHECK_THROWS_AS(probe::wilson_interval(3, 2), ArgumentError);
  CHECK_THROWS_AS(probe::wilson_interval(0, 0), ArgumentError);
}

TEST_CASE("sign test: hand-computed binomial tails", "[probe][accuracy]") {
  const std::vector<Index> labels(10, 1);
  const auto right_on = [](Index first, Index last) {
    std::vector<Index> predicted(10, 0);
    for (Index i = first; i < last; ++i) predicted[static_cast<std::size_t>(i)] = 1;
    return predicted;
  };
  // 5 examples fall to one and none to the other: 2 / 2^5. 6 to 2: 2 (1 + 8 + 28) / 2^8.
  CHECK_THAT(probe::sign_test(right_on(0, 9), right_on(0, 4), labels), WithinRel(0.0625, 1e-12));
  CHECK_THAT(probe::sign_test(right_on(0, 8), right_on(6, 10), labels),
             WithinRel(74.0 / 256, 1e-12));
  CHECK_THAT(probe::sign_test(right_on(6, 10), right_on(0, 8), labels),
             WithinRel(74.0 / 256, 1e-12));
  CHECK(probe::sign_test(right_on(0, 5), right_on(5, 10), labels) == 1);  // capped
  CHECK(probe::sign_test(right_on(2, 3), right_on(2, 3), labels) == 1);
  CHECK_THROWS_AS(probe::sign_test({}, right_on(0, 1), labels), ShapeError);
  CHECK_THROWS_AS(probe::sign_test({}, {}, {}), ArgumentError);
}
