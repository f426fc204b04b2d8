// Covers: autocast product left_rows winograd_rows
#include "foglift/core/autocast.hpp"
#include "foglift/core/half.hpp"
#include "foglift/core/rng.hpp"
#include "foglift/kernels/attention/attention.hpp"
#include "foglift/kernels/conv/backward.hpp"
#include "foglift/kernels/gemm/gemm.hpp"
#include "foglift/kernels/naive/mixing.hpp"
#include "foglift/kernels/naive/products.hpp"
#include "kernels/gemm_checks.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <limits>

using namespace foglift;
using test::check_rows, test::product;

namespace {

Tensor<double> rounded(const Tensor<float>& x) {
  Tensor<double> y(x.shape());
  for (Index i = 0; i < x.size(); ++i) y[i] = double{float_from_bfloat16(bfloat16_from(x[i]))};
  return y;
}
Tensor<double> exact(const Tensor<float>& x) {
  Tensor<double> y(x.shape());
  for (Index i = 0; i < x.size(); ++i) y[i] = double{x[i]};
  return y;
}
/// The left operand of a product in bfloat16: rounded where the machine multiplies pairs.
Tensor<double> left(const Tensor<float>& x) {
  return kernels::detail::pair_products ? rounded(x) : exact(x);
}

/// K sums of products of standard normals, rounded to float (see test_gemm.cpp); an instruction
/// that adds two products rounds at most once more.
double tolerance(Index K) {
  const double k = static_cast<double>(K + 1);
  return 8 * double{std::numeric_limits<float>::epsilon()} * k * std::sqrt(k);
}

double distance(const Tensor<float>& a, const Tensor<double>& b) {
  REQUIRE(a.shape() == b.shape());
  double most = 0;
  for (Index i = 0; i < a.size(); ++i) most = std::max(most, std::abs(double{a[i]} - b[i]));
  return most;
}

}  // namespace

TEST_CASE("autocast: products of rounded operands, summed in float", "[kernels][autocast]") {
  constexpr Index panel = kernels::Panels<float>::width;
  for (const Index M : {1, 3, 7, 16, 250})
    for (const Index N : {Index{16}, Index{19}, 3 * panel - 1, 2 * panel, 2 * panel + 1})
      for (const Index K : {32, 33, 100, 515, 1024}) {  // more than a cache block
        if (M * N * K > 5'000'000) continue;  // time; a block of rows and of depth are within
        INFO(M << " x " << N << " x " << K);
        const auto a = Rng(1).normal<float>({M, K}), b = Rng(2).normal<float>({K, N});
        const auto at = naive::transpose(a), bt = naive::transpose(b);
        const Tensor<double> expected = naive::matmul(left(a), rounded(b));
        const Tensor<float> plain = product(a, b);
        const Autocast bf16;
        const Tensor<float> c = product(a, b);
        CHECK(distance(c, expected) <= tolerance(K));
        CHECK(!(c == plain));
        // The layout of an operand changes no bit.
        using kernels::row_major, kernels::transposed;
        Tensor<float> d({M, N});
        kernels::gemm(M, N, K, transposed(at.data(), M), transposed(bt.data(), K), d.data(), N);
        CHECK(c == d);
        kernels::gemm(M, N, K, row_major(a.data(), K), transposed(bt.data(), K), d.data(), N);
        CHECK(c == d);
      }
}

TEST_CASE("autocast: a row has the same bits in any batch and for any threads",
          "[kernels][autocast]") {
  const Autocast bf16;
  check_rows<float>({{330, 97, 1030}, {33, 997, 511}, {33, 19, 37}});
}

TEST_CASE("autocast: any range of rows of the panels", "[kernels][autocast]") {
  const Index M = 14, K = 1101, N = 33;
  const auto a = Rng(1).normal<float>({M, K}), b = Rng(2).normal<float>({K, N});
  const Autocast bf16;
  const kernels::Panels<float> panels(kernels::row_major(b.data(), N), K, N);
  REQUIRE(panels.paired());
  for (const auto& [first, depth] : {std::pair<Index, Index>{1, 1100}, {0, 7}, {5, 1}, {3, 1024}}) {
    Tensor<double> expected({M, N});
    const Tensor<double> x = left(a), w = rounded(b);
    for (Index i = 0; i < M; ++i)
      for (Index j = 0; j < N; ++j)
        for (Index k = first; k < first + depth; ++k) expected(i, j) += x(i, k) * w(k, j);
    Tensor<float> c({M, N});
    kernels::gemm(M, depth, kernels::row_major(a.data() + first, K), panels, first, c.data(), N);
    CHECK(distance(c, expected) <= tolerance(depth));
  }
}

