// Covers: conv_winograd halves winograd winograd_backward winograd_tiles winograd_transform
//   winograd_weights
#include "foglift/core/rng.hpp"
#include "foglift/kernels/conv/backward.hpp"
#include "foglift/kernels/conv/winograd.hpp"
#include "foglift/kernels/naive/products.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <limits>

using namespace foglift;

namespace {

kernels::ConvGeometry geometry(const Shape& x, const Shape& w, const ConvOptions& o) {
  return {x[0], x[1], x[2], x[3], 3, 3, w[3], 1, 1, o.padding, o.padding, o.mode};
}

template <class T>
Tensor<T> convolve(const Tensor<T>& x, const Tensor<T>& w, const ConvOptions& o,
                   const kernels::ConvEpilogue<T>& end = {}) {
  const auto g = geometry(x.shape(), w.shape(), o);
  Tensor<T> padded({g.B, g.padded_size()});
  for (Index b = 0; b < g.B; ++b)
    kernels::pad(g, x.data() + b * g.input_size(), padded.data() + b * g.padded_size());
  Tensor<T> y({g.B, g.out_h(), g.out_w(), g.Cout}, T(9));
  const kernels::WinogradWeights<T> weights(g.Cin, g.Cout, w.data());
  kernels::winograd_conv(g, g.B, padded.data(), weights, end, y.data());
  return y;
}

/// Norm of a - b over the norm of b.
template <class T>
double error(const Tensor<T>& a, const Tensor<double>& b) {
  REQUIRE(a.shape() == b.shape());
  double difference = 0, norm = 0;
  for (Index i = 0; i < a.size(); ++i) {
    difference += std::pow(static_cast<double>(a[i]) - b[i], 2);
    norm += b[i] * b[i];
  }
  return std::sqrt(difference / norm);
}

/// The transforms sum 36 numbers of sizes up to 9 times the input's, the products Cin: measured at
/// 6 to 18 epsilon for up to 512 channels. 64 leave room, and are 8e-6 in float.
template <class T>
constexpr double tolerance = 64 * static_cast<double>(std::numeric_limits<T>::epsilon());

template <class T>
Tensor<T> random(const Shape& shape, std::uint64_t seed) {
  return Rng(seed).normal<T>(shape);
}

}  // namespace

TEMPLATE_TEST_CASE("winograd: agrees with the definition at every extent, channel and padding",
                   "[kernels][winograd]", float, double) {
  for (const Shape& x : {Shape{1, 1, 1, 64}, Shape{2, 2, 3, 64}, Shape{3, 5, 7, 80},
                         Shape{1, 4, 8, 96}, Shape{2, 9, 6, 17}, Shape{1, 12, 13, 3}})
    for (const Index out : {Index{1}, Index{64}, Index{80}, Index{130}})
      for (const ConvOptions& o :
           {ConvOptions{.padding = 1}, ConvOptions{.padding = 2}, ConvOptions{},
            ConvOptions{.padding = 1, .mode = Padding::circular},
            ConvOptions{.padding = 1, .mode = Padding::reflect}}) {
        const Index least = std::min(x[1], x[2]);
        if (least + 2 * o.padding < 3 || (o.mode == Padding::reflect && least < 2)) continue;
        const auto in = random<TestType>(x, 1);
        const auto w = random<TestType>({3, 3, x[3], out}, 2);
        CAPTURE(x, out, o.padding);
        const auto y = naive::conv2d(in.template cast<double>(), w.template cast<double>(), o);
        CHECK(error(convolve(in, w, o), y) < tolerance<TestType>);
      }
}

TEST_CASE("winograd: the error stays under 1e-5 of the norm", "[kernels][winograd]") {
  for (const Index channels : {64, 128, 256, 512}) {
    const auto x = random<float>({1, 12, 12, channels}, 1);
    const auto w = random<float>({3, 3, channels, 16}, 2);
    const auto y = naive::conv2d(x.cast<double>(), w.cast<double>(), {.padding = 1});
    CAPTURE(channels);
    CHECK(error(convolve(x, w, {.padding = 1}), y) < 1e-5);
  }
}

