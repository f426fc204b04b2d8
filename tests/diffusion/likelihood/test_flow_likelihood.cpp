// Covers: flow_likelihood trace
#include "foglift/diffusion/analytic.hpp"
#include "foglift/diffusion/analytic/full_gaussian.hpp"
#include "foglift/diffusion/likelihood/flow_likelihood.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cmath>

using namespace foglift;
using likelihood::ExactTrace, likelihood::FlowOptions, likelihood::Hutchinson,
    likelihood::HutchPlusPlus, likelihood::Probe;

namespace {

/// Covariance B B^T + 0.05 I of d elements with B random: correlated in every pair.
Tensor<double> covariance(Index d) {
  const auto B = Rng(3).normal<double>({d, d});
  Tensor<double> C({d, d});
  for (Index i = 0; i < d; ++i)
    for (Index j = 0; j < d; ++j) {
      for (Index k = 0; k < d; ++k) C[i * d + j] += 0.2 * B[i * d + k] * B[j * d + k];
      if (i == j) C[i * d + j] += 0.05;
    }
  return C;
}
const analytic::FullGaussian correlated({1, -2, 0.5, 0, 3, -1, 0.2, 0.7}, covariance(8));
const analytic::Mixture mixture({{0.3, {-1, 0, 1}, 0.16}, {0.7, {1.5, 1, -1}, 0.36}});

const Level vp_data{0.01, std::sqrt(1 - 1e-4), 0.01}, vp_noise{1, 0.05, std::sqrt(1 - 0.0025)};
const Level ve_data{0, 1, 0.02}, ve_noise{1, 1, 60};
const Level flow_data{0.02, 0.98, 0.02}, flow_noise{1, 0, 1};

/// The exact law of the states at a level, as a prior.
template <class Model>
auto law(const Model& model, const Level& level) {
  return [&model, level](const Tensor<double>& x) { return model.log_density(x, level); };
}

constexpr FlowOptions tight{.rtol = 1e-9, .atol = 1e-9};

}  // namespace

TEST_CASE("flow likelihood: correlated Gaussians in every process", "[diffusion][likelihood]") {
  // Local errors of 1e-9 |ln p| with |ln p| below 100, in some hundred steps: below 1e-6.
  const auto check = [](const Level& data, const Level& noise) {
    const auto x = correlated.draw({5, 8}, data, Rng(4));
    const auto found = likelihood::flow_density(correlated, x, data, noise, law(correlated, noise),
                                                ExactTrace{}, tight);
    const auto exact = correlated.log_density(x, data);
    for (Index b = 0; b < 5; ++b) CHECK_THAT(found.log_density[b], WithinAbs(exact[b], 1e-6));
    const auto latent = correlated.flow(x, data, noise);
    for (Index i = 0; i < 40; ++i) CHECK_THAT(found.latent[i], WithinAbs(latent[i], 1e-5));
  };
  check(vp_data, vp_noise);
  check(ve_data, ve_noise);
  check(flow_data, flow_noise);
}

TEST_CASE("flow likelihood: mixtures", "[diffusion][likelihood]") {
  const auto x = mixture.draw({6, 3}, vp_data, Rng(8));
  const auto found = likelihood::flow_density(mixture, x, vp_data, vp_noise, law(mixture, vp_noise),
                                              ExactTrace{}, tight);
  const auto exact = mixture.log_density(x, vp_data);
  for (Index b = 0; b < 6; ++b) CHECK_THAT(found.log_density[b], WithinAbs(exact[b], 1e-6));
}

