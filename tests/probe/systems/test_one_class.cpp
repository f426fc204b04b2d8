// Covers: one_class
#include "classes.hpp"
#include "foglift/core/rng.hpp"
#include "foglift/diffusion/schedule/cosine.hpp"
#include "foglift/probe/metric/detection.hpp"
#include "foglift/probe/systems/one_class.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;

namespace {

/// Data of variance 1 along the first of 4 axes and 0.01 along the others.
const probe_test::Classes flat{{{0, 0, 0, 0}}, {{1, 0.01, 0.01, 0.01}}};

Tensor<double> drawn(Index n, std::uint64_t seed, double width) {
  Tensor<double> x = Rng(seed).normal<double>({n, 4});
  for (Index i = 0; i < n; ++i)
    for (Index j = 1; j < 4; ++j) x(i, j) *= width;
  return x;
}

}  // namespace

TEST_CASE("one class: scores of normal examples have mean 0, by their definition",
          "[probe][one_class]") {
  const auto plan = probe::ErrorPlan::uniform_time(schedule::Cosine{}, 6);
  const auto normal = drawn(200, 1, 0.1);
  const probe::noise::Fixed noise{Rng(2)};
  const auto law = flat.law(0);
  const probe::OneClass one(law, normal, plan, noise);
  const auto scores = one.scores(law, normal, noise);
  double mean = 0;
  for (const double s : scores) mean += s / 200;
  CHECK_THAT(mean, WithinAbs(0, 1e-10));
  const auto errors = probe::noise_error(law, normal, plan, noise);
  double expected = 0;
  for (Index l = 0; l < 6; ++l) {
    double m = 0, v = 0;
    for (Index i = 0; i < 200; ++i) m += errors(i, l) / 200;
    for (Index i = 0; i < 200; ++i) v += std::pow(errors(i, l) - m, 2) / 199;
    expected += (errors(7, l) - m) / std::sqrt(v) / 6;
  }
  CHECK_THAT(scores[7], WithinAbs(expected, 1e-9));
}

TEST_CASE("one class: what leaves the data's plane is found, what moves along it is not",
          "[probe][one_class]") {
  const auto plan = probe::ErrorPlan::uniform_lambda(probe_test::WideSchedule{}, -3, 3, 12);
  const probe_test::UnitNoises noise{4};
  const auto law = flat.law(0);
  const probe::OneClass one(law, drawn(300, 1, 0.1), plan, noise);
  const auto area = [&](const Tensor<double>& strange) {
    auto scores = one.scores(law, drawn(300, 3, 0.1), noise);
    const auto others = one.scores(law, strange, noise);
    scores.insert(scores.end(), others.begin(), others.end());
    std::vector<bool> positive(600, false);
    std::fill(positive.begin() + 300, positive.end(), true);
    return probe::auroc(scores, positive);
  };
  CHECK(area(drawn(300, 4, 0.5)) > 0.95);
  // The same law: 1/2, of deviation sqrt((2 n + 1) / (12 n n)) = 0.024.
  CHECK(std::abs(area(drawn(300, 5, 0.1)) - 0.5) < 4 * 0.024);
}

TEST_CASE("one class: wrong arguments are refused", "[probe][one_class]") {
  const auto plan = probe::ErrorPlan::uniform_time(schedule::Cosine{}, 2);
  const probe_test::UnitNoises noise{4};
  const auto law = flat.law(0);
  CHECK_THROWS_AS(probe::OneClass(law, drawn(1, 1, 0.1), plan, noise), ShapeError);
  CHECK_THROWS_AS(probe::OneClass(law, Tensor<double>({3, 4}), plan, noise), ArgumentError);
}
