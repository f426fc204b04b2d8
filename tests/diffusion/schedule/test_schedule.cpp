// Covers: cosine discrete level schedule/linear schedule/schedule
#include "foglift/diffusion/discrete.hpp"
#include "foglift/diffusion/process.hpp"
#include "support/catch.hpp"

#include <limits>

using namespace foglift;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// Archetypes: the least that is a schedule, and things that are not.
struct Least {
  Level at(double t) const { return {t, 1 - t, t}; }
  double time(double) const { return 0; }
};
struct NoInverse {
  Level at(double t) const { return {t, 1 - t, t}; }
};
static_assert(NoiseSchedule<Least> && !VariancePreservingSchedule<Least>);
static_assert(!NoiseSchedule<NoInverse> && !NoiseSchedule<int>);
static_assert(VariancePreservingSchedule<schedule::Linear>);
static_assert(VariancePreservingSchedule<DiscreteSchedule>);
static_assert(ForwardProcess<process::VariancePreserving<schedule::Cosine>>);
static_assert(!ForwardProcess<schedule::Cosine>);

template <class F>
void for_each_schedule(const F& f) {
  f(schedule::Linear{});
  f(schedule::ScaledLinear{});
  f(schedule::Cosine{});
  f(schedule::Cosine({.offset = 0}));
  f(schedule::Linear({.beta_min = 0, .beta_max = 3}));
  f(schedule::Linear({.beta_min = 2, .beta_max = 2}));
  f(DiscreteSchedule::linear(1000));
  f(DiscreteSchedule::scaled_linear(1000));
  f(DiscreteSchedule::cosine(1000));
  f(DiscreteSchedule::cosine(7));
  f(DiscreteSchedule::linear(1, {0.3, 0.3}));
}

}  // namespace

TEST_CASE("schedule: variance preserving with falling lambda", "[diffusion][schedule]") {
  for_each_schedule([](const auto& s) {
    double last = infinity;
    for (int i = 0; i <= 400; ++i) {
      const Level l = s.at(i / 400.0);
      CHECK_THAT(l.alpha * l.alpha + l.sigma * l.sigma, WithinAbs(1, 1e-15));
      if (i) CHECK(l.lambda() < last);
      last = l.lambda();
    }
    CHECK(s.at(0).sigma == 0);
    CHECK(s.at(0).alpha == 1);
  });
}

TEST_CASE("schedule: time inverts lambda and stays in range", "[diffusion][schedule]") {
  for_each_schedule([](const auto& s) {
    for (const double t : {1e-9, 1e-5, 0.001, 0.0123, 0.1, 0.25, 0.5, 0.77, 0.9, 0.99, 0.9999}) {
      // lambda loses |d lambda / dt| eps / t ~ eps / t relative digits at most where sigma^2 ~ t,
      // and near t = 1 the angle of the cosine loses eps / (1 - t).
      const double tolerance = 1e-13 + 1e-15 / (1 - t);
      CHECK_THAT(s.time(s.at(t).lambda()) / t, WithinAbs(1, tolerance));
    }
    CHECK(s.time(infinity) == 0);
    CHECK(s.time(-infinity) == 1);
    CHECK(s.time(1e300) == 0);
    CHECK(s.time(-1e300) == 1);
    for (double lambda = -40; lambda < 40; lambda += 0.37) {
      const double t = s.time(lambda);
      CHECK((t >= 0 && t <= 1));
    }
    CHECK_THROWS_AS(s.time(std::nan("")), ArgumentError);
    CHECK_THROWS_AS(s.at(1.0001), ArgumentError);
    CHECK_THROWS_AS(s.at(std::nan("")), ArgumentError);
  });
}

TEST_CASE("schedule: continuous values follow their defining formulas", "[diffusion][schedule]") {
  // Against numerical integration of beta (Simpson's rule, exact for beta of degree 2).
  const auto integral = [](auto beta, double t) {
    return t / 6 * (beta(0.0) + 4 * beta(t / 2) + beta(t));
  };
  for (const double t : {0.01, 0.3, 0.8, 1.0}) {
    const double linear = integral([](double u) { return 0.1 + 19.9 * u; }, t);
    CHECK_THAT(schedule::Linear{}.at(t).alpha, WithinRel(std::exp(-linear / 2), 1e-14));
    const double scaled = integral(
        [](double u) {
          const double root = std::sqrt(0.85) + (std::sqrt(12.0) - std::sqrt(0.85)) * u;
          return root * root;
        },
        t);
    CHECK_THAT(schedule::ScaledLinear{}.at(t).alpha, WithinRel(std::exp(-scaled / 2), 1e-14));
    const auto f = [](double u) { return std::cos((u + 0.008) / 1.008 * std::acos(-1.0) / 2); };
    CHECK_THAT(schedule::Cosine{}.at(t).alpha, WithinAbs(f(t) / f(0), 1e-15));
  }
  // s(1) and s(1e-3) of the continuous linear schedule, published with EDM's code.
  CHECK_THAT(schedule::Linear{}.at(1).ratio(), WithinRel(152.1669702839, 1e-12));
  CHECK_THAT(schedule::Linear{}.at(1e-3).ratio(), WithinRel(0.010485992787, 1e-10));
}