TEST_CASE("flow likelihood: a process brings its prior", "[diffusion][likelihood]") {
  // Standard normal data stays so in a variance-preserving process: the prior is exact, and the
  // flow stands still.
  const auto data = analytic::gaussian({.mean = 0, .variance = 1});
  const process::VariancePreserving<schedule::Linear> vp;
  const auto x = Rng(2).normal<double>({4, 2});
  const auto found = likelihood::log_density(data, x, vp);
  for (Index b = 0; b < 4; ++b)
    CHECK_THAT(found[b], WithinAbs(-0.5 * (x[2 * b] * x[2 * b] + x[2 * b + 1] * x[2 * b + 1]) -
                                       std::log(2 * std::acos(-1.0)),
                                   1e-10));
  // Of variance 2: alpha(1)^2 = 4.3e-5 of it remains at the end, where the prior has variance 1:
  // 1e-4 nats.
  const auto wide = analytic::gaussian({.mean = 0, .variance = 2});
  const auto at = likelihood::log_density(wide, x, vp, ExactTrace{}, tight, {.t_min = 1e-3});
  const auto exact = wide.log_density(x, vp.at(1e-3));
  for (Index b = 0; b < 4; ++b) CHECK_THAT(at[b], WithinAbs(exact[b], 1e-3));
}

TEST_CASE("flow likelihood: estimated traces are right on average", "[diffusion][likelihood]") {
  // 4096 probes: one for each of 4096 copies of a sample. Their mean within 4 standard errors.
  const auto one = correlated.draw({1, 8}, vp_data, Rng(11));
  const double exact = correlated.log_density(one, vp_data)[0];
  const auto spread = [&](const auto& trace, Index copies) {
    Tensor<double> x({copies, 8});
    for (Index b = 0; b < copies; ++b) std::copy_n(one.data(), 8, x.data() + b * 8);
    const auto found = likelihood::flow_density(correlated, x, vp_data, vp_noise,
                                                law(correlated, vp_noise), trace);
    const auto n = static_cast<double>(copies);
    double mean = 0, square = 0;
    for (const double v : found.log_density) mean += v / n;
    for (const double v : found.log_density) square += (v - mean) * (v - mean) / n;
    CHECK_THAT(mean, WithinAbs(exact, 4 * std::sqrt(square / n)));
    return std::sqrt(square);
  };
  const double rademacher = spread(Hutchinson{.rng = Rng(1)}, 4096);
  CHECK(rademacher > 0.1);
  // A Gaussian probe feels the diagonal too; two of eight directions are exact in the last.
  CHECK(spread(Hutchinson{.rng = Rng(1), .kind = Probe::gaussian}, 512) > 1.2 * rademacher);
  CHECK(spread(HutchPlusPlus{.rng = Rng(1), .sketch = 2, .probes = 1}, 512) < 0.7 * rademacher);
  // The mean of four probes has half the spread, to 4 standard errors of 0.5 / sqrt(2 * 512).
  CHECK_THAT(spread(Hutchinson{.rng = Rng(2), .probes = 4}, 512) / rademacher,
             WithinAbs(0.5, 0.07));
}

