#include "foglift/core/rng.hpp"
#include "foglift/kernels/attention.hpp"
#include "foglift/kernels/naive_products.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <limits>

using namespace foglift;

namespace {

template <class T>
struct Inputs {
  kernels::AttentionGeometry g;
  Tensor<T> q, k, v, mask;

  explicit Inputs(const kernels::AttentionGeometry& geometry)
      : g(geometry),
        q(Rng(1).normal<T>({g.B, g.N, g.heads * g.d})),
        k(Rng(2).normal<T>({g.B, g.M, g.heads * g.d})),
        v(Rng(3).normal<T>({g.B, g.M, g.heads * g.dv})),
        mask(Rng(4).uniform<T>({g.B, g.N, g.M})) {
    for (T& m : mask) m = m < T(0.4) ? T(0) : T(1);
    if (g.B > 0 && g.N > 1)
      for (Index m = 0; m < g.M; ++m) mask(0, 1, m) = 0;  // one query with nothing to attend
  }

  kernels::AttentionMask<T> view(bool masked) const {
    return masked ? kernels::AttentionMask<T>{mask.data(), g.N * g.M, g.M}
                  : kernels::AttentionMask<T>{};
  }
};

template <class T>
Tensor<T> forward(const Inputs<T>& in, bool masked, Tensor<T>* lse = nullptr) {
  Tensor<T> y({in.g.B, in.g.N, in.v.dim(2)}, T(9));
  if (lse) *lse = Tensor<T>({in.g.B, in.g.heads, in.g.N});
  kernels::attention<T>(in.g, in.q.data(), in.k.data(), in.v.data(), in.view(masked), y.data(),
                        lse ? lse->data() : nullptr);
  return y;
}

template <class T>
std::vector<Tensor<T>> backward(const Inputs<T>& in, bool masked) {
  Tensor<T> lse;
  const auto dy = Rng(5).normal<T>(forward(in, masked, &lse).shape());
  std::vector<Tensor<T>> d{in.q, in.k, in.v};
  kernels::attention_backward<T>(in.g, in.q.data(), in.k.data(), in.v.data(), in.view(masked),
                                 lse.data(), dy.data(), d[0].data(), d[1].data(), d[2].data());
  return d;
}

}  // namespace

TEMPLATE_TEST_CASE("attention: agrees with the naive version", "[kernels][attention]", float,
                   double) {
  using T = TestType;
  // 48 queries are a tile: below, at, above it, and several of them.
  for (const Index N : {1, 7, 47, 48, 49, 110})
    for (const Index M : {1, 3, 16, 65})
      for (const auto& [heads, d, dv] : {std::array<Index, 3>{1, 1, 1}, {2, 8, 16}, {3, 5, 7}})
        for (const bool masked : {false, true}) {
          const Inputs<T> in({2, N, M, heads, d, dv});
          const auto expected =
              naive::attention(in.q, in.k, in.v, heads, masked ? &in.mask : nullptr);
          const Tensor<T> y = forward(in, masked);
          REQUIRE(y.shape() == expected.shape());
          double most = 0;
          for (Index i = 0; i < y.size(); ++i)
            most = std::max(most, std::abs(static_cast<double>(y[i] - expected[i])));
          // Scores below 20 with 9 roundings each give weights a relative error of 200 eps; the
          // convex combination of values below 5 multiplies it by 5.
          CHECK(most <= 1000 * std::numeric_limits<T>::epsilon());
        }
}

TEST_CASE("attention: survives scores that overflow the exponential", "[kernels][attention]") {
  const kernels::AttentionGeometry g{1, 1, 2, 1, 1, 1};
  const Tensor<float> q({1}, 1000.F), k({2}, {1, 2}), v({2}, {3, 5});
  float y = 0;
  kernels::attention<float>(g, q.data(), k.data(), v.data(), {}, &y, nullptr);
  CHECK(y == 5);  // the weights are e^-1000 and 1
}

TEST_CASE("attention: not a number reaches the output of its query alone", "[kernels][attention]") {
  Inputs<float> in({1, 3, 5, 1, 4, 4});
  const Tensor<float> clean = forward(in, false);
  in.q(0, 1, 2) = std::numeric_limits<float>::quiet_NaN();
  const Tensor<float> y = forward(in, false);
  for (Index c = 0; c < 4; ++c) {
    CHECK(y(0, 0, c) == clean(0, 0, c));
    CHECK(std::isnan(y(0, 1, c)));
    CHECK(y(0, 2, c) == clean(0, 2, c));
  }
}

TEST_CASE("attention: bits depend on neither batch nor threads", "[kernels][attention]") {
  const int before = threads();
  for (const bool masked : {false, true}) {
    const Inputs<float> in({33, 100, 65, 2, 16, 24});
    set_threads(1);
    const Tensor<float> y = forward(in, masked);
    const auto gradients = backward(in, masked);
    for (int n : {2, 3, 4}) {
      set_threads(n);
      CHECK(forward(in, masked) == y);
      CHECK(backward(in, masked) == gradients);
    }
    for (const Index rows : {1, 7, 16})
      for (Index first = 0; first + rows <= 33; first += 13) {
        Inputs<float> part({rows, 100, 65, 2, 16, 24});
        part.q = in.q.rows(first, rows);
        part.k = in.k.rows(first, rows);
        part.v = in.v.rows(first, rows);
        part.mask = in.mask.rows(first, rows);
        CHECK(forward(part, masked) == y.rows(first, rows));
      }
  }
  set_threads(before);
}