TEST_CASE("schedule: cosine keeps its digits at both ends", "[diffusion][schedule]") {
  const schedule::Cosine s;
  CHECK(s.at(1).alpha == 0);
  CHECK(s.at(1).sigma == 1);
  // First-order expansions: alpha = (1 - t) pi/2 / 1.008 / cos(theta0); sigma^2 = rate(0) t. Their
  // next terms are relative O(1 - t)^2 and O(t / tan(2 theta0)) = 40 t.
  const double pi = std::acos(-1.0), theta0 = 0.008 / 1.008 * pi / 2;
  CHECK_THAT(s.at(1 - 0x1p-40).alpha,
             WithinRel(0x1p-40 * pi / 2 / 1.008 / std::cos(theta0), 1e-12));
  CHECK_THAT(s.at(1e-14).sigma, WithinRel(std::sqrt(s.rate(0) * 1e-14), 1e-12));
}

TEST_CASE("discrete schedule: products of naive loops and published values",
          "[diffusion][schedule]") {
  const auto check = [](const DiscreteSchedule& s, auto beta, std::vector<double> published) {
    double product = 1;
    std::size_t next = 0;
    const Index at[] = {0, 249, 499, 749, 999};
    for (Index i = 0; i < 1000; ++i) {
      product *= 1 - beta(static_cast<double>(i));
      // the naive cosine loses eps / cos(theta), cos(theta) > 1e-3: 2e-13
      CHECK_THAT(s.alpha_bar(i), WithinRel(product, 1e-12));  // 1000 roundings of eps
      CHECK_THAT(s.beta(i), WithinAbs(beta(static_cast<double>(i)), 1e-12));
      CHECK_THAT(s.step(i).alpha, WithinRel(std::sqrt(product), 1e-12));
      CHECK_THAT(s.step(i).snr(), WithinRel(product / (1 - product), 1e-11));
      if (i == at[next]) CHECK_THAT(product, WithinRel(published[next++], 1e-9));
    }
  };
  // Published values, 11 digits, at steps 0, 249, 499, 749, 999.
  check(DiscreteSchedule::linear(1000), [](double i) { return 1e-4 + (0.02 - 1e-4) * i / 999; },
        {9.9990000000e-01, 5.2408537383e-01, 7.8587242882e-02, 3.3505504389e-03, 4.0358297654e-05});
  check(DiscreteSchedule::scaled_linear(1000),
        [](double i) {
          return std::pow(std::sqrt(0.00085) + (std::sqrt(0.012) - std::sqrt(0.00085)) * i / 999,
                          2);
        },
        {9.9915000000e-01, 6.7543241373e-01, 2.7766965046e-01, 5.6623491598e-02, 4.6600985131e-03});
  check(DiscreteSchedule::cosine(1000),
        [](double i) {
          const auto f = [](double u) {
            return std::pow(std::cos((u + 0.008) / 1.008 * std::acos(-1.0) / 2), 2);
          };
          return std::min(0.999, 1 - f((i + 1) / 1000) / f(i / 1000));
        },
        {9.9995871578e-01, 8.4701216133e-01, 4.9384359044e-01, 1.4427210239e-01, 2.4287669070e-09});
}

TEST_CASE("discrete schedule: steps are points of continuous time", "[diffusion][schedule]") {
  for (const auto& s : {DiscreteSchedule::linear(1000), DiscreteSchedule::cosine(50),
                        DiscreteSchedule::scaled_linear(3)}) {
    const auto T = static_cast<double>(s.steps());
    for (Index i = 0; i < s.steps(); ++i) {
      const Level on = s.step(i), near = s.at(static_cast<double>(i + 1) / T);
      CHECK(on.t == static_cast<double>(i + 1) / T);
      // position t T - 1 carries T eps of error, lambda changes by less than 10 a step
      CHECK_THAT(near.lambda(), WithinAbs(on.lambda(), 1e-11));
      CHECK_THAT(s.time(on.lambda()), WithinRel(on.t, 1e-12));
      if (i + 1 < s.steps()) {  // halfway in time is halfway in lambda
        const double half = s.at((static_cast<double>(i) + 1.5) / T).lambda();
        CHECK_THAT(half, WithinAbs((on.lambda() + s.step(i + 1).lambda()) / 2, 1e-11));
      }
    }
    CHECK_THAT(s.at(0.5 / T).sigma, WithinRel(s.step(0).sigma * std::sqrt(0.5), 1e-14));
  }
}

