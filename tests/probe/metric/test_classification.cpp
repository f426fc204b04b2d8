// Covers: probe/metric/classification segmentation
#include "foglift/core/rng.hpp"
#include "foglift/probe/metric/accuracy.hpp"
#include "foglift/probe/metric/segmentation.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;

namespace {

// Truth 0 0 0 1 1 2 2 2 2, said 0 1 0 1 1 2 0 2 1.
const std::vector<Index> truth{0, 0, 0, 1, 1, 2, 2, 2, 2}, said{0, 1, 0, 1, 1, 2, 0, 2, 1};

}  // namespace

TEST_CASE("classification: precision, recall and F1 by hand", "[probe][metric]") {
  const Tensor<Index> counts = probe::confusion(said, truth, 3);
  CHECK(counts == Tensor<Index>({3, 3}, {2, 1, 0, 0, 2, 0, 1, 1, 2}));
  const auto scores = probe::class_scores(counts);
  CHECK_THAT(scores[0].precision(), WithinRel(2.0 / 3, 1e-15));
  CHECK_THAT(scores[0].recall(), WithinRel(2.0 / 3, 1e-15));
  CHECK_THAT(scores[1].precision(), WithinRel(0.5, 1e-15));
  CHECK_THAT(scores[1].recall(), WithinRel(1.0, 1e-15));
  CHECK_THAT(scores[1].f1(), WithinRel(2.0 / 3, 1e-15));
  CHECK_THAT(scores[2].precision(), WithinRel(1.0, 1e-15));
  CHECK_THAT(scores[2].recall(), WithinRel(0.5, 1e-15));
  CHECK_THAT(probe::macro_f1(scores), WithinRel(2.0 / 3, 1e-15));  // 2/3 for each
  // Micro: TP 6, FP 3, FN 3.
  CHECK_THAT(probe::micro_f1(scores), WithinRel(6.0 / 9, 1e-15));
  CHECK_THAT(probe::micro_f1(scores), WithinRel(probe::accuracy(said, truth), 1e-15));
}

TEST_CASE("classification: a class that is never there has scores of 0", "[probe][metric]") {
  const auto scores = probe::class_scores(probe::confusion({{0, 1}}, {{0, 1}}, 3));
  CHECK(scores[2].precision() == 0);
  CHECK(scores[2].recall() == 0);
  CHECK(scores[2].f1() == 0);
  CHECK_THAT(probe::macro_f1(scores), WithinRel(2.0 / 3, 1e-15));
}

TEST_CASE("classification: log loss and calibration by hand", "[probe][metric]") {
  const Tensor<double> p({4, 2}, {0.9, 0.1, 0.2, 0.8, 0.55, 0.45, 0.3, 0.7});
  const std::vector<Index> labels{0, 1, 1, 0};
  CHECK_THAT(
      probe::log_loss(p, labels),
      WithinRel(-(std::log(0.9) + std::log(0.8) + std::log(0.45) + std::log(0.3)) / 4, 1e-14));
  // Bins of 1/2: (1/2, 1] holds all: accuracy 1/2, confidence (0.9 + 0.8 + 0.55 + 0.7) / 4.
  CHECK_THAT(probe::calibration_error(p, labels, 2), WithinRel(2.95 / 4 - 0.5, 1e-13));
  // Bins of 1/10, closed above: {0.9, 0.8, 0.7} in bins of their own, and 0.55.
  CHECK_THAT(probe::calibration_error(p, labels, 10),
             WithinRel((0.1 + 0.2 + 0.55 + 0.7) / 4, 1e-13));
  // 0.5 belongs to (0, 1/2]: a hit there and a miss above do not make up for one another.
  CHECK_THAT(probe::calibration_error(Tensor<double>({2, 2}, {0.5, 0.5, 0.75, 0.25}), {{0, 1}}, 2),
             WithinRel((0.5 + 0.75) / 2, 1e-14));
  CHECK(std::isinf(probe::log_loss(Tensor<double>({1, 2}, {1.0, 0.0}), {{1}})));
}

TEST_CASE("classification: what says its true probabilities is calibrated", "[probe][metric]") {
  const Index n = 20000;
  const Rng rng(1);
  Tensor<double> p({n, 2});
  std::vector<Index> labels;
  for (Index i = 0; i < n; ++i) {
    p(i, 0) = rng.uniform(static_cast<std::uint64_t>(i), 0);
    p(i, 1) = 1 - p(i, 0);
    labels.push_back(rng.uniform(static_cast<std::uint64_t>(i), 1) < p(i, 0) ? 0 : 1);
  }
  // 10 bins of confidence in (1/2, 1], 5 of which hold n / 5: each is off by at most about 0.5
  // sqrt(5 / n) = 0.008 in one deviation.
  CHECK(probe::calibration_error(p, labels, 10) < 3 * 0.008);
  for (Index i = 0; i < n; ++i) {  // twice as sure of itself as it may be
    const double sure = p(i, 0) > 0.5 ? 0.99 : 0.01;
    p(i, 0) = sure;
    p(i, 1) = 1 - sure;
  }
  CHECK_THAT(probe::calibration_error(p, labels, 10),
             WithinAbs(0.99 - 0.75, 5 * 0.5 / std::sqrt(n)));
}

TEST_CASE("segmentation: unions leave ignored pixels out", "[probe][metric]") {
  // As above, and two pixels of label 9 that are ignored, whatever was said of them.
  std::vector<Index> labels = truth, answers = said;
  labels.insert(labels.end(), {9, 9});
  answers.insert(answers.end(), {0, 2});
  const Tensor<Index> counts = probe::confusion(answers, labels, 3, 9);
  CHECK(counts == probe::confusion(said, truth, 3));
  CHECK_THAT(probe::mean_iou(counts), WithinRel((2.0 / 4 + 2.0 / 4 + 2.0 / 4) / 3, 1e-14));
  CHECK_THAT(probe::mean_dice(counts), WithinRel(2.0 / 3, 1e-14));
  for (const auto& s : probe::class_scores(counts))  // Dice = 2 IoU / (1 + IoU)
    CHECK_THAT(s.f1(), WithinRel(2 * s.iou() / (1 + s.iou()), 1e-14));
  // A class that is in neither does not count.
  CHECK(probe::mean_iou(probe::confusion({{0, 0}}, {{0, 0}}, 5)) == 1);
}

TEST_CASE("classification: wrong arguments are refused", "[probe][metric]") {
  CHECK_THROWS_AS(probe::confusion({{0}}, {{0, 1}}, 2), ShapeError);
  CHECK_THROWS_AS(probe::confusion({{0}}, {{0}}, 1), ArgumentError);
  CHECK_THROWS_WITH(probe::confusion({{0, 2}}, {{0, 1}}, 2), ContainsSubstring("example 1"));
  CHECK_THROWS_AS(probe::class_scores(Tensor<Index>({2, 3})), ShapeError);
  CHECK_THROWS_AS(probe::log_loss(Tensor<double>({2, 2}, 0.5), {{0}}), ShapeError);
  CHECK_THROWS_AS(probe::log_loss(Tensor<double>({1, 2}, 1.5), {{0}}), ArgumentError);
  CHECK_THROWS_AS(probe::calibration_error(Tensor<double>({1, 2}, 0.5), {{0}}, 0), ArgumentError);
  CHECK_THROWS_AS(probe::mean_iou(Tensor<Index>({2, 2})), ArgumentError);
  CHECK_THROWS_AS(probe::macro_f1({}), ArgumentError);
}
