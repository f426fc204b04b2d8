// Covers: probe/attack ssim
#include "foglift/autograd/gradcheck.hpp"
#include "foglift/probe/attack.hpp"
#include "foglift/probe/ssim.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <limits>

using namespace foglift;

TEST_CASE("PGD: against a linear loss it ends in the corner of the ball", "[probe][attack]") {
  const auto x = Rng(1).uniform<double>({2, 5}), w = Rng(2).normal<double>({2, 5});
  Index asked = 0;
  const auto at = probe::pgd(x,
                             [&](const Tensor<double>&, Index draw) {
                               CHECK(draw == asked++);
                               return w;
                             },
                             Rng(3), {.radius = 0.2, .step = 0.05, .steps = 9});
  CHECK(asked == 9);
  for (Index i = 0; i < 10; ++i)
    CHECK_THAT(at[i], WithinAbs(std::clamp(x[i] + (w[i] > 0 ? 0.2 : -0.2), 0.0, 1.0), 1e-12));
}

TEST_CASE("PGD: the mean of gradients is followed, not the last", "[probe][attack]") {
  const Tensor<double> x({1, 1}, 0.5);
  const auto noisy = [](const Tensor<double>& at, Index draw) {  // 1, 1, -1.5 in turn
    return Tensor<double>(at.shape(), draw % 3 == 2 ? -1.5 : 1.0);
  };
  const probe::PgdOptions o{.radius = 0.1, .step = 0.03, .steps = 6, .random_start = false};
  auto three = o;
  three.draws = 3;
  CHECK_THAT(probe::pgd(x, noisy, Rng(1), three)[0], WithinAbs(0.6, 1e-12));
  CHECK_THAT(probe::pgd(x, noisy, Rng(1), o)[0], WithinAbs(0.56, 1e-12));  // + + - + + -
}

TEST_CASE("PGD: stays in the ball and starts anywhere in it", "[probe][attack]") {
  const Tensor<double> x({1, 100}, 0.05);
  const auto none = [](const Tensor<double>& at, Index) { return Tensor<double>(at.shape()); };
  const auto at = probe::pgd(x, none, Rng(4), {.radius = 0.1, .steps = 1});
  double low = 1, high = 0;
  for (const double v : at) low = std::min(low, v), high = std::max(high, v);
  CHECK(low == 0);
  CHECK(high > 0.13);
  CHECK(high <= 0.15);
}

TEST_CASE("SSIM: 1 of the same, a closed form of constants", "[probe][ssim]") {
  const auto x = Rng(1).uniform<double>({2, 6, 5, 3});
  CHECK_THAT(probe::ssim(x, x).item(), WithinRel(1.0, 1e-12));
  const Tensor<double> a({1, 4, 4, 1}, 0.3), b({1, 4, 4, 1}, 0.7);
  const double c1 = 1e-4 * 4;
  CHECK_THAT(probe::ssim(a, b).item(), WithinRel((2 * 0.21 + c1) / (0.09 + 0.49 + c1), 1e-10));
}

TEST_CASE("SSIM: by its definition at every position", "[probe][ssim]") {
  const auto x = Rng(2).uniform<double>({1, 7, 2}), y = Rng(3).uniform<double>({1, 7, 2});
  const double sigma = 1.1, c1 = 1e-4, c2 = 9e-4;
  double total = 0;
  for (Index c = 0; c < 2; ++c)
    for (Index i = 0; i < 7; ++i) {
      double sum = 0, mx = 0, my = 0, xx = 0, yy = 0, xy = 0;
      for (Index j = 0; j < 7; ++j) sum += std::exp(-0.5 * std::pow(double(i - j) / sigma, 2));
      for (Index j = 0; j < 7; ++j) {
        const double w = std::exp(-0.5 * std::pow(double(i - j) / sigma, 2)) / sum;
        mx += w * x(0, j, c), my += w * y(0, j, c);
      }
      for (Index j = 0; j < 7; ++j) {
        const double w = std::exp(-0.5 * std::pow(double(i - j) / sigma, 2)) / sum;
        const double dx = x(0, j, c) - mx, dy = y(0, j, c) - my;
        xx += w * dx * dx, yy += w * dy * dy, xy += w * dx * dy;
      }
      total += (2 * mx * my + c1) * (2 * xy + c2) / ((mx * mx + my * my + c1) * (xx + yy + c2));
    }
  CHECK_THAT(probe::ssim(x, y, {.range = 1, .sigma = sigma}).item(), WithinRel(total / 14, 1e-10));
}

TEST_CASE("SSIM: its gradient is that of finite differences", "[probe][ssim]") {
  const auto x = Rng(4).uniform<double>({1, 4, 3, 2}), y = Rng(5).uniform<double>({1, 4, 3, 2});
  Tape<double> tape;
  const auto at = tape.variable(x);
  const auto gradients = tape.backward(probe::ssim(at, y));
  const Tensor<double>& g = *gradients.find(at);
  for (Index i = 0; i < x.size(); ++i) {
    Tensor<double> up = x, down = x;
    up[i] += 1e-5, down[i] -= 1e-5;
    // Differences of numbers of order 1 lose eps / 1e-5; the third derivative adds some 1e-10
    // c2^-2.
    CHECK_THAT(g[i],
               WithinAbs((probe::ssim(up, y).item() - probe::ssim(down, y).item()) / 2e-5, 1e-6));
  }
}

TEST_CASE("attack: wrong arguments are refused", "[probe][attack]") {
  const Tensor<double> x({1, 2});
  const auto flat = [](const Tensor<double>& at, Index) { return Tensor<double>(at.shape()); };
  const auto wrong = [](const Tensor<double>&, Index) { return Tensor<double>({1, 3}); };
  const auto nan = [](const Tensor<double>& at, Index) {
    return Tensor<double>(at.shape(), std::numeric_limits<double>::quiet_NaN());
  };
  CHECK_THROWS_AS(probe::pgd(x, flat, Rng(1), {.radius = 0}), ArgumentError);
  CHECK_THROWS_AS(probe::pgd(x, flat, Rng(1), {.draws = 0}), ArgumentError);
  CHECK_THROWS_AS(probe::pgd(x, wrong, Rng(1)), ShapeError);
  CHECK_THROWS_AS(probe::pgd(x, nan, Rng(1)), NumericError);
  CHECK_THROWS_AS(probe::ssim(Tensor<double>({1, 2, 1}), Tensor<double>({1, 3, 1})), ShapeError);
  CHECK_THROWS_AS(probe::ssim(Tensor<double>({1, 2, 1}), Tensor<double>({1, 2, 1}), {.range = 0}),
                  ArgumentError);
}
