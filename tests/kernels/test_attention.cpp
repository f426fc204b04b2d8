// Covers: attention/attention attention/backward products
#include "foglift/core/rng.hpp"
#include "foglift/kernels/attention/backward.hpp"
#include "foglift/kernels/naive/products.hpp"
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

/// All channels of x [B, N, C].
template <class T, class X>
kernels::Tokens<T> tokens(X& x) {
  return {x.data(), x.dim(2)};
}

template <class T>
Tensor<T> forward(const Inputs<T>& in, bool masked, Tensor<T>* lse = nullptr) {
  Tensor<T> y({in.g.B, in.g.N, in.v.dim(2)}, T(9));
  if (lse) *lse = Tensor<T>({in.g.B, in.g.heads, in.g.N});
  kernels::attention<T>(in.g, tokens<const T>(in.q), tokens<const T>(in.k), tokens<const T>(in.v),
                        in.view(masked), tokens<T>(y), lse ? lse->data() : nullptr);
  return y;
}

template <class T>
std::vector<Tensor<T>> backward(const Inputs<T>& in, const Tensor<T>& dy, bool masked,
                                const Tensor<T>& lse) {
  std::vector<Tensor<T>> d{in.q, in.k, in.v};
  kernels::attention_backward<T>(
      in.g, tokens<const T>(in.q), tokens<const T>(in.k), tokens<const T>(in.v), in.view(masked),
      lse.data(), tokens<const T>(dy), tokens<T>(d[0]), tokens<T>(d[1]), tokens<T>(d[2]));
  return d;
}
template <class T>
std::vector<Tensor<T>> backward(const Inputs<T>& in, bool masked) {
  Tensor<T> lse;
  const auto dy = Rng(5).normal<T>(forward(in, masked, &lse).shape());
  return backward(in, dy, masked, lse);
}

}  // namespace

TEMPLATE_TEST_CASE("attention: agrees with the naive version", "[kernels][attention]", float,
                   double) {
  using T = TestType;
  // A panel of queries is a tile (64 floats and 32 doubles with AVX-512), 256 keys another: below,
  // at, above them, and several.
  for (const Index N : {1, 7, 16, 31, 32, 64, 65, 150})
    for (const Index M : {1, 3, 16, 65, 256, 257, 600})
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

TEST_CASE("attention: gradients in float agree with those in double", "[kernels][attention]") {
  for (const auto& [N, M] : {std::array<Index, 2>{65, 33}, {100, 600}})
    for (const bool masked : {false, true}) {
      const Inputs<float> in({2, N, M, 2, 8, 16});
      Inputs<double> wide(in.g);
      wide.q = in.q.cast<double>(), wide.k = in.k.cast<double>(), wide.v = in.v.cast<double>();
      wide.mask = in.mask.cast<double>();
      Tensor<float> lse;
      Tensor<double> wide_lse;
      const auto dy = Rng(5).normal<float>(forward(in, masked, &lse).shape());
      forward(wide, masked, &wide_lse);
      const auto narrow_d = backward(in, dy, masked, lse);
      const auto wide_d = backward(wide, dy.cast<double>(), masked, wide_lse);
      for (std::size_t i = 0; i < 3; ++i) {
        double most = 0, size = 0;
        for (Index j = 0; j < wide_d[i].size(); ++j) {
          most = std::max(most, std::abs(narrow_d[i][j] - wide_d[i][j]));
          size = std::max(size, std::abs(wide_d[i][j]));
        }
        // Weights err by 200 eps (see above); what multiplies them cancels to a few parts in ten.
        CHECK(most <= 1000 * std::numeric_limits<float>::epsilon() * size);
      }
    }
}

TEST_CASE("attention: 4096 tokens in a scratch of one tile", "[kernels][attention]") {
  const kernels::AttentionGeometry g{1, 4096, 4096, 1, 8, 8};
  Inputs<float> in({1, 1, 4096, 1, 8, 8});  // all keys, and a query to compare with
  const auto all = Rng(6).normal<float>({1, 4096, 8});
  Tensor<float> y({1, 4096, 8}), lse({1, 1, 4096}), dq(y), dk(y), dv(y);
  const auto dy = Rng(7).normal<float>(y.shape());
  kernels::attention<float>(g, tokens<const float>(all), tokens<const float>(in.k),
                            tokens<const float>(in.v), {}, tokens<float>(y), lse.data());
  kernels::attention_backward<float>(
      g, tokens<const float>(all), tokens<const float>(in.k), tokens<const float>(in.v), {},
      lse.data(), tokens<const float>(dy), tokens<float>(dq), tokens<float>(dk), tokens<float>(dv));
  // Sums over 4096 keys: weights near 1 / 4096 err by 200 eps each (see above).
  const double tolerance = 1000 * std::numeric_limits<float>::epsilon();
  double wide = 0;
  for (const Index n : {0, 1000, 4095}) {
    std::copy_n(all.data() + n * 8, 8, in.q.data());
    const auto expected =
        naive::attention(in.q.cast<double>(), in.k.cast<double>(), in.v.cast<double>(), 1);
    for (Index c = 0; c < 8; ++c) wide = std::max(wide, std::abs(y(0, n, c) - expected[c]));
  }
  CHECK(wide <= tolerance);
  // y = p v with rows of p that sum to 1: so the columns of dv sum to those of dy.
  for (Index c = 0; c < 8; ++c) {
    double from_dy = 0, from_dv = 0;
    for (Index n = 0; n < 4096; ++n) from_dy += dy(0, n, c), from_dv += dv(0, n, c);
    CHECK_THAT(from_dv, WithinAbs(from_dy, 64 * tolerance));  // 4096 errors of random sign
  }
  // A shift of all keys by one vector changes no weight: the rows of dk sum to 0.
  for (Index c = 0; c < 8; ++c) {
    double sum = 0;
    for (Index n = 0; n < 4096; ++n) sum += dk(0, n, c);
    CHECK_THAT(sum, WithinAbs(0, 64 * tolerance));
  }
}

TEST_CASE("attention: survives scores that overflow the exponential", "[kernels][attention]") {
  const kernels::AttentionGeometry g{1, 1, 2, 1, 1, 1};
  const Tensor<float> q({1}, 1000.F), k({2}, {1, 2}), v({2}, {3, 5});
  float y = 0;
  kernels::attention<float>(g, {q.data(), 1}, {k.data(), 1}, {v.data(), 1}, {}, {&y, 1}, nullptr);
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
