// Covers: dual exploding learned log_snr schedule/flow shifted sigmoid sub_vp zero_terminal
#include "foglift/autograd/gradcheck.hpp"
#include "foglift/autograd/ops/reduce.hpp"
#include "foglift/diffusion/discrete.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "foglift/diffusion/schedule/learned.hpp"
#include "foglift/diffusion/schedule/zero_terminal.hpp"
#include "support/catch.hpp"

#include <limits>

using namespace foglift;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

schedule::LearnedCurve<double> learned() {
  Rng rng(3);
  schedule::LearnedCurve<double> curve({.min = -4, .max = 5, .width = 7}, rng);
  for (double& v : curve.out.value) v *= 20;  // well bent
  return curve;
}

auto custom() {
  return schedule::Custom(
      [](auto t) { return cos(1.4 * t) / (1 + t * t); },
      [](auto t) { return sqrt(1.0 + tanh(t)) * log(1 + t) + exp(-3.0 * t) * 0; });
}

/// f(schedule): every one of the catalogue.
template <class F>
void for_each_schedule(const F& f) {
  f(schedule::Linear{});
  f(schedule::exponential());
  f(schedule::ScaledLinear{});
  f(schedule::Cosine{});
  f(schedule::SigmoidRate{});
  f(schedule::SigmoidRate({.beta_min = 0, .beta_max = 9}));
  f(schedule::Sigmoid{});
  f(schedule::Sigmoid({.start = 0, .end = 3, .tau = 0.7}));
  f(schedule::UniformLogSnr{});
  f(schedule::TruncatedCosine{});
  f(schedule::TruncatedCosine(schedule::TruncatedCosineCurve({.min = -9, .max = 4})));
  f(schedule::LogSnr(
      schedule::Interpolated(schedule::TruncatedCosineCurve{}, std::log(0.25), std::log(0.5))));
  f(schedule::Laplace{});
  f(schedule::Laplace(schedule::LaplaceCurve({.mean = 1, .scale = 2, .cut = 0.01})));
  f(schedule::LogSnr(learned()));
  f(schedule::Flow{});
  f(schedule::Trigonometric{});
  f(schedule::Geometric{});
  f(schedule::Edm{});
  f(schedule::Edm({.min = 0.01, .max = 5}, 1));
  f(schedule::SubVariancePreserving{});
  f(schedule::SubVariancePreserving(schedule::Cosine{}));
  f(schedule::Shifted(schedule::Flow{}, 3));
  f(schedule::Shifted(schedule::Flow{}, 0.4, 1.3));
  f(schedule::Shifted(schedule::Linear{}, std::sqrt(3.0)));
  f(schedule::Shifted(schedule::Geometric{}, 2));
  f(schedule::ZeroTerminalSnr(schedule::Linear{}));
  f(schedule::ZeroTerminalSnr(DiscreteSchedule::linear(1000)));
  f(DiscreteSchedule::sigmoid(1000));
  f(DiscreteSchedule::laplace(500));
  f(custom());
}

template <class S>
std::vector<double> inner_times() {
  return {0.00313, 0.02071, 0.11037, 0.35027, 0.50033, 0.72041, 0.90029, 0.98513, 0.99787};
}

}  // namespace

TEST_CASE("schedules: noise grows with time and time inverts it", "[diffusion][schedule]") {
  for_each_schedule([](const auto& s) {
    double last = -1;
    for (int i = 0; i <= 200; ++i) {
      const double t = i / 200.0;
      const Level l = s.at(t);
      CHECK(l.t == t);
      const double ratio = l.alpha > 0 ? l.ratio() : infinity;
      CHECK(ratio > last);
      last = ratio;
    }
    // lambda has an error of some eps |lambda|, at most 1e-14 here, and the flattest lambda'(t) is
    // about 1/2. At the ends of the curves that are cut, 1 - exp() loses a few digits more.
    for (const double t : inner_times<decltype(s)>())
      CHECK_THAT(s.time(s.at(t).lambda()), WithinAbs(t, 1e-11));
    for (const double lambda : {infinity, 800.0, -800.0, -infinity}) {
      const double t = s.time(lambda);
      CHECK((t >= 0 && t <= 1));
      CHECK((lambda > 0 ? t < 0.01 : t > 0.99));
    }
    CHECK_THROWS_AS(s.at(-0.01), ArgumentError);
    CHECK_THROWS_AS(s.at(1.01), ArgumentError);
    CHECK_THROWS_AS(s.time(std::nan("")), ArgumentError);
  });
}

