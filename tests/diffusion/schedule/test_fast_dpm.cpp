// Covers: fast_dpm text
#include "foglift/diffusion/grid/fast_dpm.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;
using grid::Spread;

namespace {
std::vector<Index> visited(const TimeGrid& g, double T) {
  std::vector<Index> out;
  for (const Level& l : g)
    if (l.sigma > 0) out.push_back(static_cast<Index>(std::lround(l.t * T)) - 1);
  return out;
}
}  // namespace

TEST_CASE("fast dpm: subsets of steps", "[diffusion][grid]") {
  const auto chain = DiscreteSchedule::linear(1000);
  CHECK(visited(grid::fast_dpm_steps(chain, 10), 1000) ==
        std::vector<Index>{999, 888, 777, 666, 555, 444, 333, 222, 111, 0});
  CHECK(visited(grid::fast_dpm_steps(chain, 4, Spread::quadratic), 1000) ==
        std::vector<Index>{999, 444, 111, 0});
  CHECK(visited(grid::fast_dpm_steps(chain, 1), 1000) == std::vector<Index>{999});
  CHECK_THROWS_AS(grid::fast_dpm_steps(chain, 900, Spread::quadratic), ArgumentError);
  CHECK_THROWS_AS(grid::fast_dpm_steps(chain, 0), ArgumentError);
}

TEST_CASE("fast dpm: a shorter chain of variances", "[diffusion][grid]") {
  const auto chain = DiscreteSchedule::linear(200, {1e-4, 0.1});
  for (const auto spread : {Spread::linear, Spread::quadratic})
    for (const Index n : {2, 3, 10, 50}) {
      const auto g = grid::fast_dpm_variances(chain, n, spread);
      CHECK(static_cast<Index>(g.size()) == n + 1);
      CHECK(g.back() == grid::clean);
      // The same signal is left at its end, at the chain's last time.
      CHECK_THAT(g.front().alpha, WithinRel(std::exp(0.5 * chain.log_alpha_bar(199)), 1e-10));
      CHECK_THAT(g.front().t, WithinAbs(1, 1e-9));
      std::vector<double> eta;  // from the last noisy level on
      double before = 1;
      for (Index i = n; i-- > 0;) {
        const Level& l = g[static_cast<std::size_t>(i)];
        eta.push_back(1 - l.alpha * l.alpha / before);
        before = l.alpha * l.alpha;
        CHECK_THAT(chain.at(l.t).alpha, WithinRel(l.alpha, 1e-9));
      }
      CHECK_THAT(eta[0], WithinRel(1e-4, 1e-8));
      // Equal steps of the variances or of their roots; a root of 1e-4 keeps 10 digits.
      const auto f = [&](double v) { return spread == Spread::linear ? v : std::sqrt(v); };
      for (std::size_t i = 2; i < eta.size(); ++i)
        CHECK_THAT(f(eta[i]) - f(eta[i - 1]), WithinAbs(f(eta[1]) - f(eta[0]), 1e-8));
    }
  CHECK(grid::fast_dpm_variances(chain, 1).front() == chain.step(199));
  // 900 variances of the first beta of a longer chain leave less than it does.
  CHECK_THROWS_AS(grid::fast_dpm_variances(DiscreteSchedule::linear(3, {0.1, 0.11}), 9),
                  ArgumentError);
}
