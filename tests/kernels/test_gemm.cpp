// Covers: gemm gemm/epilogue packet simd tile transpose
#include "foglift/core/rng.hpp"
#include "foglift/kernels/gemm/gemm.hpp"
#include "foglift/kernels/naive/products.hpp"
#include "foglift/kernels/pointwise/reduce.hpp"
#include "kernels/gemm_checks.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <limits>

using namespace foglift;
using test::check_rows, test::product;

namespace {

/// Extents around the vector width, the tile height, the panel width and the cache blocks.
template <class T>
std::vector<Index> extents() {
  constexpr Index panel = kernels::Panels<T>::width;
  return {1, 3, 7, 16, panel - 1, panel, panel + 1};
}

/// Every product is K + 1 roundings of terms of size |a b|, of standard normals: sqrt(K) bounds
/// the sum at a few sigma, and roundings add like eps * K * that.
template <class T>
double tolerance(Index K) {
  const double k = static_cast<double>(K + 1);
  return 4 * std::numeric_limits<T>::epsilon() * k * std::sqrt(k);
}

template <class T>
double distance(const Tensor<T>& a, const Tensor<T>& b) {
  REQUIRE(a.shape() == b.shape());
  double most = 0;
  for (Index i = 0; i < a.size(); ++i)
    most = std::max(most, static_cast<double>(std::abs(a[i] - b[i])));
  return most;
}

}  // namespace

TEMPLATE_TEST_CASE("gemm: agrees with the naive product for all sizes and layouts",
                   "[kernels][gemm]", float, double) {
  using T = TestType;
  std::vector<Index> depths = extents<T>();
  depths.insert(depths.end(), {0, 300});  // nothing to add; more than a cache block
  for (const Index M : extents<T>())
    for (const Index N : extents<T>())
      for (const Index K : depths) {
        INFO(M << " x " << N << " x " << K);
        const auto a = Rng(1).normal<T>({M, K}), b = Rng(2).normal<T>({K, N});
        const auto at = naive::transpose(a), bt = naive::transpose(b);
        const Tensor<T> expected = naive::matmul(a, b), c = product(a, b);
        CHECK(distance(c, expected) <= tolerance<T>(K));
        // The layout of an operand changes no bit.
        using kernels::row_major, kernels::transposed;
        Tensor<T> d({M, N});
        kernels::gemm(M, N, K, transposed(at.data(), M), transposed(bt.data(), K), d.data(), N);
        CHECK(c == d);
        kernels::gemm(M, N, K, row_major(a.data(), K), transposed(bt.data(), K), d.data(), N);
        CHECK(c == d);
      }
}

TEMPLATE_TEST_CASE("gemm: starts from zero or a bias or what is there", "[kernels][gemm]", float,
                   double) {
  using T = TestType;
  for (const Index N : extents<T>())
    for (const Index K : {0, 5, 300}) {
      const Index M = 13;
      const auto a = Rng(1).normal<T>({M, K}), b = Rng(2).normal<T>({K, N});
      const auto bias = Rng(3).normal<T>({N});
      Tensor<T> from_bias = naive::matmul(a, b), from_nine = from_bias;
      for (Index i = 0; i < M; ++i)
        for (Index j = 0; j < N; ++j) {
          from_bias(i, j) += bias[j];
          from_nine(i, j) += 9;
        }
      CHECK(distance(product(a, b, {.bias = bias.data()}), from_bias) <= tolerance<T>(K + 1));
      CHECK(distance(product(a, b, {.accumulate = true}), from_nine) <= tolerance<T>(K + 81));
    }
}