TEST_CASE("schedules: derivatives against differences", "[diffusion][schedule]") {
  // Central differences of step h: h^2 / 6 of the third derivative and 1e-16 / h of rounding. A
  // chain has kinks at its steps; the times are far enough from them.
  for_each_schedule([](const auto& s) {
    using S = std::remove_cvref_t<decltype(s)>;
    for (const double t : inner_times<S>()) {
      const double h = 1e-6;
      const Level a = s.at(t - h), b = s.at(t + h), l = s.at(t);
      const LevelRate d = s.derivative(t);
      const double scale = 1 + std::abs(d.alpha) + std::abs(d.sigma);
      INFO(typeid(S).name() << " t = " << t);
      CHECK_THAT(d.alpha, WithinAbs((b.alpha - a.alpha) / (2 * h), 2e-7 * scale));
      CHECK_THAT(d.sigma, WithinAbs((b.sigma - a.sigma) / (2 * h), 2e-7 * scale));
      if constexpr (VariancePreservingSchedule<S>) {
        CHECK_THAT(l.alpha * l.alpha + l.sigma * l.sigma, WithinAbs(1, 1e-14));
        CHECK_THAT(s.rate(t), WithinRel(-2 * d.alpha / l.alpha, 1e-9));
      }
    }
  });
}

TEST_CASE("schedules: derivatives at the ends are limits of those inside",
          "[diffusion][schedule]") {
  // A finite derivative at an end is that at a distance of 1e-9 but for 1e-9 of the second one (at
  // most 1e3 here), and an infinite one is large there; never NaN.
  const auto check = [](const auto& s) {
    INFO(typeid(s).name());
    for (const double end : {0.0, 1.0}) {
      const LevelRate at = s.derivative(end), near = s.derivative(end == 0 ? 1e-9 : 1 - 1e-9);
      for (const auto& pair : {std::pair{at.alpha, near.alpha}, std::pair{at.sigma, near.sigma}}) {
        CHECK(!std::isnan(pair.first));
        if (std::isinf(pair.first))
          CHECK(pair.first * pair.second > 0);
        else
          CHECK_THAT(pair.first, WithinAbs(pair.second, 1e-5 * (1 + std::abs(pair.second))));
        CHECK(std::isinf(pair.first) == (std::abs(pair.second) > 1e3));
      }
      if constexpr (VariancePreservingSchedule<std::remove_cvref_t<decltype(s)>>)
        CHECK(!std::isnan(s.rate(end)));
    }
  };
  check(schedule::Linear{});
  check(schedule::Linear({.beta_min = 0, .beta_max = 3}));
  check(schedule::Cosine{});
  check(schedule::Cosine({.offset = 0}));
  check(schedule::Sigmoid{});
  check(schedule::Flow{});
  check(schedule::Trigonometric{});
  check(schedule::SubVariancePreserving(schedule::Cosine{}));
  check(schedule::ZeroTerminalSnr(schedule::Linear{}));
  check(schedule::ZeroTerminalSnr(schedule::Linear({.beta_min = 0, .beta_max = 3})));
  check(schedule::ZeroTerminalSnr(DiscreteSchedule::linear(1000)));
  check(schedule::Shifted(schedule::Flow{}, 3));
  check(schedule::Shifted(schedule::Linear{}, 1.7));
  check(schedule::Shifted(schedule::Cosine{}, 1.7));
  check(schedule::Shifted(schedule::SubVariancePreserving{}, 1.7));
  check(schedule::Shifted(schedule::Geometric{}, 2));
  // sigma = sqrt(B) near 0, B = 3 t^(3) / 3: no first power of t.
  CHECK(schedule::ScaledLinear({.beta_min = 0, .beta_max = 3}).derivative(0) == LevelRate{0, 0});
  // Shifted flow: d sigma / dt = a at noise-free data, 1 / a at pure noise.
  CHECK(schedule::Shifted(schedule::Flow{}, 4).derivative(0) == LevelRate{-4, 4});
  CHECK(schedule::Shifted(schedule::Flow{}, 4).derivative(1) == LevelRate{-0.25, 0.25});
}

