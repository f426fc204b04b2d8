// Covers: likelihood_weight penalty weight
#include "foglift/diffusion/density/steps.hpp"
#include "foglift/diffusion/loss/likelihood_weight.hpp"
#include "foglift/diffusion/loss/penalty.hpp"
#include "foglift/diffusion/loss/weight.hpp"
#include "foglift/diffusion/parameterization.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

using namespace foglift;

namespace {

/// The weight times the squared error of f must be `on_x0` times that of x0, where an error of f is
/// turned into one of x0 by the parameterization's own formula, at levels of a variance-preserving,
/// an exploding and a straight path. 1e-12: a few products and quotients, conditioned up to 100.
template <class W, class F>
void is(const W& w, const F& on_x0) {
  const Level levels[] = {{0.1, std::sqrt(1 - 0.01), 0.1},
                          {0.5, 0.6, 0.8},
                          {0.9, 0.05, 0.998},
                          {0.2, 1, 0.05},
                          {0.6, 1, 3},
                          {0.9, 1, 80},
                          {0.3, 0.7, 0.3},
                          {0.8, 0.2, 0.8}};
  const auto check = [&](const auto& p) {
    const auto by_level = weight::of_output(w, p);
    for (const Level& l : levels) {
      const double x = 0.4, f = 1.1, d = 0.7;
      const Mix m = p.x0(l);
      const double dx0 = (m.a * x + m.b * (f + d)) - (m.a * x + m.b * f);
      CHECK_THAT(by_level(l) * d * d, WithinRel(on_x0(l) * dx0 * dx0, 1e-11));
    }
  };
  check(predict::Epsilon{});
  check(predict::X0{});
  check(predict::Velocity{});
  check(predict::FlowVelocity{});
  check(predict::Score{});
  check(predict::Edm({.sigma_data = 0.7}));
}

}  // namespace

TEST_CASE("weight: each is its published form for every parameterization", "[diffusion][loss]") {
  is(weight::Simple{}, [](const Level& l) { return l.snr(); });
  is(weight::X0{}, [](const Level&) { return 1.0; });
  is(weight::SnrPlusOne{}, [](const Level& l) { return l.snr() + 1; });
  is(weight::TruncatedSnr{}, [](const Level& l) { return std::max(l.snr(), 1.0); });
  is(weight::MinSnr(5), [](const Level& l) { return std::min(l.snr(), 5.0); });
  is(weight::SoftMinSnr(4), [](const Level& l) { return 1 / (l.ratio() * l.ratio() + 0.25); });
  is(weight::Edm(0.5), [](const Level& l) {
    const double s = l.ratio();
    return (s * s + 0.25) / (s * s * 0.25);
  });
  is(weight::P2({.k = 2, .gamma = 0.5}),
     [](const Level& l) { return l.snr() / std::sqrt(2 + l.snr()); });
  // dv = alpha deps - sigma dx0 and du = deps - dx0 with deps = -alpha / sigma dx0.
  is(weight::Velocity{},
     [](const Level& l) { return std::pow(l.alpha * l.alpha / l.sigma + l.sigma, 2); });
  is(weight::FlowVelocity{}, [](const Level& l) { return std::pow(1 + 1 / l.ratio(), 2); });
  is(weight::CosMap{}, [](const Level& l) {
    const double s = l.sigma / (l.alpha + l.sigma);
    return 2 / (std::numbers::pi * (1 - 2 * s + 2 * s * s)) * std::pow(1 + 1 / l.ratio(), 2);
  });
}

TEST_CASE("weight: 1 on the output that it is named after", "[diffusion][loss]") {
  for (const Level& l : {Level{0.2, 0.8, 0.6}, Level{0.5, 1, 4}, Level{0.3, 0.7, 0.3}}) {
    CHECK_THAT(weight::of_output(weight::Simple{}, predict::Epsilon{})(l), WithinRel(1, 1e-15));
    CHECK_THAT(weight::of_output(weight::X0{}, predict::X0{})(l), WithinRel(1, 1e-15));
    CHECK_THAT(weight::of_output(weight::Velocity{}, predict::Velocity{})(l), WithinRel(1, 1e-14));
    CHECK_THAT(weight::of_output(weight::FlowVelocity{}, predict::FlowVelocity{})(l),
               WithinRel(1, 1e-14));
    CHECK_THAT(weight::of_output(weight::Edm(0.7), predict::Edm({.sigma_data = 0.7}))(l),
               WithinRel(1, 1e-14));
  }
}