TEMPLATE_TEST_CASE("gemm: last_block what it stores as the separate steps would", "[kernels][gemm]",
                   float, double) {
  using T = TestType;
  const Index M = 13;
  for (const Index N : extents<T>())
    for (const Index K : {0, 5, 300}) {
      const auto a = Rng(1).normal<T>({M, K}), b = Rng(2).normal<T>({K, N});
      const auto residual = Rng(3).normal<T>({M, N + 2}), gate = Rng(4).normal<T>({3, N + 1});
      const Tensor<T> plain = product(a, b);
      for (const Activation f : {Activation::none, Activation::silu, Activation::gelu})
        for (const int kind : {0, 1, 2, 3}) {  // no residual, a residual, a gate, gates of 5 rows
          kernels::GemmEpilogue<T> epilogue{.activation = f};
          if (kind > 0) epilogue.residual = residual.data(), epilogue.residual_stride = N + 2;
          if (kind > 1) epilogue.gate = gate.data();
          if (kind > 2) epilogue.gate_stride = N + 1, epilogue.gate_rows = 5;
          Tensor<T> expected = plain;
          if (f == Activation::silu)
            kernels::apply<kernels::Silu>(M * N, plain.data(), expected.data());
          if (f == Activation::gelu)
            kernels::apply<kernels::Gelu>(M * N, plain.data(), expected.data());
          for (Index i = 0; i < M; ++i)
            for (Index j = 0; j < N && kind > 0; ++j) {
              const T g = kind == 1 ? T(1) : gate(kind == 2 ? 0 : i / 5, j);
              // Fused where there is a gate, if the machine can.
              expected(i, j) =
                  kernels::fold_lanes(fma(kernels::Lanes<T>(g), kernels::Lanes<T>(expected(i, j)),
                                          kernels::Lanes<T>(residual(i, j))),
                                      [](auto x, auto) { return x; });
            }
          CHECK(product(a, b, {.epilogue = epilogue}) == expected);
        }
    }
}

TEMPLATE_TEST_CASE("gemm: writes nothing beside its columns", "[kernels][gemm]", float, double) {
  using T = TestType;
  for (const Index N : extents<T>()) {
    const Index M = 13, ldc = N + 3;
    const auto a = Rng(1).normal<T>({M, 4}), b = Rng(2).normal<T>({4, N});
    Tensor<T> c({M, ldc}, T(9));
    kernels::gemm(M, N, Index{4}, kernels::row_major(a.data(), 4), kernels::row_major(b.data(), N),
                  c.data(), ldc);
    bool untouched = true;
    for (Index i = 0; i < M; ++i)
      for (Index j = N; j < ldc; ++j) untouched = untouched && c(i, j) == 9;
    CHECK(untouched);
  }
}

TEMPLATE_TEST_CASE("gemm: a row has the same bits in any batch and for any threads",
                   "[kernels][gemm]", float, double) {
  // 16 M multiply-adds, cut for four threads by rows or by panels; and a small one.
  check_rows<TestType>({{330, 97, 520}, {33, 997, 510}, {33, 19, 7}});
}

TEST_CASE("gemm: pointer alignment changes no bit", "[kernels][gemm]") {
  const Index M = 9, N = 37, K = 21;
  const auto a = Rng(1).normal<float>({M, K}), b = Rng(2).normal<float>({K, N});
  const Tensor<float> c = product(a, b);
  Tensor<float> a1({M * K + 1}), b1({K * N + 1}), c1({M * N + 1});
  std::copy_n(a.data(), M * K, a1.data() + 1);
  std::copy_n(b.data(), K * N, b1.data() + 1);
  kernels::gemm(M, N, K, kernels::row_major<float>(a1.data() + 1, K),
                kernels::row_major<float>(b1.data() + 1, N), c1.data() + 1, N);
  CHECK(std::equal(c.begin(), c.end(), c1.begin() + 1));
}

TEST_CASE("column_sums: adds rows in ascending order", "[kernels][gemm]") {
  // In this order 1e8 swallows the first 1 and not the last.
  const Tensor<float> x({4, 2}, {1, 2, 1e8F, 0, -1e8F, 0, 1, 3});
  Tensor<float> s({2});
  kernels::column_sums(Index{4}, Index{2}, x.data(), s.data());
  CHECK(s == Tensor<float>({2}, {1, 5}));
}
