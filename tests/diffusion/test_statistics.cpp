#include "foglift/diffusion/analytic.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/solvers.hpp"
#include "foglift/diffusion/verify.hpp"
#include "support/catch.hpp"

#include <functional>

// Whole runs of samplers with exact denoisers: their samples must follow the data. Seeds are fixed,
// thresholds are those of the null at the level 0.001, or 4 standard errors.

using namespace foglift;

namespace {

constexpr double deviation[] = {0.3, 0.5, 0.2};
const std::vector<analytic::Mixture::Component> parts = {
    {0.2, {-2, 0}, 0.09}, {0.5, {1, 1}, 0.25}, {0.3, {2, -1}, 0.04}};
const analytic::Mixture data(parts);

double cdf(Index axis, double x) {
  double sum = 0;
  for (std::size_t k = 0; k < 3; ++k)
    sum += parts[k].weight * 0.5 *
           std::erfc((parts[k].mean[static_cast<std::size_t>(axis)] - x) / deviation[k] /
                     std::numbers::sqrt2);
  return sum;
}

/// From sigma / alpha = 200, where the data's mean and spread are 1 % of the noise's, to clean
/// data.
TimeGrid steps(Index n) {
  auto g = verify::time_grid(verify::Family::variance_preserving, verify::Spacing::karras, n - 1,
                             200, 0.01);
  g.push_back(grid::clean);
  return g;
}

template <class S, class T>
Tensor<T> draw(const S& solver, Index n, Index grid_steps, T, std::uint64_t seed = 1) {
  return sample<T>(solver, data, {n, 2}, steps(grid_steps), Rng(seed));
}

template <class T>
void follows_data(const Tensor<T>& x) {
  const Index n = x.dim(0);
  const auto size = static_cast<double>(n);
  for (Index axis = 0; axis < 2; ++axis) {
    std::vector<double> column;
    for (Index i = 0; i < n; ++i) column.push_back(double{x(i, axis)});
    const double d = verify::ks_distance(column, [&](double v) { return cdf(axis, v); });
    CHECK(d < 1.95 / std::sqrt(size));
  }
  // Mean and covariance of the mixture by hand: E[x] = sum w m, E[x x'] = sum w (v I + m m').
  const double mean[] = {-0.4 + 0.5 + 0.6, 0.5 - 0.3};
  const double second[] = {0.2 * (0.09 + 4) + 0.5 * 1.25 + 0.3 * 4.04, 0.5 - 0.6,
                           0.2 * 0.09 + 0.5 * 1.25 + 0.3 * 1.04};
  const int pairs[3][2] = {{0, 0}, {0, 1}, {1, 1}};
  for (std::size_t k = 0; k < 3; ++k) {
    const int a = pairs[k][0], b = pairs[k][1];
    double sum = 0, square = 0;
    for (Index i = 0; i < n; ++i) {
      const double c = (double{x(i, a)} - mean[a]) * (double{x(i, b)} - mean[b]);
      sum += c;
      square += c * c;
    }
    const double covariance = sum / size,
                 error = std::sqrt((square / size - covariance * covariance) / size);
    CHECK(std::abs(covariance - (second[k] - mean[a] * mean[b])) < 4 * error);
  }
  std::vector<Index> counts(3, 0);
  for (Index i = 0; i < n; ++i) {
    std::size_t nearest = 0;
    double best = HUGE_VAL;
    for (std::size_t k = 0; k < 3; ++k) {
      const double d =
          std::hypot(double{x(i, 0)} - parts[k].mean[0], double{x(i, 1)} - parts[k].mean[1]) /
          deviation[k];
      if (d < best) best = d, nearest = k;
    }
    ++counts[nearest];
  }
  // The closest modes are 2.2 apart, with deviations 0.5 and 0.2: some 0.1 % of the draws lie
  // nearer to another mode, far below what 20,000 draws show.
  CHECK(verify::chi2_p_value(counts, {0.2, 0.5, 0.3}) > 0.001);
}

/// Exact draws.
Tensor<float> truth(Index n, std::uint64_t seed) {
  const Rng rng(seed);
  const auto z = rng.normal<float>({n, 2});
  Tensor<float> x({n, 2});
  for (Index i = 0; i < n; ++i) {
    const double u = rng.stream(1).uniform(static_cast<std::uint64_t>(i));
    const std::size_t k = u < 0.2 ? 0 : u < 0.7 ? 1 : 2;
    for (Index a = 0; a < 2; ++a)
      x(i, a) =
          static_cast<float>(parts[k].mean[static_cast<std::size_t>(a)] + deviation[k] * z(i, a));
  }
  return x;
}

}  // namespace