TEST_CASE("autocast: SiLU and GELU are near, in any place", "[kernels][autocast]") {
  const auto exact_gelu = [](double x) { return x * 0.5 * std::erfc(-x * std::sqrt(0.5)); };
  const auto first_lane = [](auto v, auto) { return v; };
  double most = 0, silu = 0;
  for (int i = -20000; i <= 20000; ++i) {
    const float x = static_cast<float>(i) * 1e-3F;
    const kernels::Lanes<float> lanes(x);
    const double y = double{kernels::fold_lanes(kernels::GeluRough::value(lanes), first_lane)};
    most = std::max(most, std::abs(y - exact_gelu(double{x})));
    const double s = double{kernels::fold_lanes(kernels::SiluRough::value(lanes), first_lane)};
    if (i != 0) silu = std::max(silu, std::abs(s * (1 + std::exp(-double{x})) / double{x} - 1));
  }
  CHECK(silu < 1.5e-4);
  CHECK(most < 2.8e-4);
  const auto b = Rng(2).normal<float>({64, 40});
  const auto a = Rng(1).normal<float>({9, 64});
  const Autocast bf16;
  const Tensor<float> plain = product(a, b);
  Tensor<double> expected(plain.shape());
  for (Index i = 0; i < plain.size(); ++i) expected[i] = exact_gelu(double{plain[i]});
  Tensor<float> c(plain.shape());
  const auto activate = [&](Index M) {
    kernels::gemm(M, Index{40}, Index{64}, kernels::row_major(a.data(), 64),
                  kernels::row_major(b.data(), 40), c.data(), Index{40},
                  {.epilogue = {.activation = Activation::gelu}});
  };
  activate(9);
  CHECK(distance(c, expected) < 2.8e-4 + 1e-5);
  const Tensor<float> first = c.rows(0, 1);
  activate(1);
  CHECK(c.rows(0, 1) == first);
}

TEST_CASE("autocast: narrow products, doubles, and all outside of its life stay as they are",
          "[kernels][autocast]") {
  const auto a = Rng(1).normal<float>({5, 64}), b = Rng(2).normal<float>({64, 15});
  const auto c = Rng(1).normal<float>({5, 31}), d = Rng(2).normal<float>({31, 40});
  const auto e = Rng(3).normal<float>({64, 40});
  const Tensor<float> ab = product(a, b), cd = product(c, d), ae = product(a, e);
  {
    const Autocast bf16;
    CHECK(Autocast::current() == ProductType::bfloat16);
    CHECK(product(a, b) == ab);
    CHECK(product(c, d) == cd);
    CHECK(!(product(a, e) == ae));
    {
      const Autocast single(ProductType::float32);
      CHECK(product(a, e) == ae);
    }
    CHECK(Autocast::current() == ProductType::bfloat16);
  }
  CHECK(Autocast::current() == ProductType::float32);
  CHECK(product(a, e) == ae);
}

TEST_CASE("autocast: infinities and what is not a number come through", "[kernels][autocast]") {
  const Index K = 64, N = 16;
  auto a = Rng(1).normal<float>({3, K}), b = Rng(2).normal<float>({K, N});
  a(0, 5) = std::numeric_limits<float>::quiet_NaN();
  b(9, 3) = std::numeric_limits<float>::infinity();
  b(9, 4) = std::bit_cast<float>(0x7F800001u);  // rounding its bits alone would make it infinite
  b(9, 5) = std::bit_cast<float>(0x7FFFFFFFu);  // or a zero
  const Autocast bf16;
  const Tensor<float> c = product(a, b);
  for (Index j = 0; j < N; ++j) CHECK(std::isnan(c(0, j)));
  CHECK(std::isinf(c(1, 3)));
  CHECK(std::isnan(c(1, 4)));
  CHECK(std::isnan(c(1, 5)));
  CHECK(std::isfinite(c(1, 6)));
}

