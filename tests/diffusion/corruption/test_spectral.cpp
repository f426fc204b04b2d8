// Covers: spectral
#include "foglift/diffusion/corruption/gaussian.hpp"
#include "foglift/diffusion/corruption/spectral.hpp"
#include "foglift/diffusion/grid.hpp"
#include "foglift/diffusion/restore.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "foglift/diffusion/solver/ddpm.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <numbers>
#include <vector>

using namespace foglift;

namespace {

constexpr Index B = 4000;
const Shape shape{B, 4, 3, 1};  // 12 frequencies
const schedule::Cosine cosine;

/// Mean and variance over the batch of each number of the cosine transform.
struct Spectrum {
  std::vector<double> mean = std::vector<double>(12), variance = std::vector<double>(12);
  explicit Spectrum(const Tensor<double>& x) {
    const auto z = dct(dct(x, 1), 2);
    for (std::size_t k = 0; k < 12; ++k) {
      for (Index b = 0; b < B; ++b) mean[k] += z[b * 12 + Index(k)] / B;
      for (Index b = 0; b < B; ++b) variance[k] += std::pow(z[b * 12 + Index(k)] - mean[k], 2) / B;
    }
  }
};

/// Independent normal numbers of the transform: the mean 1 / (k + 1), variance 2 / (k + 1)^2.
double data_mean(std::size_t k) { return 1 / double(k + 1); }
double data_variance(std::size_t k) { return 2 / std::pow(double(k + 1), 2); }
Tensor<double> data() {
  auto z = Rng(1).normal<double>(shape);
  for (Index i = 0; i < z.size(); ++i) {
    const auto k = static_cast<std::size_t>(i % 12);
    z[i] = data_mean(k) + std::sqrt(data_variance(k)) * z[i];
  }
  return idct(idct(z, 1), 2);
}

void check_law(const Spectrum& found, const std::vector<Level>& at) {
  for (std::size_t k = 0; k < 12; ++k) {
    const double mean = at[k].alpha * data_mean(k);
    const double variance =
        at[k].alpha * at[k].alpha * data_variance(k) + at[k].sigma * at[k].sigma;
    INFO("frequency " << k);
    CHECK_THAT(found.mean[k], WithinAbs(mean, 4 * std::sqrt(variance / B)));
    CHECK_THAT(found.variance[k], WithinRel(variance, 4 * std::sqrt(2.0 / B)));
  }
}

/// E[x0 given x] of the data.
template <class C>
auto exact(const C& corruption) {
  return [&corruption](const Tensor<double>& x, const Level& level) {
    const auto at = corruption.levels(level, x.shape());
    auto z = dct(dct(x, 1), 2);
    for (Index i = 0; i < z.size(); ++i) {
      const auto k = static_cast<std::size_t>(i % 12);
      const double v = data_variance(k), a = at[k].alpha, s = at[k].sigma;
      z[i] = data_mean(k) + a * v / (a * a * v + s * s) * (z[i] - a * data_mean(k));
    }
    return idct(idct(z, 1), 2);
  };
}

}  // namespace

TEST_CASE("spectral: frequencies fade as heat does, and noise has its colour", "[corruption]") {
  const corruption::Blur blur{.width = 3, .least = 0.01};
  const Level l = cosine.at(0.4);
  const double b = 3 * std::pow(std::sin(std::numbers::pi * 0.2), 2);
  const Level at = blur(l, 1.2);
  CHECK_THAT(at.alpha, WithinRel(l.alpha * (0.99 * std::exp(-0.72 * b * b) + 0.01), 1e-14));
  CHECK((at.sigma == l.sigma && blur(l, 0).alpha == l.alpha));
  CHECK(blur(cosine.at(0), 2) == cosine.at(0));
  const corruption::Coloured colour{.power = 2, .corner = 0.5};
  CHECK_THAT(colour(l, 0.5).sigma, WithinRel(l.sigma / 4, 1e-14));
  // frequencies of an image: pi (i / H, j / W), row by row
  const corruption::Spectral<double, corruption::Coloured> coloured(colour);
  const auto all = coloured.levels(l, shape);
  REQUIRE(all.size() == 12);
  CHECK(all[5] == colour(l, std::numbers::pi * std::hypot(1.0 / 4, 2.0 / 3)));
}