TEST_CASE("winograd: adds a bias, shared or a sample's own, and a residual",
          "[kernels][winograd]") {
  const auto x = random<float>({2, 5, 6, 20}, 1), w = random<float>({3, 3, 20, 70}, 2);
  const auto bias = random<float>({2, 70}, 3), residual = random<float>({2, 5, 6, 70}, 4);
  const ConvOptions o{.padding = 1};
  const auto plain = convolve(x, w, o);
  const auto shared = convolve(x, w, o, {.bias = bias.data()});
  const auto own =
      convolve(x, w, o, {.bias = bias.data(), .bias_stride = 70, .residual = residual.data()});
  for (Index i = 0; i < plain.size(); ++i) {
    const Index b = i / plain.row_size(), c = i % 70;
    REQUIRE(shared[i] == plain[i] + bias[c]);
    REQUIRE(own[i] == plain[i] + bias[b * 70 + c] + residual[i]);
  }
}

TEST_CASE("winograd: a sample's bits depend neither on its batch nor on threads",
          "[kernels][winograd]") {
  struct Threads {
    int before = threads();
    ~Threads() { set_threads(before); }
  } restore;
  for (const Index n : {3, 8, 17}) {
    const auto x = random<float>({13, n, n, 72}, 1), w = random<float>({3, 3, 72, 200}, 2);
    set_threads(1);
    const auto y = convolve(x, w, {.padding = 1});
    for (const int count : {1, 2, 3}) {
      set_threads(count);
      CHECK(convolve(x, w, {.padding = 1}) == y);
      CHECK(convolve(x.rows(4, 1), w, {.padding = 1}) == y.rows(4, 1));
      CHECK(convolve(x.rows(5, 7), w, {.padding = 1}) == y.rows(5, 7));
    }
  }
}

TEST_CASE("winograd: convolutions choose it by the extents of a sample", "[kernels][winograd]") {
  const auto chosen = [](Index n, Index in, Index out, const ConvOptions& o, Index k = 3) {
    const kernels::ConvGeometry g{
        1, n, n, in, k, k, out, o.stride, o.dilation, o.padding, o.padding, o.mode, o.algorithm};
    return kernels::detail::winograd_axes<float>(g) == 2;
  };
  CHECK(chosen(32, 64, 64, {.padding = 1}));
  CHECK(chosen(8, 256, 256, {.padding = 1}));
  CHECK_FALSE(chosen(32, 3, 64, {.padding = 1}));
  CHECK_FALSE(chosen(32, 64, 3, {.padding = 1}));
  CHECK_FALSE(chosen(4, 256, 256, {.padding = 1}));  // one tile
  CHECK_FALSE(chosen(5, 256, 256, {.padding = 1}));  // four tiles for 25 outputs
  CHECK_FALSE(chosen(32, 64, 64, {.stride = 2, .padding = 1}));
  CHECK_FALSE(chosen(32, 64, 64, {.dilation = 2, .padding = 2}));
  CHECK_FALSE(chosen(32, 64, 64, {}, 1));
  CHECK_FALSE(chosen(32, 64, 64, {.padding = 1, .algorithm = ConvAlgorithm::direct}));
  CHECK(chosen(4, 3, 5, {.padding = 1, .algorithm = ConvAlgorithm::winograd}));
  const kernels::ConvGeometry g{1, 32, 32, 64, 3, 3, 64, 1, 1, 1, 1, Padding::zero};
  CHECK(kernels::detail::winograd_axes<double>(g) == 0);
}

TEST_CASE("winograd: a convolution's samples have the same bits in every batch",
          "[kernels][winograd]") {
  struct Threads {
    int before = threads();
    ~Threads() { set_threads(before); }
  } restore;
  const auto run = [](const Tensor<float>& x, const Tensor<float>& w) {
    const auto g = geometry(x.shape(), w.shape(), {.padding = 1, .mode = Padding::reflect});
    Tensor<float> y({g.B, g.out_h(), g.out_w(), g.Cout}, 9.0f);
    kernels::conv<float>(g, x.data(), w.data(), nullptr, y.data());
    return y;
  };
  for (const Index n : {8, 13, 24}) {
    const auto x = random<float>({9, n, n, 64}, 1), w = random<float>({3, 3, 64, 80}, 2);
    set_threads(1);
    const auto y = run(x, w);
    const auto exact = naive::conv2d(x.rows(0, 1).cast<double>(), w.cast<double>(),
                                     {.padding = 1, .mode = Padding::reflect});
    CHECK(error(y.rows(0, 1), exact) < tolerance<float>);
    CHECK(run(x.rows(0, 0), w).empty());
    for (const int count : {1, 2, 3}) {
      set_threads(count);
      CHECK(run(x, w) == y);
      CHECK(run(x.rows(4, 1), w) == y.rows(4, 1));
      CHECK(run(x.rows(3, 6), w) == y.rows(3, 6));
    }
  }
}