TEST_CASE("flow likelihood: traces of a matrix", "[diffusion][likelihood]") {
  // J^T v by a fixed matrix; exact for all of its directions, and Rademacher on a diagonal one.
  const auto M = Rng(6).normal<double>({4, 4});
  const auto product = [&](const Tensor<double>& v) {
    Tensor<double> out(v.shape());
    for (Index b = 0; b < v.dim(0); ++b)
      for (Index i = 0; i < 4; ++i)
        for (Index j = 0; j < 4; ++j) out[b * 4 + i] += M[j * 4 + i] * v[b * 4 + j];
    return out;
  };
  const double exact = M[0] + M[5] + M[10] + M[15];
  const std::vector<Index> samples{0, 2};
  const auto check = [&](const auto& rule, const auto& J, double expected) {
    const Tensor<double> trace = rule.template start<double>({3, 2, 2})(samples, J);
    CHECK(trace.shape() == Shape{2});
    for (const double t : trace) CHECK_THAT(t, WithinAbs(expected, 1e-12));
  };
  const auto flat = [&](const Tensor<double>& v) { return product(v); };
  check(ExactTrace{}, flat, exact);
  check(HutchPlusPlus{.rng = Rng(1), .sketch = 4, .probes = 2}, flat, exact);
  check(HutchPlusPlus{.rng = Rng(1), .sketch = 9, .probes = 1}, flat, exact);
  const auto diagonal = [](const Tensor<double>& v) {
    Tensor<double> out(v.shape());
    for (Index i = 0; i < v.size(); ++i) out[i] = static_cast<double>(i % 4) * v[i];
    return out;
  };
  check(Hutchinson{.rng = Rng(1), .probes = 2}, diagonal, 6);
  const auto zero = [](const Tensor<double>& v) { return Tensor<double>(v.shape()); };
  check(HutchPlusPlus{.rng = Rng(1)}, zero, 0);
  CHECK_THROWS_AS((Hutchinson{.rng = Rng(1), .probes = 0}.start<double>({1, 4})), ArgumentError);
  CHECK_THROWS_AS((HutchPlusPlus{.rng = Rng(1), .sketch = -1}.start<double>({1, 4})),
                  ArgumentError);
}

TEST_CASE("flow likelihood: a sample does not see its companions", "[diffusion][likelihood]") {
  Tensor<double> x = mixture.draw({4, 3}, vp_data, Rng(8));
  for (Index i = 3; i < 6; ++i) x[i] *= 30;  // one that takes other steps
  const auto together = likelihood::flow_density(mixture, x, vp_data, vp_noise,
                                                 law(mixture, vp_noise), Hutchinson{.rng = Rng(5)});
  for (Index b = 0; b < 4; ++b) {
    const auto alone = likelihood::flow_density(
        mixture, x.rows(b, 1), vp_data, vp_noise, law(mixture, vp_noise),
        Hutchinson{.rng = Rng(5), .first_sample = static_cast<std::uint64_t>(b)});
    CHECK(alone.log_density[0] == together.log_density[b]);
    CHECK(alone.latent == together.latent.rows(b, 1));
    CHECK(alone.report.evaluations[0] == together.report.evaluations[static_cast<std::size_t>(b)]);
  }
}

TEST_CASE("flow likelihood: float states", "[diffusion][likelihood]") {
  const auto x = correlated.draw<float>({3, 8}, vp_data, Rng(4));
  const auto found = likelihood::flow_density(
      correlated, x, vp_data, vp_noise,
      [&](const Tensor<float>& z) { return correlated.log_density(z, vp_noise); });
  const auto exact = correlated.log_density(x, vp_data);
  // Tolerances of 1e-5 |ln p| a step in some 30 steps, and rounding of x0 to 1e-7.
  for (Index b = 0; b < 3; ++b) CHECK_THAT(found.log_density[b], WithinAbs(exact[b], 1e-2));
}

TEST_CASE("flow likelihood: refuses levels out of order", "[diffusion][likelihood]") {
  const Tensor<double> x({2, 3});
  const auto run = [&](const Level& from, const Level& to) {
    return likelihood::flow_density(mixture, x, from, to, law(mixture, to));
  };
  CHECK_THROWS_AS(run(vp_noise, vp_data), ArgumentError);
  CHECK_THROWS_AS(run({0, 1, 0}, vp_noise), ArgumentError);
  CHECK_THROWS_AS(run(vp_data, vp_data), ArgumentError);
  CHECK_THROWS_AS(
      likelihood::flow_density(mixture, Tensor<double>({2, 3}), vp_data, vp_noise,
                               [](const Tensor<double>&) { return Tensor<double>({1}); }),
      ShapeError);
  for (const Shape& none : {Shape{}, Shape{4, 0}, Shape{0, 0}})
    CHECK_THROWS_AS(likelihood::flow_density(mixture, Tensor<double>(none), vp_data, vp_noise,
                                             law(mixture, vp_noise)),
                    ShapeError);
}
