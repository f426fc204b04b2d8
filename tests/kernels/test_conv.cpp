// Covers: conv/backward conv/conv conv/epilogue conv/options pad source
#include "foglift/core/rng.hpp"
#include "foglift/kernels/conv/backward.hpp"
#include "foglift/kernels/naive/pointwise.hpp"
#include "foglift/kernels/naive/products.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <limits>

using namespace foglift;

namespace {

kernels::ConvGeometry geometry(const Shape& x, const Shape& w, const ConvOptions& o) {
  return {x[0], x[1],     x[2],       x[3],      w[0],      w[1],
          w[3], o.stride, o.dilation, o.padding, o.padding, o.mode};
}

template <class T>
Tensor<T> convolve(const Tensor<T>& x, const Tensor<T>& w, const T* bias, const ConvOptions& o) {
  const auto g = geometry(x.shape(), w.shape(), o);
  Tensor<T> y({g.B, g.out_h(), g.out_w(), g.Cout}, T(9));
  kernels::conv(g, x.data(), w.data(), bias, y.data());
  return y;
}

template <class T>
Tensor<T> input_gradient(const Tensor<T>& dy, const Tensor<T>& w, const Shape& x,
                         const ConvOptions& o) {
  Tensor<T> dx(x, T(9));
  kernels::conv_backward_input(geometry(x, w.shape(), o), dy.data(), w.data(), dx.data());
  return dx;
}

template <class T>
Tensor<T> weight_gradient(const Tensor<T>& x, const Tensor<T>& dy, const Shape& w,
                          const ConvOptions& o) {
  Tensor<T> dw(w, T(9));
  kernels::conv_backward_weight(geometry(x.shape(), w, o), x.data(), dy.data(), dw.data());
  return dw;
}

template <class T>
double dot(const Tensor<T>& a, const Tensor<T>& b) {
  REQUIRE(a.shape() == b.shape());
  double sum = 0;
  for (Index i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

const std::vector<ConvOptions> all_options = {
    {},
    {.padding = 1},
    {.padding = 2, .mode = Padding::circular},
    {.padding = 2, .mode = Padding::reflect},
    {.stride = 2, .padding = 1},
    {.stride = 3, .padding = 2, .mode = Padding::reflect},
    {.dilation = 2, .padding = 2, .mode = Padding::circular},
    {.stride = 2, .dilation = 3, .padding = 2},
};

}  // namespace

TEMPLATE_TEST_CASE("conv: agrees with the naive convolution", "[kernels][conv]", float, double) {
  using T = TestType;
  for (const ConvOptions& o : all_options)
    for (const Shape& s : {Shape{2, 7, 9, 3}, Shape{1, 5, 4, 17}, Shape{3, 4, 16, 1}})
      for (const Index out : {1, 7, 16, 65}) {
        const Index k = o.dilation == 3 ? 2 : 3;
        const auto x = Rng(1).normal<T>(s), w = Rng(2).normal<T>({k, 2, s[3], out});
        const auto bias = Rng(3).normal<T>({out});
        const Tensor<T> y = convolve(x, w, bias.data(), o), expected = naive::conv2d(x, w, o);
        REQUIRE(y.shape() == expected.shape());
        double most = 0;
        for (Index i = 0; i < y.size(); ++i)
          most = std::max(most, std::abs(static_cast<double>(y[i] - bias[i % out] - expected[i])));
        // n = k 2 Cin + 1 terms of size 1: n roundings at magnitude sqrt(n), on either side.
        const auto n = static_cast<double>(k * 2 * s[3] + 1);
        CHECK(most <= 4 * std::numeric_limits<T>::epsilon() * n * std::sqrt(n));
      }
}

TEMPLATE_TEST_CASE("conv: reads halves, normalizes on the way, and adds to what it stores",
                   "[kernels][conv]", float, double) {
  using T = TestType;
  for (const ConvOptions& o : all_options)
    for (const Index first : {1, 5, 16, 21})
      for (const bool pointwise : {false, true}) {
        if (pointwise && (o.padding > 0 || o.stride > 1)) continue;
        const Index B = 3, C = 24, out = 17, k = pointwise ? 1 : o.dilation == 3 ? 2 : 3;
        const auto x = Rng(1).normal<T>({B, 6, 5, C}), w = Rng(2).normal<T>({k, k, C, out});
        auto a = Tensor<T>::uninitialized({B, 6, 5, first});
        auto b = Tensor<T>::uninitialized({B, 6, 5, C - first});
        const kernels::Halves<T> halves{a.data(), first, b.data(), C - first};
        for (Index s = 0; s < B; ++s) kernels::separate(x.data() + s * 30 * C, 30, s, halves);
        const auto g = geometry(x.shape(), w.shape(), o);
        const Shape shape{B, g.out_h(), g.out_w(), out};
        const auto bias = Rng(3).normal<T>({B, out}), residual = Rng(4).normal<T>(shape);
        const auto gamma = Rng(5).normal<T>({C}), beta = Rng(6).normal<T>({C});
        for (const bool normalize : {false, true}) {
          Tensor<T> in = x;
          if (normalize) {
            in =
                naive::group_norm(x.reshaped({B, 30, C}), gamma, beta, 4, 1e-3).reshaped(x.shape());
            for (T& v : in) v = v / (1 + std::exp(-v));
          }
          const Tensor<T> expected = naive::conv2d(in, w, o);
          Tensor<double> mean({B, 4}), rstd({B, 4});
          const kernels::NormSilu<T> norm{4,           1e-3,        gamma.data(),
                                          beta.data(), mean.data(), rstd.data()};
          Tensor<T> y(shape, T(9));
          kernels::conv<T>(
              g, {{a.data(), first, b.data(), C - first}, normalize ? &norm : nullptr}, w.data(),
              {.bias = bias.data(), .bias_stride = out, .residual = residual.data()}, y.data());
          double most = 0;
          for (Index i = 0; i < y.size(); ++i) {
            const T added = bias[i / (out * g.out_h() * g.out_w()) * out + i % out] + residual[i];
            most = std::max(most, std::abs(static_cast<double>(y[i] - added - expected[i])));
          }
          // n = k k C + 2 terms of size 1 as above, where the normalized ones have an error of 20
          // roundings of their own.
          const auto n = static_cast<double>(k * k * C + 2);
          CHECK(most <= 4 * std::numeric_limits<T>::epsilon() * (n + 20) * std::sqrt(n));
        }
      }
}

TEST_CASE("conv: one row and one kernel row are the 1-D convolution", "[kernels][conv]") {
  for (const ConvOptions& o : all_options) {
    const auto x = Rng(1).normal<double>({2, 9, 3}), w = Rng(2).normal<double>({3, 3, 5});
    const kernels::ConvGeometry g{2, 1, 9, 3, 1, 3, 5, o.stride, o.dilation, 0, o.padding, o.mode};
    const Tensor<double> expected = naive::conv1d(x, w, o);
    Tensor<double> y(expected.shape());
    REQUIRE(g.out_w() == y.dim(1));
    kernels::conv<double>(g, x.data(), w.data(), nullptr, y.data());
    double most = 0;
    for (Index i = 0; i < y.size(); ++i) most = std::max(most, std::abs(y[i] - expected[i]));
    CHECK(most <= 4 * 2.3e-16 * 10 * std::sqrt(10.0));  // 9 terms and their sum, as above
  }
}

// y is linear in x and in w, so <dy, y> = <dx, x> = <dw, w> for the true gradients, with y from the
// naive version. Random x, w and dy see every element; double rounds at 1e-16 of about 1e3 terms.
TEST_CASE("conv: backward passes are the adjoints of the naive forward", "[kernels][conv]") {
  for (const ConvOptions& o : all_options)
    for (const Shape& s : {Shape{2, 7, 9, 3}, Shape{1, 5, 4, 17}, Shape{0, 5, 5, 2}})
      for (const Index out : {1, 7, 33}) {
        const Index k = o.dilation == 3 ? 2 : 3;
        const auto x = Rng(1).normal<double>(s), w = Rng(2).normal<double>({k, 2, s[3], out});
        const Tensor<double> y = naive::conv2d(x, w, o);
        const auto dy = Rng(3).normal<double>(y.shape());
        const double expected = dot(dy, y);
        CHECK_THAT(dot(input_gradient(dy, w, s, o), x), WithinAbs(expected, 1e-10));
        CHECK_THAT(dot(weight_gradient(x, dy, w.shape(), o), w), WithinAbs(expected, 1e-10));
      }
}

TEST_CASE("conv: one hot gradients find their taps", "[kernels][conv]") {
  // dy = 1 at one output: dw is the padded patch below it, dx the weight laid over that patch.
  const ConvOptions o{.padding = 1, .mode = Padding::circular};
  const Tensor<double> x({1, 1, 3, 1}, {10, 20, 30}), w({1, 3, 1, 1}, {1, 2, 4});
  const kernels::ConvGeometry g{1, 1, 3, 1, 1, 3, 1, 1, 1, 0, 1, o.mode};
  const Tensor<double> dy({1, 1, 3, 1}, {1, 0, 0});
  Tensor<double> dx(x.shape()), dw(w.shape());
  kernels::conv_backward_input(g, dy.data(), w.data(), dx.data());
  kernels::conv_backward_weight(g, x.data(), dy.data(), dw.data());
  CHECK(dx == Tensor<double>({1, 1, 3, 1}, {2, 4, 1}));
  CHECK(dw == Tensor<double>({1, 3, 1, 1}, {30, 10, 20}));
}

TEST_CASE("conv: bits depend on neither batch nor threads", "[kernels][conv]") {
  const int before = threads();
  for (const ConvOptions& o : {ConvOptions{.padding = 1}, ConvOptions{.dilation = 2, .padding = 2},
                               ConvOptions{.stride = 2, .padding = 1, .mode = Padding::reflect}}) {
    const Shape s{33, 9, 12, 20};
    const auto x = Rng(1).normal<float>(s), w = Rng(2).normal<float>({3, 3, 20, 37});
    set_threads(1);
    const Tensor<float> y = convolve<float>(x, w, nullptr, o);
    const auto dy = Rng(3).normal<float>(y.shape());
    const Tensor<float> dx = input_gradient(dy, w, s, o);
    const Tensor<float> dw = weight_gradient(x, dy, w.shape(), o);
    for (const Index n : {1, 7, 16})
      for (Index first = 0; first + n <= 33; first += 13) {
        CHECK(convolve<float>(x.rows(first, n), w, nullptr, o) == y.rows(first, n));
        CHECK(input_gradient(dy.rows(first, n), w, s.with(0, n), o) == dx.rows(first, n));
      }
    for (int n : {2, 3, 4}) {
      set_threads(n);
      CHECK(convolve<float>(x, w, nullptr, o) == y);
      CHECK(convolve<float>(x.rows(4, 1), w, nullptr, o) == y.rows(4, 1));
      CHECK(input_gradient(dy, w, s, o) == dx);
      CHECK(weight_gradient(x, dy, w.shape(), o) == dw);
    }
  }
  set_threads(before);
}

TEST_CASE("pad: repeats zero or wraps or mirrors", "[kernels][conv]") {
  const Tensor<float> x({1, 4, 1}, {1, 2, 3, 4});
  const auto padded = [&](Padding mode) {
    Tensor<float> out({8});
    kernels::pad({1, 1, 4, 1, 1, 1, 1, 1, 1, 0, 2, mode}, x.data(), out.data());
    return out;
  };
  CHECK(padded(Padding::zero) == Tensor<float>({8}, {0, 0, 1, 2, 3, 4, 0, 0}));
  CHECK(padded(Padding::circular) == Tensor<float>({8}, {3, 4, 1, 2, 3, 4, 1, 2}));
  CHECK(padded(Padding::reflect) == Tensor<float>({8}, {3, 2, 1, 2, 3, 4, 3, 2}));
}
