// Covers: trend_season
#include "foglift/nn/blocks/trend_season.hpp"
#include "nn/module_checks.hpp"

#include <cmath>
#include <complex>
#include <numbers>

using namespace foglift;

namespace {

constexpr double tau = 2 * std::numbers::pi;

/// The season by its definition: complex coefficients, the `kept` largest of them, cosines with
/// their amplitudes and phases.
std::vector<double> naive_season(const std::vector<double>& x, std::size_t kept) {
  const auto L = static_cast<double>(x.size());
  std::vector<std::pair<double, std::size_t>> size;
  std::vector<std::complex<double>> spectrum(x.size());
  for (std::size_t k = 1; 2 * k < x.size(); ++k) {
    for (std::size_t t = 0; t < x.size(); ++t)
      spectrum[k] += std::polar(x[t], -tau * static_cast<double>(k * t) / L);
    size.emplace_back(-std::abs(spectrum[k]), k);
  }
  std::sort(size.begin(), size.end());
  std::vector<double> out(x.size());
  for (std::size_t i = 0; i < kept; ++i) {
    const auto k = size[i].second;
    for (std::size_t t = 0; t < x.size(); ++t)
      out[t] += 2 * std::abs(spectrum[k]) / L *
                std::cos(tau * static_cast<double>(k * t) / L + std::arg(spectrum[k]));
  }
  return out;
}

}  // namespace

TEST_CASE("trend_season: the trend is a polynomial of its coefficients", "[nn][trend_season]") {
  Rng rng(1);
  nn::TrendBlock<double> block({.length = 9, .width = 4, .out = 2}, rng);
  const auto c = Rng(2).normal<double>({3, 3, 2});
  const auto y = block.synthesis(c);
  REQUIRE(y.shape() == Shape{3, 9, 2});
  for (Index b = 0; b < 3; ++b)
    for (Index i = 0; i < 9; ++i)
      for (Index k = 0; k < 2; ++k) {
        const double t = static_cast<double>(i + 1) / 10;
        const double v = t * (c(b, 0, k) + t * (c(b, 1, k) + t * c(b, 2, k)));
        CHECK_THAT(y(b, i, k), WithinAbs(v, 1e-14 * 8));
      }
  // Whatever the input: fourth differences of a cubic are 0, third ones are not.
  test::randomize(block, 3);
  const auto any = block(Rng(4).normal<double>({1, 9, 4}));
  for (Index i = 4; i < 9; ++i) {
    const auto at = [&](Index j) { return any(0, i - j, 1); };
    CHECK_THAT(at(0) - 4 * at(1) + 6 * at(2) - 4 * at(3) + at(4), WithinAbs(0, 1e-13));
    CHECK(std::abs(at(0) - 3 * at(1) + 3 * at(2) - at(3)) > 1e-5);
  }
}

TEST_CASE("trend_season: the trend is a module", "[nn][trend_season]") {
  Rng rng(1);
  const auto x = Rng(2).normal<double>({2, 5, 4});
  test::check_module(nn::TrendBlock<double>({.length = 5, .width = 4, .out = 3}, rng),
                     [&](const auto& m, const auto& in) { return m(in(x)); });
  const nn::TrendBlock<float> block({.length = 5, .width = 4, .out = 3}, rng);
  test::check_batches([&](const Tensor<float>& v) { return block(v); },
                      Rng(2).normal<float>({4, 5, 4}));
  CHECK_THROWS_AS(nn::TrendBlock<float>({.length = 5, .width = 4, .out = 3, .degree = 0}, rng),
                  ArgumentError);
}

TEST_CASE("trend_season: the Fourier basis is orthonormal", "[nn][trend_season]") {
  for (const Index n : {1, 2, 3, 7, 12}) {
    const auto basis = nn::fourier_basis<double>(n);
    for (Index i = 0; i < n; ++i)
      for (Index j = 0; j < n; ++j) {
        double sum = 0;
        for (Index t = 0; t < n; ++t) sum += basis(t, i) * basis(t, j);
        CHECK_THAT(sum, WithinAbs(i == j ? 1 : 0, 1e-14));
      }
  }
}

TEST_CASE("trend_season: a season of few waves is kept as it is, the mean is not",
          "[nn][trend_season]") {
  for (const Index L : {12, 13, 24}) {
    const nn::SeasonBlock<double> block({.length = L, .frequencies = 2});
    Tensor<double> x({1, 1, L}), waves({1, 1, L});
    for (Index t = 0; t < L; ++t) {
      const double at = tau * static_cast<double>(t) / static_cast<double>(L);
      waves[t] = 1.5 * std::cos(2 * at + 0.3) - 0.7 * std::sin(5 * at);
      x[t] = 4 + waves[t];
    }
    const auto y = block(x);
    for (Index t = 0; t < L; ++t) CHECK_THAT(y[t], WithinAbs(waves[t], 1e-13));
  }
}

TEST_CASE("trend_season: of any series the largest waves are kept", "[nn][trend_season]") {
  for (const Index L : {3, 11, 24}) {
    const Index kept = std::max<Index>(1, static_cast<Index>(std::log((L - 1) / 2)));
    const nn::SeasonBlock<double> block({.length = L});
    const auto x = Rng(5).normal<double>({2, 3, L});
    const auto y = block(x);
    for (Index row = 0; row < 6; ++row) {
      const auto naive = naive_season({x.data() + row * L, x.data() + (row + 1) * L},
                                      static_cast<std::size_t>(kept));
      for (Index t = 0; t < L; ++t)
        CHECK_THAT(y[row * L + t], WithinAbs(naive[static_cast<std::size_t>(t)], 1e-13));
    }
  }
  CHECK_THROWS_AS(nn::SeasonBlock<float>({.length = 2}), ArgumentError);
  CHECK_THROWS_AS(nn::SeasonBlock<float>({.length = 9, .frequencies = 5}), ArgumentError);
}