TEST_CASE("weight: finite at both ends", "[diffusion][loss]") {
  const auto finite = [](const auto& w) {
    const auto check = [&](const auto& p) {
      for (const Level& l :
           {Level{0, 1, 0}, Level{1, 0, 1}, Level{0.01, 1, 1e-200}, Level{0.99, 1e-200, 1}}) {
        const double value = weight::of_output(w, p)(l);
        CHECK((std::isfinite(value) && value >= 0));
      }
    };
    check(predict::Velocity{});
    check(predict::FlowVelocity{});
    check(predict::Edm{});
    CHECK(std::isfinite(weight::of_output(w, predict::Epsilon{})({0, 1, 0})));
    CHECK(std::isfinite(weight::of_output(w, predict::X0{})({1, 0, 1})));
    CHECK(std::isfinite(weight::of_output(w, predict::X0{})({0, 1, 0})));
    CHECK(std::isfinite(weight::of_output(w, predict::Epsilon{})({1, 0, 1})));
  };
  finite(weight::Simple{});
  finite(weight::X0{});
  finite(weight::SnrPlusOne{});
  finite(weight::Velocity{});
  finite(weight::FlowVelocity{});
  finite(weight::CosMap{});
  finite(weight::Edm{});
  finite(weight::MinSnr{});
  finite(weight::SoftMinSnr{});
  finite(weight::TruncatedSnr{});
  finite(weight::P2{});
  // Limits: min-SNR on epsilon is 1 as alpha falls to 0, and gamma on x0 as sigma does.
  CHECK(weight::of_output(weight::MinSnr(5), predict::Epsilon{})({1, 0, 1}) == 1);
  CHECK(weight::of_output(weight::MinSnr(5), predict::X0{})({0, 1, 0}) == 5);
  CHECK(weight::of_output(weight::SoftMinSnr(5), predict::Epsilon{})({1, 0, 1}) == 1);
  CHECK(weight::of_output(weight::SoftMinSnr(5), predict::X0{})({0, 1, 0}) == 5);
  CHECK(weight::of_output(weight::Simple{}, predict::Epsilon{})({0, 1, 0}) == 1);
  CHECK(weight::of_output(weight::P2{}, predict::Epsilon{})({0, 1, 0}) == 0);
}

TEST_CASE("weight: likelihood is half the slope of gamma", "[diffusion][loss]") {
  // Central differences of gamma = -2 lambda: error h^2 gamma'''/6, 1e-6 relative at h = 1e-5.
  const schedule::Linear linear;
  for (const double t : {0.1, 0.4, 0.9}) {
    const double h = 1e-5;
    const double slope = (linear.at(t - h).lambda() - linear.at(t + h).lambda()) / h;
    CHECK_THAT(weight::of_output(weight::Likelihood(linear), predict::Epsilon{})(linear.at(t)),
               WithinRel(0.5 * slope, 1e-6));
    // g^2 / 2 on the score, g^2 = beta
    CHECK_THAT(weight::of_output(weight::Likelihood(linear), predict::Score{})(linear.at(t)),
               WithinRel(0.5 * linear.rate(t), 1e-12));
  }
  CHECK_THROWS_AS(weight::Likelihood(linear)(linear.at(0)), NumericError);
}

TEST_CASE("weight: likelihood of steps is snr's fall on x0", "[diffusion][loss]") {
  // T / 2 (snr_s - snr_t) on x0, and towards many steps the continuous weight.
  const schedule::Linear linear;
  const weight::LikelihoodSteps ten(linear, 10);
  for (int k = 2; k <= 10; ++k) {
    const Level from = linear.at(k / 10.0), to = linear.at((k - 1) / 10.0);
    CHECK_THAT(weight::of_output(ten, predict::X0{})(from),
               WithinRel(5 * (to.snr() - from.snr()), 1e-11));
  }
  CHECK_THROWS_AS(ten(linear.at(0.1)), NumericError);
  CHECK_THROWS_AS(weight::LikelihoodSteps(linear, 0), ArgumentError);
  // first order in 1 / T: the gap shrinks as 1 / T
  const auto gap = [&](Index steps) {
    const Level l = linear.at(0.5);
    return weight::LikelihoodSteps(linear, steps)(l).eps / weight::Likelihood(linear)(l).eps - 1;
  };
  CHECK_THAT(gap(2000) / gap(1000), WithinAbs(0.5, 0.01));
  // from pure noise
  const schedule::Cosine cosine;
  const auto last = weight::LikelihoodSteps(cosine, 4)(cosine.at(1));
  CHECK(last.eps == 0);
  CHECK_THAT(last.x0, WithinRel(2 * cosine.at(0.75).snr(), 1e-14));
}

TEST_CASE("weight: impossible settings are refused", "[diffusion][loss]") {
  CHECK_THROWS_AS(weight::MinSnr(0), ArgumentError);
  CHECK_THROWS_AS(weight::SoftMinSnr(-1), ArgumentError);
  CHECK_THROWS_AS(weight::Edm(0), ArgumentError);
  CHECK_THROWS_AS(weight::P2({.k = 0}), ArgumentError);
  CHECK_THROWS_AS(Penalty::huber(0), ArgumentError);
  CHECK_THROWS_AS(Penalty::pseudo_huber(-1), ArgumentError);
}

TEST_CASE("penalty: squares near zero and lines far off", "[diffusion][loss]") {
  const Penalty huber = Penalty::huber(0.5), pseudo = Penalty::pseudo_huber(0.5), square;
  for (const double d : {-3.0, -0.4, 1e-9, 0.3, 0.51, 20.0}) {
    CHECK(square.value(d) == d * d);
    const double a = std::abs(d);
    CHECK_THAT(huber.value(d), WithinRel(a <= 0.5 ? d * d : 2 * 0.5 * a - 0.25, 1e-14));
    if (a > 1e-3)
      CHECK_THAT(pseudo.value(d), WithinRel(std::sqrt(d * d + 0.25) - 0.5, 1e-12));
    else
      CHECK_THAT(pseudo.value(d), WithinRel(d * d, 1e-14));
    for (const Penalty& p : {huber, pseudo, square}) {
      const double h = 1e-6 * a;
      CHECK_THAT(p.slope(d), WithinRel((p.value(d + h) - p.value(d - h)) / (2 * h), 1e-8));
    }
  }
}