TEMPLATE_TEST_CASE("winograd: three taps along one axis agree with the definition",
                   "[kernels][winograd]", float, double) {
  using T = TestType;
  for (const Shape& x :
       {Shape{2, 1, 64}, Shape{1, 2, 3}, Shape{3, 5, 33}, Shape{2, 24, 64}, Shape{1, 49, 130}})
    for (const Index out : {1, 64, 80})
      for (const ConvOptions& o : {ConvOptions{.padding = 1}, ConvOptions{.padding = 2},
                                   ConvOptions{.padding = 1, .mode = Padding::circular}}) {
        const auto in = random<T>(x, 1), w = random<T>({3, x[2], out}, 2);
        const kernels::ConvGeometry g{
            x[0], 1, x[1], x[2], 1, 3, out, 1, 1, 0, o.padding, o.mode, ConvAlgorithm::winograd};
        REQUIRE(kernels::detail::winograd_axes<T>(g) == 1);
        Tensor<T> y({g.B, g.out_w(), out}, T(9));
        kernels::conv<T>(g, in.data(), w.data(), nullptr, y.data());
        const auto exact = naive::conv1d(in.template cast<double>(), w.template cast<double>(), o);
        CAPTURE(x, out, o.padding);
        CHECK(error(y, exact) < tolerance<T>);
      }
}

TEST_CASE("winograd: samples of one axis have the same bits in every batch",
          "[kernels][winograd]") {
  struct Threads {
    int before = threads();
    ~Threads() { set_threads(before); }
  } restore;
  for (const Index n : {15, 24, 96}) {
    const auto x = random<float>({37, n, 64}, 1), w = random<float>({3, 64, 80}, 2);
    const auto run = [&](const Tensor<float>& in) {
      const kernels::ConvGeometry g{in.dim(0), 1, n, 64, 1, 3, 80, 1, 1, 0, 1, Padding::zero};
      REQUIRE(kernels::detail::winograd_axes<float>(g) == 1);
      Tensor<float> y({g.B, n, 80}, 9.0f);
      kernels::conv<float>(g, in.data(), w.data(), nullptr, y.data());
      return y;
    };
    set_threads(1);
    const auto y = run(x);
    for (const int count : {1, 2, 3}) {
      set_threads(count);
      CHECK(run(x) == y);
      CHECK(run(x.rows(4, 1)) == y.rows(4, 1));
      CHECK(run(x.rows(3, 16)) == y.rows(3, 16));
    }
  }
}

TEST_CASE("winograd: the weight's gradient agrees with the direct one, on any number of threads",
          "[kernels][winograd]") {
  struct Threads {
    int before = threads();
    ~Threads() { set_threads(before); }
  } restore;
  const auto gradient = [](const auto& x, const auto& dy, ConvAlgorithm algorithm, Index kh) {
    using T = typename std::remove_cvref_t<decltype(x)>::value_type;
    const Index pad_h = kh == 3 ? 1 : 0;
    const kernels::ConvGeometry g{x.dim(0), x.dim(1),          x.dim(2), x.dim(3), kh,
                                  3,        dy.dim(3),         1,        1,        pad_h,
                                  1,        Padding::circular, algorithm};
    Tensor<T> dw({kh, 3, g.Cin, g.Cout}, T(9));
    kernels::conv_backward_weight(g, x.data(), dy.data(), dw.data());
    return dw;
  };
  for (const Index kh : {1, 3})
    for (const Shape& s : {Shape{3, 5, 7, 20}, Shape{1, 1, 1, 3}, Shape{5, 9, 8, 70}}) {
      const auto x = random<float>(s, 1), dy = random<float>(s.with(3, 33), 2);
      const auto exact = gradient(x.cast<double>(), dy.cast<double>(), ConvAlgorithm::direct, kh);
      set_threads(1);
      const auto dw = gradient(x, dy, ConvAlgorithm::winograd, kh);
      CAPTURE(kh, s);
      CHECK(error(dw, exact) < tolerance<float>);
      for (const int count : {2, 3}) {
        set_threads(count);
        CHECK(gradient(x, dy, ConvAlgorithm::winograd, kh) == dw);
      }
      CHECK(gradient(x.rows(0, 0), dy.rows(0, 0), ConvAlgorithm::winograd, kh) ==
            Tensor<float>(dw.shape()));
    }
}
