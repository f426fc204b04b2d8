// Covers: pointwise/reduce
// Kernels that share their sums among the threads: against double, and the same bits for any number
// of threads.
#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/autograd/ops/dropout.hpp"
#include "foglift/core/rng.hpp"
#include "foglift/kernels/pointwise/reduce.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <limits>

using namespace foglift;

namespace {

/// f() for 1, 2 and 3 threads: a tensor that must not change.
template <class F>
auto for_any_threads(const F& f) {
  const int before = threads();
  set_threads(1);
  const auto one = f();
  for (const int n : {2, 3}) {
    set_threads(n);
    CHECK(f() == one);
  }
  set_threads(before);
  return one;
}

}  // namespace

TEST_CASE("column_sums: agree with double for any rows and threads", "[kernels][reduce]") {
  for (const Index rows : {1, 127, 128, 129, 1000, 5000})
    for (const Index N : {1, 3, 16, 64, 65}) {
      const auto x = Rng(static_cast<std::uint64_t>(rows)).normal<float>({rows, N});
      const auto s = for_any_threads([&] {
        Tensor<float> sums({N});
        kernels::column_sums(rows, N, x.data(), sums.data());
        return sums;
      });
      for (Index j = 0; j < N; ++j) {
        double sum = 0, size = 0;
        for (Index r = 0; r < rows; ++r) {
          sum += static_cast<double>(x(r, j));
          size += std::abs(static_cast<double>(x(r, j)));
        }
        // A term passes through at most 128 + rows / 128 additions, each of half an epsilon.
        const double steps = 128 + static_cast<double>(rows) / 128;
        CHECK(std::abs(static_cast<double>(s[j]) - sum) <=
              0.5 * steps * std::numeric_limits<float>::epsilon() * size);
      }
    }
}

TEST_CASE("sum_to: the same bits for any threads, whichever axes were repeated",
          "[kernels][broadcast]") {
  const Shape out{6, 50, 40};
  const auto dy = Rng(1).normal<float>(out);
  for (const Shape& in : {Shape{6, 1, 40}, Shape{40}, Shape{50, 40}, Shape{6, 1, 1},
                          Shape{6, 50, 1}, Shape{1, 50, 1}, Shape{}, Shape{6, 50, 40}}) {
    const auto dx = for_any_threads([&] {
      Tensor<float> sums(in);
      kernels::sum_to(out, dy.data(), in, sums.data());
      return sums;
    });
    Tensor<double> expected(in);
    const kernels::BroadcastWalk<1> walk(out, {in});
    for (Index row = 0; row < walk.rows(); ++row)
      for (Index i = 0; i < walk.width(); ++i)
        expected[walk.at(row)[0] + i * walk.axes[0].stride[0]] +=
            static_cast<double>(dy[row * walk.width() + i]);
    for (Index i = 0; i < dx.size(); ++i)  // double sums, rounded once
      CHECK_THAT(static_cast<double>(dx[i]), Catch::Matchers::WithinRel(expected[i], 1e-7) ||
                                                 Catch::Matchers::WithinAbs(expected[i], 1e-10));
  }
}

TEST_CASE("dropout and normals: the same bits for any threads", "[kernels][dropout]") {
  const auto x = for_any_threads([] { return Rng(3).normal<float>({9, 700, 3}, 5, 2); });
  const auto y = for_any_threads([&] { return dropout(x, 0.3, Rng(4), 11, 6); });
  for (Index b = 0; b < 9; ++b)
    CHECK(y.rows(b, 1) ==
          dropout(x.rows(b, 1), 0.3, Rng(4), static_cast<std::uint64_t>(11 + b), 6));
}