TEST_CASE("autocast: direct convolutions and the gradient of their weight", "[kernels][autocast]") {
  for (const Index Cin : {11, 16}) {  // an odd number of channels: pairs straddle rows of taps
    const ConvOptions o{.padding = 1, .algorithm = ConvAlgorithm::direct};
    const auto x = Rng(1).normal<float>({2, 7, 9, Cin}), w = Rng(2).normal<float>({3, 3, Cin, 18});
    const kernels::ConvGeometry g{2, 7, 9, Cin, 3, 3, 18, 1, 1, 1, 1, Padding::zero, o.algorithm};
    const Autocast bf16;
    Tensor<float> y({2, 7, 9, 18});
    kernels::conv<float>(g, x.data(), w.data(), nullptr, y.data());
    CHECK(distance(y, naive::conv2d(left(x), rounded(w), o)) <= tolerance(9 * Cin));
    // dw of <conv(x), dy> is the sum of x times dy over the outputs that a tap sees.
    const auto dy = Rng(3).normal<float>(y.shape());
    Tensor<float> dw(w.shape());
    kernels::conv_backward_weight(g, x.data(), dy.data(), dw.data());
    const Tensor<double> in = left(x), out = rounded(dy);
    Tensor<double> expected(w.shape());
    for (Index i = 0; i < 3; ++i)
      for (Index j = 0; j < 3; ++j)
        for (Index b = 0; b < 2; ++b)
          for (Index h = 0; h < 7; ++h)
            for (Index l = 0; l < 9; ++l) {
              const Index from_h = h + i - 1, from_l = l + j - 1;
              if (from_h < 0 || from_h >= 7 || from_l < 0 || from_l >= 9) continue;
              for (Index c = 0; c < Cin; ++c)
                for (Index d = 0; d < 18; ++d)
                  expected(i, j, c, d) += in(b, from_h, from_l, c) * out(b, h, l, d);
            }
    CHECK(distance(dw, expected) <= tolerance(2 * 7 * 9));
  }
}

namespace {

/// winograd_rows in double: every matrix of F(4, 3), inputs and weights rounded at the points.
Tensor<double> winograd_rows(const Tensor<float>& x, const Tensor<float>& w, Index pad_h) {
  using namespace kernels::winograd;
  using L = kernels::Lanes<double>;
  const Index B = x.dim(0), H = x.dim(1), W = x.dim(2), Cin = x.dim(3), kh = w.dim(0),
              Cout = w.dim(3), out_h = H + 2 * pad_h - kh + 1;
  const auto in = [&](Index b, Index h, Index l, Index c) {
    return h < 0 || h >= H || l < 0 || l >= W ? 0 : double{x(b, h, l, c)};
  };
  Tensor<float> u({kh, 6, Cin, Cout}), v({B, H + 2 * pad_h, (W + 3) / 4, 6, Cin});
  for (Index i = 0; i < kh; ++i)
    for (Index c = 0; c < Cin; ++c)
      for (Index d = 0; d < Cout; ++d)
        transform<double, WeightTransform, 1>(
            [&](Index, Index j) { return L(double{w(i, j, c, d)}); },
            [&](Index, Index j, L t) { u(i, j, c, d) = static_cast<float>(t.v); });
  for (Index b = 0; b < B; ++b)
    for (Index h = 0; h < v.dim(1); ++h)
      for (Index t = 0; t < v.dim(2); ++t)
        for (Index c = 0; c < Cin; ++c)
          transform<double, InputTransform, 1>(
              [&](Index, Index j) { return L(in(b, h - pad_h, 4 * t + j - 1, c)); },
              [&](Index, Index j, L r) { v(b, h, t, j, c) = static_cast<float>(r.v); });
  const Tensor<double> us = rounded(u), vs = left(v);
  Tensor<double> y({B, out_h, W, Cout});
  for (Index b = 0; b < B; ++b)
    for (Index h = 0; h < out_h; ++h)
      for (Index t = 0; t < v.dim(2); ++t)
        for (Index d = 0; d < Cout; ++d) {
          double m[6] = {};
          for (Index j = 0; j < 6; ++j)
            for (Index i = 0; i < kh; ++i)
              for (Index c = 0; c < Cin; ++c) m[j] += vs(b, h + i, t, j, c) * us(i, j, c, d);
          transform<double, OutputTransform, 1>([&](Index, Index j) { return L(m[j]); },
                                                [&](Index, Index j, L r) {
                                                  if (4 * t + j < W) y(b, h, 4 * t + j, d) = r.v;
                                                });
        }
  return y;
}

}  // namespace