TEST_CASE("schedules: a shift passes on that no signal is left", "[diffusion][schedule]") {
  STATIC_REQUIRE(schedule::Shifted<schedule::Flow>::zero_terminal_snr);
  STATIC_REQUIRE(!schedule::Shifted<schedule::Linear>::zero_terminal_snr);
  STATIC_REQUIRE(schedule::SubVariancePreserving<schedule::Cosine>::zero_terminal_snr);
  STATIC_REQUIRE(!schedule::SubVariancePreserving<schedule::Linear>::zero_terminal_snr);
}

TEST_CASE("schedules: a shift with a power keeps what its base keeps", "[diffusion][schedule]") {
  // Derivatives against differences are in the list above for the flow; here of the other two.
  const double h = 1e-6;
  const auto check = [&](const auto& s) {
    for (const double t : {0.05, 0.4, 0.9}) {
      const Level a = s.at(t - h), b = s.at(t + h);
      const LevelRate d = s.derivative(t);
      CHECK_THAT(d.alpha, WithinAbs((b.alpha - a.alpha) / (2 * h), 1e-7 * (1 + std::abs(d.alpha))));
      CHECK_THAT(d.sigma, WithinAbs((b.sigma - a.sigma) / (2 * h), 1e-7 * (1 + std::abs(d.sigma))));
      CHECK_THAT(s.time(s.at(t).lambda()), WithinAbs(t, 1e-12));
    }
  };
  check(schedule::Shifted(schedule::Linear{}, 1.7, 0.8));
  check(schedule::Shifted(schedule::Edm({.min = 0.01, .max = 5}), 0.6, 1.2));
  check(schedule::Shifted(schedule::SubVariancePreserving{}, 1.7, 0.9));
}

TEST_CASE("schedules: values of published tables", "[diffusion][schedule]") {
  // alpha_bar of chains of 1000 steps at steps 0, 249, 499, 749, 999, as tabulated to 11 digits.
  const auto check = [](const DiscreteSchedule& s, const std::vector<double>& expected) {
    const Index at[] = {0, 249, 499, 749, 999};
    for (std::size_t k = 0; k < 5; ++k)
      CHECK_THAT(s.alpha_bar(at[k]), WithinRel(expected[k], 2e-10));
  };
  check(DiscreteSchedule::linear(1000),
        {9.9990000000e-01, 5.2408537383e-01, 7.8587242882e-02, 3.3505504389e-03, 4.0358297654e-05});
  check(DiscreteSchedule::scaled_linear(1000),
        {9.9915000000e-01, 6.7543241373e-01, 2.7766965046e-01, 5.6623491598e-02, 4.6600985131e-03});
  check(DiscreteSchedule::cosine(1000),
        {9.9995871578e-01, 8.4701216133e-01, 4.9384359044e-01, 1.4427210239e-01, 2.4287669070e-09});
  check(DiscreteSchedule::sigmoid_alpha_bar(1000),
        {9.9969972080e-01, 8.5085354793e-01, 5.0000000000e-01, 1.4914645207e-01, 3.0027919975e-07});
  check(DiscreteSchedule::sigmoid(1000),
        {9.9985079480e-01, 9.0374466540e-01, 3.0193105660e-01, 5.7321988861e-03, 3.9681819905e-05});
  // A cosine of ten steps, public to 8 digits.
  const auto ten = DiscreteSchedule::cosine(10);
  CHECK_THAT(ten.alpha_bar(0), WithinAbs(0.97209274, 6e-9));
  CHECK_THAT(ten.alpha_bar(1), WithinAbs(0.89870592, 6e-9));
  // Continuous linear rate: sigma / alpha at t = 1 and at 0.001.
  CHECK_THAT(schedule::Linear{}.at(1).ratio(), WithinRel(152.1669702839, 1e-12));
  CHECK_THAT(schedule::Linear{}.at(1e-3).ratio(), WithinRel(0.010485992787, 1e-10));
  CHECK_THAT(schedule::exponential().at(0.3).alpha, WithinRel(std::exp(-1.8), 1e-14));
}