TEST_CASE("spectral: states have each frequency's law, one level for each sample", "[corruption]") {
  const corruption::Spectral<double, corruption::Blur> blur({.width = 1.5});
  const Level l = cosine.at(0.5);
  const std::vector<Level> each(static_cast<std::size_t>(B), l);
  check_law(Spectrum(blur.corrupt(data(), Levels(each), StepRng(Rng(2), 0, 0))),
            blur.levels(l, shape));
  // without an extra law it is the Gaussian corruption, in another basis
  const corruption::Spectral<double, corruption::Blur> plain({.width = 0});
  const auto found = plain.corrupt(data(), l, StepRng(Rng(2), 0, 0));
  const auto there = dct(dct(data(), 1), 2);
  const auto other =
      idct(idct(corruption::Gaussian<double>{}.corrupt(there, l, StepRng(Rng(2), 0, 0)), 1), 2);
  double worst = 0;
  for (Index i = 0; i < found.size(); ++i) worst = std::max(worst, std::abs(found[i] - other[i]));
  CHECK(worst < 1e-13);
}

TEST_CASE("spectral: a step that knows the data leads from law to law", "[corruption]") {
  const auto clean = data();
  const Level from = cosine.at(0.7), to = cosine.at(0.3);
  const auto check = [&](const auto& corruption) {
    const auto x = corruption.corrupt(clean, from, StepRng(Rng(3), 0, 0));
    check_law(Spectrum(corruption.back(x, clean, from, to, StepRng(Rng(4), 0, 1))),
              corruption.levels(to, shape));
  };
  check(corruption::Spectral<double, corruption::Blur>({.width = 1.5}));
  check(corruption::Spectral<double, corruption::Blur, solver::Ddpm>({.width = 1.5}));
  check(corruption::Spectral<double, corruption::Coloured, solver::Ddpm>());
}

TEST_CASE("spectral: runs with the exact predictor recover the data's law", "[corruption]") {
  // Variances by the recursion x' = keep x + pull x0 + fresh z of each frequency, and the data's
  // where steps are many: of first order.
  const auto variance = [](const auto& corruption, const TimeGrid& grid, std::size_t k,
                           bool noisy) {
    double out = 0;
    for (std::size_t i = 0; i + 1 < grid.size(); ++i) {
      const Level from = corruption.levels(grid[i], shape)[k];
      const Level to = corruption.levels(grid[i + 1], shape)[k];
      const double v = data_variance(k), r = std::pow(to.ratio() / from.ratio(), 2);
      const double gain = from.alpha * v / (from.alpha * from.alpha * v + from.sigma * from.sigma);
      const double keep = noisy ? r * to.alpha / from.alpha : to.sigma / from.sigma;
      const double pull = to.alpha - keep * from.alpha;
      const double fresh = noisy ? to.sigma * std::sqrt(1 - r) : 0;
      if (i == 0) out = from.sigma * from.sigma;
      out = std::pow(keep + pull * gain, 2) * out + fresh * fresh;
    }
    return out;
  };
  const auto check = [&](const auto& corruption, bool noisy) {
    // it begins a little before pure noise, where the posterior's share is 0 / 0
    const auto grid = [](Index steps) { return grid::uniform(cosine, steps, {.first = 0.999}); };
    const Spectrum found(restore(corruption, exact(corruption), shape, grid(60), Rng(5)));
    for (std::size_t k = 0; k < 12; ++k) {
      INFO("frequency " << k);
      const double expected = variance(corruption, grid(60), k, noisy), v = data_variance(k);
      CHECK_THAT(found.variance[k], WithinRel(expected, 4 * std::sqrt(2.0 / B)));
      const double coarse = std::abs(expected / v - 1);
      const double fine = std::abs(variance(corruption, grid(600), k, noisy) / v - 1);
      CHECK(fine < 0.3 * coarse + 0.01);
    }
  };
  check(corruption::Spectral<double, corruption::Blur, solver::Ddpm>({.width = 1}), true);
  check(corruption::Spectral<double, corruption::Coloured>(), false);
}

TEST_CASE("spectral: states without space are refused", "[corruption]") {
  const corruption::Spectral<double, corruption::Blur> blur;
  CHECK_THROWS_AS(blur.corrupt(Tensor<double>({3, 4}), cosine.at(0.5), StepRng(Rng(1), 0, 0)),
                  ShapeError);
}
