// Covers: constraint
#include "diffusion/guidance/fixtures.hpp"
#include "foglift/autograd/ops/reduce.hpp"
#include "foglift/autograd/ops/shape_ops.hpp"
#include "foglift/diffusion/analytic/full_gaussian.hpp"
#include "foglift/diffusion/guidance/constraint.hpp"

using namespace foglift;
using namespace foglift::test;

namespace {

constexpr Index n = 3;
const analytic::FullGaussian data(std::vector<double>{0.3, -0.2, 0.5},
                                  Tensor<double>({n, n}, {1, 0.3, 0, 0.3, 1, 0.2, 0, 0.2, 0.5}));
const Tensor<double> x = Rng(1).normal<double>({4, n});

}  // namespace

TEST_CASE("constraint: of inequalities those count that are violated", "[diffusion][guidance]") {
  const Level l{0.5, 0.6, 0.8};
  const auto plain = data(x, l);
  const auto at_most = [&](double limit) {
    const auto peak = [=](const auto& x0) { return slice(x0, 1, 0, 1) - limit; };
    return (data | guide::Constraint{peak, {.sense = guide::Sense::at_most}})(x, l);
  };
  double least = 1e9, most = -1e9;
  for (Index b = 0; b < 4; ++b)
    least = std::min(least, plain(b, 0)), most = std::max(most, plain(b, 0));
  CHECK(at_most(most + 0.1) == plain);
  const double limit = (least + most) / 2;
  const auto some = at_most(limit);
  for (Index b = 0; b < 4; ++b) {
    if (plain(b, 0) <= limit)
      CHECK(some.rows(b, 1) == plain.rows(b, 1));
    else
      CHECK_THAT(some(b, 0), WithinAbs(limit, 1e-13));
  }
}

TEST_CASE("constraint: one that is said twice counts once", "[diffusion][guidance]") {
  const Level l{0.5, 0.6, 0.8};
  const auto once = [](const auto& x0) { return reshape(sum(x0, 1) - 2.0, {x0.dim(0), 1}); };
  const auto twice = [&](const auto& x0) { return concat({once(x0), once(x0) * 3.0}, 1); };
  const auto a = (data | guide::Constraint{once})(x, l),
             b = (data | guide::Constraint{twice})(x, l);
  CHECK(distance(a, b) < 1e-13);
}