TEST_CASE("schedules: zero terminal ratio of a chain", "[diffusion][schedule]") {
  const schedule::ZeroTerminalSnr s(DiscreteSchedule::linear(1000));
  const Index at[] = {0, 249, 499, 749, 998};
  const double expected[] = {9.9990000000e-01, 5.2153334070e-01, 7.6028750547e-02, 2.6895216999e-03,
                             4.2132624651e-09};
  for (std::size_t k = 0; k < 5; ++k) {
    const Level l = s.step(at[k]);
    CHECK_THAT(l.alpha * l.alpha, WithinRel(expected[k], 2e-10));
    CHECK_THAT(s.at(l.t).alpha, WithinRel(l.alpha, 1e-12));
    CHECK_THAT(l.alpha * l.alpha + l.sigma * l.sigma, WithinAbs(1, 1e-14));
  }
  CHECK(s.step(999).alpha == 0);
  CHECK(s.at(1).alpha == 0);
  CHECK_THAT(s.at(1).sigma, WithinAbs(1, 1e-15));
  CHECK(s.at(0) == Level{0, 1, 0});
  CHECK(s.step(0) == DiscreteSchedule::linear(1000).step(0));
  CHECK_THROWS_AS(schedule::ZeroTerminalSnr(schedule::Cosine{}), ArgumentError);
  CHECK_THROWS_AS(schedule::ZeroTerminalSnr(DiscreteSchedule::linear(1, {0.3, 0.3})),
                  ArgumentError);
}

TEST_CASE("schedules: sigmoids and logarithms against their definitions", "[diffusion][schedule]") {
  const auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
  const schedule::Sigmoid s({.start = -2, .end = 4, .tau = 0.8});
  const auto S = [&](double t) { return sigmoid((-2 + 6 * t) / 0.8); };
  for (const double t : {0.1, 0.4, 0.77}) {
    const Level l = s.at(t);
    CHECK_THAT(l.alpha * l.alpha, WithinRel((S(1) - S(t)) / (S(1) - S(0)), 1e-13));
    // The integral of the rate by Simpson's rule with 2000 cells: an error of (12 / 2000)^4.
    double sum = 0;
    for (int i = 0; i < 2000; ++i) {
      const auto beta = [&](double u) { return 0.1 + 19.9 * sigmoid(12 * u - 6); };
      const double h = t / 2000, a = h * i;
      sum += h / 6 * (beta(a) + 4 * beta(a + h / 2) + beta(a + h));
    }
    CHECK_THAT(std::log(schedule::SigmoidRate{}.at(t).alpha), WithinRel(-0.5 * sum, 1e-9));
    // log-SNR = -2 ln tan(a t + b), b = atan(e^(-max/2)), a = atan(e^(-min/2)) - b, log-SNR from 15
    // to -15.
    const double b = std::atan(std::exp(-7.5)), a = std::atan(std::exp(7.5)) - b;
    CHECK_THAT(schedule::TruncatedCosine{}.at(t).lambda(),
               WithinAbs(-std::log(std::tan(a * t + b)), 1e-11));
    const schedule::LogSnr shifted(
        schedule::Interpolated(schedule::TruncatedCosineCurve{}, -1.5, -0.5));
    CHECK_THAT(shifted.at(t).lambda(),
               WithinAbs(-std::log(std::tan(a * t + b)) - 1.5 * (1 - t) - 0.5 * t, 1e-11));
    // Laplace, mean 0 and scale 1/2 of the log-SNR: -b sgn(1/2 - t) ln(1 - 2 |1/2 - t|), up to the
    // cut.
    const double u = 1e-3 + (1 - 2e-3) * t, sign = u < 0.5 ? 1 : -1;
    const double log_snr = -0.5 * sign * std::log(1 - 2 * std::abs(0.5 - u));
    const Level laplace = schedule::Laplace{}.at(t);
    CHECK_THAT(2 * laplace.lambda(), WithinAbs(log_snr, 1e-12));
    const double snr = std::exp(log_snr);
    CHECK_THAT(laplace.alpha * laplace.alpha, WithinRel(snr / (1 + snr), 1e-12));
    CHECK_THAT(schedule::UniformLogSnr{}.at(t).lambda(), WithinAbs(6.65 - 9.15 * t, 1e-13));
  }
  // Chains sit on their curves.
  const auto laplace = DiscreteSchedule::laplace(500);
  CHECK_THAT(laplace.step(123).lambda(),
             WithinAbs(schedule::Laplace{}.at(123 / 499.0).lambda(), 1e-9));
  CHECK_THAT(DiscreteSchedule::exponential(100).alpha_bar(49), WithinRel(std::exp(-6.0), 1e-12));
  CHECK_THAT(DiscreteSchedule::of(schedule::SigmoidRate{}, 50).step(20).alpha,
             WithinRel(schedule::SigmoidRate{}.at(21 / 50.0).alpha, 1e-12));
  CHECK_THROWS_AS(DiscreteSchedule::of_alpha_bars({0.9, 0.95}), ArgumentError);
  CHECK_THAT(DiscreteSchedule::of_alpha_bars({0.9, 0.45}).beta(1), WithinAbs(0.5, 1e-15));
}

