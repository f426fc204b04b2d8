// Covers: init state_space zoh
#include "foglift/nn/layers/state_space.hpp"
#include "nn/module_checks.hpp"

#include <complex>

using namespace foglift;

namespace {

/// y by the convolution with the layer's kernel K_l = 2 Re sum_n C_n B_n A_n^l (Gu et al. 2022, eq.
/// 5), or the sum itself for real modes.
Tensor<double> convolved(const nn::StateSpace<double>& layer, const Tensor<double>& x) {
  const Index L = x.dim(1), H = x.dim(2), N = layer.log_a.value.dim(1);
  Tensor<double> y(x.shape());
  for (Index h = 0; h < H; ++h) {
    const double dt = std::exp(layer.log_dt.value[h]);
    std::vector<double> kernel(static_cast<std::size_t>(L), 0);
    for (Index n = 0; n < N; ++n) {
      const std::complex<double> a(-std::exp(layer.log_a.value(h, n)),
                                   layer.a_im ? layer.a_im->value(h, n) : 0);
      const std::complex<double> c(layer.c.value(0, h, n), layer.a_im ? layer.c.value(1, h, n) : 0);
      const auto held = std::exp(dt * a), input = (held - 1.0) / a;
      for (Index l = 0; l < L; ++l)
        kernel[static_cast<std::size_t>(l)] +=
            (layer.a_im ? 2 : 1) * std::real(c * input * std::pow(held, static_cast<double>(l)));
    }
    for (Index b = 0; b < x.dim(0); ++b)
      for (Index t = 0; t < L; ++t) {
        y(b, t, h) = layer.d.value[h] * x(b, t, h);
        for (Index l = 0; l <= t; ++l)
          y(b, t, h) += kernel[static_cast<std::size_t>(l)] * x(b, t - l, h);
      }
  }
  return y;
}

}  // namespace

TEST_CASE("zoh: agrees with its formulas, also where they lose digits", "[autograd][zoh]") {
  // e^z and (e^z - 1) / z for z = dt a: at z = 1e-9 to double precision by two terms of the series.
  const Tensor<double> dt({2}, {1e-9, 0.5});
  const auto real = zoh(dt, Tensor<double>({1, 2, 2}, {1, -2, 3, 0}));
  CHECK_THAT(real(1, 0, 0, 0), WithinRel(1e-9 * (1 + 0.5e-9), 1e-15));
  CHECK_THAT(real(1, 0, 0, 1), WithinRel(1e-9 * (1 - 1e-9), 1e-15));
  CHECK_THAT(real(0, 0, 1, 0), WithinRel(std::exp(1.5), 1e-15));
  CHECK_THAT(real(1, 0, 1, 0), WithinRel((std::exp(1.5) - 1) / 3, 1e-15));
  CHECK(real(0, 0, 1, 1) == 1);
  CHECK(real(1, 0, 1, 1) == 0.5);
  // Both sides of the change of formulas: 8 digits of the slope survive there.
  for (const double a : {0.0199, 0.0201}) {
    Tape<double> tape;
    const auto rate = tape.variable(Tensor<double>({1, 1, 1}, {a}));
    const auto step = tape.constant(Tensor<double>({1}, {0.5}));
    const double slope = tape.backward(sum(slice(zoh(step, rate), 0, 1, 1)))[rate].item();
    CHECK_THAT(slope, WithinRel(0.25 * (0.5 + a / 6 + a * a / 32), 1e-6));
  }
  CHECK_THROWS_AS(zoh(dt, Tensor<double>({3, 2, 1})), ShapeError);
  CHECK_THROWS_AS(zoh(dt, Tensor<double>({1, 3, 1})), ShapeError);
}

TEST_CASE("state_space: the recurrence is the convolution of its kernel", "[nn][state_space]") {
  for (const bool complex : {true, false}) {
    Rng rng(1);
    nn::StateSpace<double> layer({.channels = 3, .modes = 4, .complex = complex}, rng);
    const auto x = Rng(2).normal<double>({2, 20, 3});
    const auto y = layer(x).sequence, expected = convolved(layer, x);
    REQUIRE(y.shape() == x.shape());
    // 20 steps of 4 modes, numbers of order 1.
    for (Index i = 0; i < y.size(); ++i) CHECK_THAT(y[i], WithinAbs(expected[i], 1e-13));
  }
}

TEST_CASE("state_space: goes on from a state with the same bits", "[nn][state_space]") {
  Rng rng(1);
  const nn::StateSpace<float> layer({.channels = 3, .modes = 5}, rng);
  const auto x = Rng(2).normal<float>({2, 9, 3});
  const auto head = layer(slice(x, 1, 0, 4)), tail = layer(slice(x, 1, 4, 5), &head.state);
  CHECK(concat({head.sequence, tail.sequence}, 1) == layer(x).sequence);
  CHECK(tail.state == layer(x).state);
  test::check_batches([&](const Tensor<float>& v) { return layer(v).sequence; },
                      Rng(3).normal<float>({5, 9, 3}));
}

TEST_CASE("state_space: starts as S4D-Lin or S4D-Real", "[nn][state_space]") {
  Rng rng(1);
  const nn::StateSpace<double> lin({.channels = 400, .modes = 3}, rng);
  CHECK_THAT(-std::exp(lin.log_a.value(7, 2)), WithinRel(-0.5, 1e-15));
  CHECK_THAT(lin.a_im->value(7, 2), WithinRel(2 * std::numbers::pi, 1e-15));
  const auto [low, high] = std::minmax_element(lin.log_dt.value.begin(), lin.log_dt.value.end());
  CHECK((*low >= std::log(1e-3) && *low < std::log(1.2e-3)));  // within 1/400 of the log range
  CHECK((*high <= std::log(0.1) && *high > std::log(0.08)));
  double square = 0;
  for (const double v : lin.c.value) square += v * v / 1200;  // E|C|^2 = 1, deviation sqrt(1/1200)
  CHECK_THAT(square, WithinAbs(1, 0.12));
  const nn::StateSpace<double> real({.channels = 2, .modes = 3, .complex = false}, rng);
  CHECK_FALSE(real.a_im);
  CHECK_THAT(-std::exp(real.log_a.value(1, 2)), WithinRel(-3.0, 1e-15));
}

TEST_CASE("state_space: is a module", "[nn][state_space]") {
  const auto x = Rng(2).normal<double>({2, 5, 3});
  for (const bool complex : {true, false}) {
    Rng rng(1);
    test::check_module(nn::StateSpace<double>({.channels = 3, .modes = 2, .complex = complex}, rng),
                       [&](const auto& m, const auto& in) { return m(in(x)).sequence; });
  }
}

TEST_CASE("state_space: errors say what does not fit", "[nn][state_space]") {
  Rng rng(1);
  const nn::StateSpace<float> layer({.channels = 3, .modes = 2}, rng);
  CHECK_THROWS_WITH(layer(Tensor<float>({2, 4, 2})),
                    "StateSpace: input [2, 4, 2], expected [batch, length > 0, 3]");
  CHECK_THROWS_AS(layer(Tensor<float>({2, 0, 3})), ShapeError);
  const Tensor<float> state({2, 6});
  CHECK_THROWS_AS(layer(Tensor<float>({2, 4, 3}), &state), ShapeError);
  CHECK_THROWS_AS(nn::StateSpace<float>({.channels = 3, .modes = 0}, rng), ArgumentError);
  CHECK_THROWS_AS(nn::StateSpace<float>({.channels = 3, .dt_min = 0.2}, rng), ArgumentError);
}