TEST_CASE("statistics: exact draws pass their own tests", "[diffusion][statistics]") {
  follows_data(truth(20'000, 5));
}

TEST_CASE("statistics: samples of a mixture follow it", "[diffusion][statistics]") {
  follows_data(draw(solver::Heun{}, 20'000, 60, 1.0));
  follows_data(draw(solver::Heun{}, 20'000, 60, 1.0f));
  follows_data(draw(solver::Ddim{}, 20'000, 400, 1.0f));
  follows_data(draw(solver::Ddpm{}, 20'000, 300, 1.0f));
}

TEST_CASE("statistics: samples of high-order solvers follow it in fewer steps",
          "[diffusion][statistics]") {
  follows_data(draw(solver::DpmMulti<2>{}, 20'000, 60, 1.0f));
  follows_data(draw(solver::UniPc<2>{}, 20'000, 40, 1.0f));
  follows_data(draw(solver::SdeDpmMulti<2>{}, 20'000, 80, 1.0f));
  follows_data(draw(solver::DpmSde<>{}, 20'000, 60, 1.0f));
  follows_data(draw(solver::SaSolver<2, 2>{}, 20'000, 80, 1.0f));
  follows_data(draw(solver::Dpm2Ancestral{}, 20'000, 60, 1.0f));
  follows_data(draw(solver::Churn<solver::Heun>{.noise_scale = 1}, 20'000, 60, 1.0f));
}

TEST_CASE("statistics: too few steps are noticed", "[diffusion][statistics]") {
  // The tests above are worth something if they fail where the sampler is wrong.
  const auto x = draw(solver::Ddim{}, 20'000, 6, 1.0f);
  std::vector<double> column;
  for (Index i = 0; i < x.dim(0); ++i) column.push_back(double{x(i, 0)});
  CHECK(verify::ks_p_value(verify::ks_distance(column, [](double v) { return cdf(0, v); }),
                           x.dim(0)) < 1e-6);
}

TEST_CASE("statistics: distances to exact draws are those between exact draws",
          "[diffusion][statistics]") {
  const auto x = draw(solver::Heun{}, 400, 60, 1.0f), real = truth(400, 77);
  CHECK(verify::energy_p_value(x, real) > 0.001);
  CHECK(verify::mmd_p_value(x, real) > 0.001);
  // Sliced Wasserstein: below the largest of 200 pairs of exact draws, the 99.5 % point.
  double most = 0;
  for (std::uint64_t k = 0; k < 200; ++k)
    most = std::max(most, verify::sliced_wasserstein2(truth(400, 1000 + 2 * k),
                                                      truth(400, 1001 + 2 * k), 32, Rng(4)));
  CHECK(verify::sliced_wasserstein2(x, real, 32, Rng(4)) < most);
  CHECK(verify::sliced_wasserstein2(draw(solver::Ddim{}, 400, 6, 1.0f), real, 32, Rng(4)) > most);
}

TEST_CASE("statistics: p-values of samplers are uniform over seeds", "[diffusion][statistics]") {
  // Neither too bad nor too good: a seed that leaks between runs, or a test tuned to one, shows.
  std::vector<double> p;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const auto x = draw(solver::Heun{}, 500, 30, 1.0f, seed);
    std::vector<double> column;
    for (Index i = 0; i < x.dim(0); ++i) column.push_back(double{x(i, 1)});
    p.push_back(verify::ks_p_value(verify::ks_distance(column, [](double v) { return cdf(1, v); }),
                                   x.dim(0)));
  }
  CHECK(verify::ks_p_value(verify::ks_distance(p, [](double v) { return v; }), 100) > 0.001);
}