TEST_CASE("discrete schedule: shorter chains end at the same noise", "[diffusion][schedule]") {
  // ln alpha_bar_T = -T (mean beta)(1 + O(beta)): within beta_T / 2 = 1/10 of T = 1000's at T =
  // 100.
  const double long_chain = DiscreteSchedule::linear(1000).log_alpha_bar(999);
  CHECK_THAT(DiscreteSchedule::linear(100).log_alpha_bar(99), WithinRel(long_chain, 0.1));
  CHECK(DiscreteSchedule::linear(5).beta(4) == 0.999);
}

TEST_CASE("discrete schedule: refuses what is no chain", "[diffusion][schedule]") {
  CHECK_THROWS_AS(DiscreteSchedule({}), ArgumentError);
  CHECK_THROWS_AS(DiscreteSchedule({0.1, 1.0}), ArgumentError);
  CHECK_THROWS_AS(DiscreteSchedule({0.1, 0.0}), ArgumentError);
  CHECK_THROWS_WITH(DiscreteSchedule({0.1, std::nan("")}),
                    "DiscreteSchedule: beta nan at step 1, must be in (0, 1)");
  CHECK_THROWS_AS(DiscreteSchedule::linear(0), ArgumentError);
  CHECK_THROWS_AS(DiscreteSchedule::linear(10).step(10), ArgumentError);
  CHECK_THROWS_AS(DiscreteSchedule::linear(10).beta(-1), ArgumentError);
  CHECK_THROWS_AS(schedule::Linear({.beta_min = 2, .beta_max = 1}), ArgumentError);
  CHECK_THROWS_AS(schedule::Cosine({.offset = -1}), ArgumentError);
}

TEST_CASE("process: SDE coefficients are derivatives of the marginals", "[diffusion][process]") {
  // Central differences of ln alpha and sigma^2 with h = 1e-6: truncation h^2 f'''/6 ~ 1e-8 of the
  // largest rates, rounding eps / h ~ 1e-10. Times lie within one interval of the discrete chains.
  const double h = 1e-6;
  for_each_schedule([&](const auto& s) {
    const process::VariancePreserving p(s);
    for (const double t : {0.0503, 0.2503, 0.6107, 0.9003}) {
      const double before = s.at(t - h).alpha, after = s.at(t + h).alpha;
      const double f = (std::log(after) - std::log(before)) / (2 * h);
      CHECK_THAT(p.drift(t), WithinRel(f, 1e-6));
      const double growth =
          (std::pow(s.at(t + h).sigma, 2) - std::pow(s.at(t - h).sigma, 2)) / (2 * h);
      const double g2 = growth - 2 * f * std::pow(s.at(t).sigma, 2);
      CHECK_THAT(std::pow(p.diffusion(t), 2), WithinRel(g2, 1e-6));
    }
  });
}

TEST_CASE("process: prior is standard normal and knows its density", "[diffusion][process]") {
  const process::VariancePreserving p(schedule::Linear{});
  const auto x = p.prior<double>({200, 50}, Rng(3), 7);
  CHECK(x == Rng(3).normal<double>({200, 50}, 7));
  // One element: the log density is a parabola with known top and slope.
  const double top = p.prior_logp(Tensor<double>({1, 1}, 0.0)).item();
  CHECK_THAT(top, WithinAbs(-0.9189385332046727, 1e-15));  // -ln(2 pi) / 2
  CHECK_THAT(p.prior_logp(Tensor<float>({1, 2}, {3.f, 4.f})).item(),
             WithinAbs(2 * top - 12.5, 1e-14));
  CHECK_THROWS_AS(p.prior_logp(Tensor<float>(Shape{})), ShapeError);
}

TEST_CASE("discrete: a range that is not a number is refused", "[diffusion][schedule]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS(DiscreteSchedule::linear(10, {nan, 0.02}), ArgumentError);
  CHECK_THROWS_AS(DiscreteSchedule::scaled_linear(10, {-0.1, 0.02}), ArgumentError);
}