TEST_CASE("schedules: processes with their own curves", "[diffusion][schedule]") {
  for (const double t : {0.0, 0.2, 0.61, 1.0}) {
    CHECK(schedule::Flow{}.at(t) == Level{t, 1 - t, t});
    const Level trig = schedule::Trigonometric{}.at(t);
    CHECK_THAT(trig.alpha, WithinAbs(std::cos(std::numbers::pi / 2 * t), 1e-15));
    CHECK_THAT(trig.sigma, WithinAbs(std::sin(std::numbers::pi / 2 * t), 1e-15));
    CHECK_THAT(schedule::Geometric{}.at(t).sigma, WithinRel(0.01 * std::pow(5000, t), 1e-13));
    CHECK_THAT(schedule::Edm{}.at(t).sigma,
               WithinRel(std::pow(std::pow(0.002, 1.0 / 7) +
                                      t * (std::pow(80, 1.0 / 7) - std::pow(0.002, 1.0 / 7)),
                                  7),
                         1e-13));
    const double B = 0.1 * t + 0.5 * 19.9 * t * t;
    CHECK_THAT(schedule::SubVariancePreserving{}.at(t).sigma, WithinAbs(1 - std::exp(-B), 1e-15));
    CHECK_THAT(schedule::SubVariancePreserving{}.at(t).alpha, WithinAbs(std::exp(-B / 2), 1e-15));
  }
  CHECK(schedule::Flow{}.at(1).alpha == 0);
  CHECK(schedule::Trigonometric{}.at(1).alpha == 0);
  CHECK(schedule::Geometric{}.at(1).sigma == 50);
  CHECK(schedule::Edm{}.at(0).sigma == 0.002);
  // As Song et al. write it: g^2 = beta (1 - e^(-2 B)), g^2 = 2 sigma sigma' - 2 (alpha'/alpha)
  // sigma^2.
  const schedule::SubVariancePreserving sub;
  const Level l = sub.at(0.3);
  const LevelRate d = sub.derivative(0.3);
  const double B = 0.1 * 0.3 + 0.5 * 19.9 * 0.09, beta = 0.1 + 19.9 * 0.3;
  CHECK_THAT(2 * l.sigma * d.sigma - 2 * d.alpha / l.alpha * l.sigma * l.sigma,
             WithinRel(beta * (1 - std::exp(-2 * B)), 1e-12));
}

TEST_CASE("schedules: one shift with many names", "[diffusion][schedule]") {
  for (const double t : {0.0, 0.1, 0.5, 0.93, 1.0}) {
    const Level flow = schedule::Shifted(schedule::Flow{}, 3).at(t);
    CHECK_THAT(flow.sigma, WithinAbs(3 * t / (1 + 2 * t), 1e-15));
    CHECK_THAT(flow.alpha + flow.sigma, WithinAbs(1, 1e-15));
    const double mu = 1.15, p = 1.2;
    const Level dynamic = schedule::Shifted(schedule::Flow{}, std::exp(mu), p).at(t);
    CHECK_THAT(
        dynamic.sigma,
        WithinAbs(t > 0 ? std::exp(mu) / (std::exp(mu) + std::pow(1 / t - 1, p)) : 0, 1e-14));
    const double bar = std::pow(schedule::Linear{}.at(t).alpha, 2);
    const Level snr = schedule::Shifted(schedule::Linear{}, std::sqrt(3.0)).at(t);
    CHECK_THAT(snr.alpha * snr.alpha, WithinRel(bar / (3 - 2 * bar), 1e-13));
    CHECK_THAT(schedule::Shifted(schedule::Edm{}, 2).at(t).sigma,
               WithinRel(2 * schedule::Edm{}.at(t).sigma, 1e-14));
    CHECK(schedule::Shifted(schedule::Edm{}, 2).at(t).alpha == 1);
  }
  const schedule::Shifted shifted(schedule::Linear{}, 1.7);
  CHECK_THAT(shifted.rate(0), WithinRel(shifted.rate(1e-9), 1e-5));
  CHECK_THROWS_AS(schedule::Shifted(schedule::Flow{}, 0), ArgumentError);
  CHECK_THROWS_AS(schedule::Shifted(schedule::Flow{}, 1, HUGE_VAL), ArgumentError);
}

