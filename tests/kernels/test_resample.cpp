// Covers: kernels/resample
#include "foglift/core/rng.hpp"
#include "foglift/kernels/naive/products.hpp"
#include "foglift/kernels/resample.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;

TEST_CASE("resample: agrees with the naive versions and their adjoints", "[kernels][resample]") {
  for (const Index f : {1, 2, 3})
    for (const Shape& s :
         {Shape{1, 1, 1, 1}, Shape{2, 3, 5, 7}, Shape{0, 2, 2, 3}, Shape{3, 1, 4, 33}}) {
      const kernels::ResampleGeometry g{s[0], s[1], s[2], s[3], f, f};
      const Shape fine{s[0], s[1] * f, s[2] * f, s[3]};
      const auto x = Rng(1).normal<double>(s), y = Rng(2).normal<double>(fine);
      Tensor<double> up(fine), pooled(s), up_adjoint(s), pool_adjoint(fine);
      const double share = 1.0 / static_cast<double>(f * f);
      kernels::spread(g, x.data(), 1.0, up.data());
      kernels::gather(g, y.data(), share, pooled.data());
      kernels::gather(g, y.data(), 1.0, up_adjoint.data());
      kernels::spread(g, x.data(), share, pool_adjoint.data());
      CHECK(up == naive::upsample_nearest(x, f));
      const Tensor<double> means = naive::avg_pool(y, f);
      double most = 0, up_dot[2] = {}, pool_dot[2] = {};
      for (Index i = 0; i < x.size(); ++i) {
        most = std::max(most, std::abs(pooled[i] - means[i]));
        up_dot[0] += up_adjoint[i] * x[i];
        pool_dot[0] += x[i] * means[i];
      }
      for (Index i = 0; i < y.size(); ++i) {
        up_dot[1] += y[i] * up[i];
        pool_dot[1] += y[i] * pool_adjoint[i];
      }
      CHECK(most <= 9 * 4 * 2.3e-16);  // at most 9 roundings at numbers below 4
      // <y, up(x)> = <up*(y), x>, <x, pool(y)> = <pool*(x), y>: a few thousand terms of order 1.
      CHECK_THAT(up_dot[0], WithinAbs(up_dot[1], 1e-11));
      CHECK_THAT(pool_dot[0], WithinAbs(pool_dot[1], 1e-11));
    }
}

TEST_CASE("resample: bits do not depend on the threads", "[kernels][resample]") {
  const int before = threads();
  const kernels::ResampleGeometry g{33, 8, 8, 40, 2, 2};
  const auto y = Rng(1).normal<float>({33, 16, 16, 40});
  std::vector<Tensor<float>> pooled, spread;
  for (int n : {1, 2, 3, 4}) {
    set_threads(n);
    pooled.emplace_back(Shape{33, 8, 8, 40});
    spread.emplace_back(y.shape());
    kernels::gather(g, y.data(), 0.3F, pooled.back().data());
    kernels::spread(g, pooled.back().data(), 0.3F, spread.back().data());
    CHECK(pooled.back() == pooled.front());
    CHECK(spread.back() == spread.front());
  }
  set_threads(before);
}