TEST_CASE("autocast: convolutions along rows by Winograd's algorithm", "[kernels][autocast]") {
  // Values that the library rounds from float and the oracle from double differ in one of some
  // thousand numbers by 2^-8: 2^-8 / sqrt(1000) = 1e-4 of the norm; rounding loses 50 times that.
  const auto norm = [](const Tensor<float>& a, const Tensor<double>& b) {
    double difference = 0, all = 0;
    for (Index i = 0; i < a.size(); ++i) {
      difference += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
      all += b[i] * b[i];
    }
    return std::sqrt(difference / all);
  };
  for (const Index kh : {1, 3})
    for (const Index Cout : {16, 67}) {
      const Index Cin = 34, H = kh == 1 ? 2 : 6, W = 14, B = 3, pad = kh / 2;
      const auto x = Rng(1).normal<float>({B, H, W, Cin});
      const auto w = Rng(2).normal<float>({kh, 3, Cin, Cout});
      const auto bias = Rng(3).normal<float>({Cout});
      const kernels::ConvGeometry g{
          B, H, W, Cin, kh, 3, Cout, 1, 1, pad, 1, Padding::zero, ConvAlgorithm::winograd};
      const Autocast bf16;
      REQUIRE(kernels::detail::winograd_in_pairs<float>(g));
      Tensor<float> y({B, H, W, Cout});
      kernels::conv<float>(g, x.data(), w.data(), bias.data(), y.data());
      Tensor<double> expected = winograd_rows(x, w, pad);
      for (Index i = 0; i < expected.size(); ++i) expected[i] += double{bias[i % Cout]};
      CHECK(norm(y, expected) < 1e-4);
      // A sample's bits do not depend on the batch, the threads, or the kept weights.
      const kernels::ConstantMemory promise({{w.data(), static_cast<std::size_t>(w.size()) * 4}});
      const int before = threads();
      for (int n : {1, 2, 3})
        for (Index b = 0; b < B; ++b) {
          set_threads(n);
          kernels::ConvGeometry one = g;
          one.B = 1;
          Tensor<float> alone({1, H, W, Cout});
          kernels::conv<float>(one, x.rows(b, 1).data(), w.data(), bias.data(), alone.data());
          CHECK(alone == y.rows(b, 1));
        }
      set_threads(before);
    }
}

TEST_CASE("autocast: attention", "[kernels][autocast]") {
  // Scores are products of rounded queries and keys, and lose at most 2^-8 of sum |q k|; a weight
  // loses a factor of e^(2 delta) for scores that lose delta, and a rounding, as values do.
  const Index B = 2, N = 70, M = 67, heads = 2, d = 32;
  const auto q = Rng(1).normal<float>({B, N, heads * d}),
             k = Rng(2).normal<float>({B, M, heads * d});
  const auto v = Rng(3).normal<float>({B, M, heads * d});
  const kernels::AttentionGeometry g{B, N, M, heads, d, d};
  const auto attend = [&] {
    Tensor<float> y({B, N, heads * d});
    kernels::attention<float>(g, {q.data(), heads * d}, {k.data(), heads * d},
                              {v.data(), heads * d}, {}, {y.data(), heads * d}, nullptr);
    return y;
  };
  const Tensor<float> single = attend();
  const Tensor<double> expected = naive::attention(exact(q), exact(k), exact(v), heads);
  const Autocast bf16;
  const Tensor<float> y = attend();
  CHECK(!(y == single));
  const int before = threads();  // workers take the type over
  set_threads(before == 3 ? 2 : 3);
  CHECK(attend() == y);
  set_threads(before);
  double delta = 0, largest = 0;
  for (Index b = 0; b < B; ++b)
    for (Index h = 0; h < heads; ++h)
      for (Index n = 0; n < N; ++n)
        for (Index m = 0; m < M; ++m) {
          double sum = 0;
          for (Index c = 0; c < d; ++c)
            sum += std::abs(double{q(b, n, h * d + c)} * double{k(b, m, h * d + c)});
          delta = std::max(delta, std::ldexp(sum, -8) / std::sqrt(double{d}));
        }
  for (const float s : v) largest = std::max(largest, std::abs(double{s}));
  CHECK(distance(y, expected) <= (std::expm1(2 * delta) + std::ldexp(1.0, -7)) * largest);
  double mean = 0;  // errors of both signs: far below that bound
  for (Index i = 0; i < y.size(); ++i)
    mean += std::abs(double{y[i]} - expected[i]) / static_cast<double>(y.size());
  CHECK(mean < std::ldexp(1.0, -7) / std::sqrt(double{M} / 4));
}
