// Covers: two_sample
#include "foglift/diffusion/verify/two_sample.hpp"
#include "support/catch.hpp"

#include <functional>

using namespace foglift;

namespace {

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

/// p-values of a test over seeds must be uniform where nothing differs: at the level 0.001.
void uniform(const std::function<double(std::uint64_t)>& p_value, int seeds) {
  std::vector<double> p;
  for (int seed = 0; seed < seeds; ++seed) p.push_back(p_value(static_cast<std::uint64_t>(seed)));
  const double d = verify::ks_distance(p, [](double x) { return x; });
  CHECK(verify::ks_p_value(d, seeds) > 0.001);
}

}  // namespace

TEST_CASE("two samples: distance of distribution functions by hand", "[diffusion][verify]") {
  // Steps of 1/4 at 0.1, 0.2, 0.6, 0.7 against a uniform one: furthest just before 0.6, where half
  // of the samples lie below.
  CHECK_THAT(verify::ks_distance({0.7, 0.1, 0.6, 0.2}, [](double x) { return x; }),
             WithinAbs(0.3, 1e-15));
  // Published points of the limit: P(z > 1.3581) = 0.05, P(z > 1.6276) = 0.01, P(z > 1.9495) =
  // 0.001.
  for (const auto& [z, p] : {std::pair{1.3581, 0.05}, {1.6276, 0.01}, {1.9495, 0.001}})
    CHECK_THAT(verify::ks_p_value(z / 1e4, 100'000'000), WithinRel(p, 2e-3));
  CHECK(verify::ks_p_value(0.001, 100) == 1);
}

TEST_CASE("two samples: counts against shares", "[diffusion][verify]") {
  // chi^2 = 3.841 and 9.488 are the 5 % points of 1 and 4 degrees of freedom; with counts 50 +- d
  // chi^2 = 2 d^2 / 50.
  CHECK_THAT(verify::chi2_p_value({500'000 + 980, 500'000 - 980}, {1, 1}), WithinAbs(0.05, 2e-4));
  // Five equal cells of 1e6 with +-d in two: 2 d^2 / 1e6 = 9.488.
  CHECK_THAT(
      verify::chi2_p_value({1'002'178, 997'822, 1'000'000, 1'000'000, 1'000'000}, {1, 1, 1, 1, 1}),
      WithinAbs(0.05, 1e-3));
  CHECK_THROWS_AS(verify::chi2_p_value({3}, {1}), ArgumentError);
}

TEST_CASE("two samples: p-values are uniform where nothing differs", "[diffusion][verify]") {
  uniform(
      [](std::uint64_t seed) {
        const auto x = Rng(seed).normal<double>({500});
        return verify::ks_p_value(verify::ks_distance({x.begin(), x.end()}, normal_cdf), 500);
      },
      200);
  const auto pair = [](std::uint64_t seed) {
    return std::pair{Rng(seed).stream(1).normal<float>({30, 2}),
                     Rng(seed).stream(2).normal<float>({40, 2})};
  };
  uniform(
      [&](std::uint64_t seed) {
        const auto [a, b] = pair(seed);
        return verify::energy_p_value(a, b, {.permutations = 99, .rng = Rng(seed)});
      },
      100);
  uniform(
      [&](std::uint64_t seed) {
        const auto [a, b] = pair(seed + 500);
        return verify::mmd_p_value(a, b, {.permutations = 99, .rng = Rng(seed)});
      },
      100);
}

TEST_CASE("two samples: differences are found", "[diffusion][verify]") {
  const auto a = Rng(1).normal<float>({150, 2});
  auto moved = Rng(2).normal<float>({150, 2}), wide = moved;
  for (Index i = 0; i < 150; ++i) moved(i, 0) += 0.6f;
  for (float& v : wide) v *= 1.8f;
  for (const auto& b : {moved, wide}) {
    CHECK(verify::energy_p_value(a, b) < 0.01);
    CHECK(verify::mmd_p_value(a, b) < 0.01);
  }
  // What was found is one of the permutations: with 9 others the p-value is at least 1 / 10.
  CHECK(verify::energy_p_value(a, wide, {.permutations = 9}) == 0.1);
  CHECK(verify::mmd_p_value(a, wide, {.permutations = 9}) == 0.1);
  CHECK_THROWS_AS(verify::energy_p_value(a, Tensor<float>({3, 3})), ShapeError);
}

TEST_CASE("two samples: sliced wasserstein of moved samples", "[diffusion][verify]") {
  // Moved by v: |v|^2 / d on average over directions; a factor of c: (c - 1)^2 E|x|^2 / d.
  const auto a = Rng(1).normal<double>({64, 3});
  auto moved = a, wide = a;
  double square = 0;
  for (Index i = 0; i < 64; ++i) moved(i, 1) += 2;
  for (double& v : wide) {
    square += v * v;
    v *= 1.5;
  }
  CHECK(verify::sliced_wasserstein2(a, a, 8, Rng(3)) == 0);
  // 20,000 directions: cos^2 of mean 1/3 has a standard error of 0.3 / sqrt(20000) = 0.2 %.
  CHECK_THAT(verify::sliced_wasserstein2(a, moved, 20'000, Rng(3)), WithinRel(4.0 / 3, 0.01));
  CHECK_THAT(verify::sliced_wasserstein2(a, wide, 20'000, Rng(3)),
             WithinRel(0.25 * square / 64 / 3, 0.01));
  CHECK_THROWS_AS(verify::sliced_wasserstein2(a, Tensor<double>({3, 3}), 8, Rng(1)), ShapeError);
}