TEST_CASE("schedules: custom ones are checked", "[diffusion][schedule]") {
  const auto one = [](auto) { return schedule::Dual(1); };
  CHECK_THROWS_WITH(schedule::Custom(one, [](auto t) { return t * (1 - t); }),
                    ContainsSubstring("does not grow"));
  CHECK_THROWS_WITH(schedule::Custom([](auto t) { return 0.5 - t; }, [](auto t) { return t; }),
                    ContainsSubstring("needed alpha, sigma >= 0"));
  // Every function of dual numbers against a difference.
  const auto f = [](auto t) {
    return pow(2 + t, 1.5) / exp(-t) - sin(t) * cos(t) + tan(0.3 * t) - tanh(t) +
           sqrt(1 + t) * log(2 + t) - (-t);
  };
  const double h = 1e-6;
  const auto value = [&](double t) { return f(schedule::Dual(t, 1)).value; };
  CHECK_THAT(f(schedule::Dual(0.4, 1)).slope,
             WithinAbs((value(0.4 + h) - value(0.4 - h)) / (2 * h), 1e-8));
  CHECK_THAT(value(0.4),
             WithinRel(std::pow(2.4, 1.5) * std::exp(0.4) - std::sin(0.4) * std::cos(0.4) +
                           std::tan(0.12) - std::tanh(0.4) + std::sqrt(1.4) * std::log(2.4) + 0.4,
                       1e-14));
}

TEST_CASE("schedules: a learned curve is monotone and differentiable", "[diffusion][schedule]") {
  auto curve = learned();
  CHECK(curve.lambda(0) == 5);
  CHECK_THAT(curve.lambda(1), WithinAbs(-4, 1e-14));
  // Any signs of the weights leave it falling.
  for (double& v : curve.out.value) v = -v;
  curve.in.value[2] *= -1;
  const Tensor<double> t({4, 1}, {0.1, 0.35, 0.6, 0.95});
  const auto both = curve(t);
  for (Index i = 0; i < 4; ++i) CHECK_THAT(both[i], WithinAbs(curve.lambda(t[i]), 1e-13));
  Rng rng(8);
  CHECK_THROWS_AS((schedule::LearnedCurve<double>({.min = 2, .max = 1}, rng)), ArgumentError);
  // Gradients by the parameters against central differences: sum of squares of lambda.
  Tape<double> tape;
  const auto grads = tape.backward(sum(square(curve(tape.constant(t)))));
  const auto loss = [&](const schedule::LearnedCurve<double>& c) {
    double s = 0;
    for (Index i = 0; i < 4; ++i) s += c.lambda(t[i]) * c.lambda(t[i]);
    return s;
  };
  schedule::LearnedCurve<double>::each(curve, [&](const char* name, auto& parameter) {
    const Tensor<double>& g = grads[parameter];
    for (Index i = 0; i < parameter.value.size(); ++i) {
      const double kept = parameter.value[i], h = 1e-5;
      parameter.value[i] = kept + h;
      const double up = loss(curve);
      parameter.value[i] = kept - h;
      const double down = loss(curve);
      parameter.value[i] = kept;
      INFO(name << ' ' << i);
      CHECK_THAT(g[i], WithinAbs((up - down) / (2 * h), 1e-6 * (1 + std::abs(g[i]))));
    }
  });
}

TEST_CASE("schedules: ranges are checked", "[diffusion][schedule]") {
  CHECK_THROWS_AS(schedule::Geometric({.min = 0, .max = 1}), ArgumentError);
  CHECK_THROWS_AS(schedule::Edm({}, 0.5), ArgumentError);
  CHECK_THROWS_AS(schedule::Sigmoid({.start = 1, .end = 1}), ArgumentError);
  CHECK_THROWS_AS(schedule::TruncatedCosineCurve({.min = 1, .max = -1}), ArgumentError);
  CHECK_THROWS_AS(schedule::UniformCurve({.min = 1, .max = infinity}), ArgumentError);
  CHECK_THROWS_AS(schedule::LaplaceCurve({.scale = 0}), ArgumentError);
  CHECK_THROWS_AS(schedule::SigmoidRate({.beta_min = 3, .beta_max = 1}), ArgumentError);
  CHECK_THROWS_WITH(schedule::Interpolated(schedule::UniformCurve({.min = -1, .max = 1}), 0, 5),
                    ContainsSubstring("rise"));
}
