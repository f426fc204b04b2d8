// Covers: expert
#include "diffusion/guidance/fixtures.hpp"
#include "foglift/diffusion/analytic/gaussian.hpp"
#include "foglift/diffusion/guidance/expert.hpp"

#include <limits>

using namespace foglift;
using namespace foglift::test;

namespace {

constexpr double prior = 1.7, error = 0.4, nothing = std::numeric_limits<double>::quiet_NaN();
const std::vector<double> mean = {0.5, -1, 2};
const analytic::Gaussian data(mean, {prior, prior, prior});
/// An expert on the first and the last of three elements.
const solver::Known<double> said{Tensor<double>({1, 3}, {1.5, nothing, -0.5}),
                                 Tensor<double>({1, 3}, {1, 0, 1})};
const Tensor<double> x = Rng(1).normal<double>({4, 3});

}  // namespace

TEST_CASE("expert: the mean given the state and what the expert says", "[diffusion][guidance]") {
  const auto guided = data | guide::Expert{said, {.variance = error, .prior = prior}};
  for (const Level& l : all_levels) {
    const auto x0 = guided(x, l), plain = data(x, l);
    if (l.sigma == 0) {
      CHECK(x0 == plain);
      continue;
    }
    for (Index b = 0; b < 4; ++b)
      for (Index i = 0; i < 3; ++i) {
        // Precisions of the law, of the state and of the expert add up.
        const double a = 1 / prior, s = l.alpha * l.alpha / (l.sigma * l.sigma);
        const double e = i == 1 ? 0 : 1 / error, y = i == 1 ? 0 : said.values[i];
        const double m = mean[static_cast<std::size_t>(i)];
        const double of_x = l.alpha * x(b, i) / (l.sigma * l.sigma);
        const double truth = (a * m + of_x + e * y) / (a + s + e);
        CHECK_THAT(x0(b, i), WithinAbs(truth, 1e-13));
      }
  }
}

TEST_CASE("expert: each sample has its level, and a weight counts", "[diffusion][guidance]") {
  const auto guided = data | guide::Expert{said, {.prior = prior, .weight = 2}};
  const auto once = data | guide::Expert{said, {.prior = prior}};
  const std::vector<Level> each{{0.5, 0.6, 0.8}, {0.9, 0.1, 1}, {1, 0, 1}, {0, 1, 0}};
  const auto x0 = guided(x, each), half = once(x, each), plain = data(x, each);
  for (Index b = 0; b < 4; ++b) {
    CHECK(x0.rows(b, 1) == guided(x.rows(b, 1), each[static_cast<std::size_t>(b)]));
    for (Index i = 0; i < 3; ++i)
      CHECK_THAT(x0(b, i) - plain(b, i), WithinAbs(2 * (half(b, i) - plain(b, i)), 1e-13));
  }
  CHECK_THROWS_AS((guide::Expert{said, {.variance = 0}}), ArgumentError);
  CHECK_THROWS_AS((guide::Expert{said, {.prior = -1}}), ArgumentError);
  CHECK_THROWS_AS((guide::Expert{said, {.weight = INFINITY}}), ArgumentError);
  CHECK_THROWS_AS(guided(Tensor<double>({4, 2}), each[0]), ShapeError);
}
