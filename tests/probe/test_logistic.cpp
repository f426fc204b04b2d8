// Covers: instances logistic
#include "data.hpp"
#include "foglift/probe/metric/accuracy.hpp"
#include "foglift/probe/probes/logistic.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;
using probe_test::blobs;

namespace {

/// The objective of logistic_probe, written out for a probe of the features themselves: weights of
/// the standardized features are weight * deviation.
double objective(const probe::LinearProbe& probe, const probe_test::Labelled& data, double lambda) {
  const Tensor<double> s = probe.scores(data.x);
  const Index n = s.dim(0), classes = s.dim(1), d = data.x.dim(1);
  double loss = 0;
  for (Index i = 0; i < n; ++i) {
    double total = 0;
    for (Index k = 0; k < classes; ++k) total += std::exp(s(i, k));
    loss +=
        (std::log(total) - s(i, data.labels[static_cast<std::size_t>(i)])) / static_cast<double>(n);
  }
  for (Index j = 0; j < d; ++j) {
    double mean = 0, variance = 0;
    for (Index i = 0; i < n; ++i) mean += data.x(i, j) / static_cast<double>(n);
    for (Index i = 0; i < n; ++i)
      variance += std::pow(data.x(i, j) - mean, 2) / static_cast<double>(n);
    for (Index k = 0; k < classes; ++k)
      loss += lambda / 2 * probe.weight(j, k) * probe.weight(j, k) * variance;
  }
  return loss;
}

}  // namespace

TEST_CASE("logistic probe: the gradient of the objective is zero at the optimum",
          "[probe][logistic]") {
  for (const double lambda : {1e-4, 1e-2, 1.0}) {
    const auto data = blobs(80, 4, 3, 0.8, 21);
    auto fit = probe::logistic_probe(data.x, data.labels, 3, {.lambda = lambda});
    CHECK(fit.gradient <= 1e-8);
    CHECK_THAT(fit.loss, WithinRel(objective(fit.probe, data, lambda), 1e-12));
    // Central differences of step h: an error of h^2 / 6 times third derivatives of order 10, plus
    // eps / h from rounding: below 1e-9 at h = 1e-5, beside the solver's 1e-8 times the deviation
    // of a feature (< 2).
    const double h = 1e-5;
    for (auto* tensor : {&fit.probe.weight, &fit.probe.bias})
      for (double& v : *tensor) {
        const double at = v;
        v = at + h;
        const double above = objective(fit.probe, data, lambda);
        v = at - h;
        const double below = objective(fit.probe, data, lambda);
        v = at;
        CHECK_THAT((above - below) / (2 * h), WithinAbs(0, 3e-8));
      }
  }
}

TEST_CASE("logistic probe: two points have the closed form", "[probe][logistic]") {
  // z = +-1, classes 0 and 1: by symmetry W = (w, -w), b = 0, and the loss ln(1 + exp(-2w)) +
  // lambda w^2 has its minimum where 2 / (1 + exp(2w)) = 2 lambda w.
  const Tensor<double> x({2, 1}, {5, 1});
  const auto fit = probe::logistic_probe(x, {{0, 1}}, 2, {.lambda = 0.1, .tolerance = 1e-12});
  const double w = fit.probe.weight(0, 0) * 2;  // the deviation of {5, 1} is 2
  CHECK_THAT(1 / (1 + std::exp(2 * w)), WithinAbs(0.1 * w, 1e-11));
  CHECK_THAT(fit.probe.weight(0, 1) * 2, WithinAbs(-w, 1e-11));
  CHECK_THAT(fit.probe.scores(Tensor<double>({1, 1}, 3.0))[0], WithinAbs(0, 1e-11));
}

TEST_CASE("logistic probe: separable classes are told apart without error", "[probe][logistic]") {
  const auto data = blobs(200, 10, 5, 8, 22);
  const auto fit = probe::logistic_probe(data.x, data.labels, 5, {.lambda = 1e-6});
  CHECK(probe::accuracy(fit.probe.predict(data.x), data.labels) == 1);
}

TEST_CASE("logistic probe: more features than examples", "[probe][logistic]") {
  const auto data = blobs(20, 50, 3, 0.3, 23);
  const auto fit = probe::logistic_probe(data.x, data.labels, 3, {.lambda = 1e-3});
  CHECK(fit.gradient <= 1e-8);
  CHECK(probe::accuracy(fit.probe.predict(data.x), data.labels) == 1);  // any 20 points in 50-D
}

TEST_CASE("logistic probe: wrong arguments are refused", "[probe][logistic]") {
  const auto data = blobs(10, 2, 2, 1, 24);
  CHECK_THROWS_AS(probe::logistic_probe(data.x, data.labels, 2, {.lambda = 0}), ArgumentError);
  CHECK_THROWS_AS(probe::logistic_probe(data.x, data.labels, 1), ArgumentError);
  CHECK_THROWS_AS(probe::logistic_probe(data.x.rows(0, 9), data.labels, 2), ShapeError);
  CHECK_THROWS_AS(probe::logistic_probe(data.x, data.labels, 2, {.max_steps = 0}), NumericError);
}
