// Covers: blend guidance/frequency interval sum threshold two_conditions
// Alone: it takes long to compile.
#include "diffusion/guidance/fixtures.hpp"
#include "foglift/diffusion/guidance/adaptive_projected.hpp"
#include "foglift/diffusion/guidance/frequency.hpp"
#include "foglift/diffusion/guidance/interval.hpp"
#include "foglift/diffusion/guidance/perturbed.hpp"
#include "foglift/diffusion/guidance/sum.hpp"
#include "foglift/diffusion/guidance/threshold.hpp"
#include "foglift/diffusion/guidance/two_conditions.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/solver/ddim.hpp"

using namespace foglift;
using namespace foglift::test;

namespace {

const Index B = 4, n = 6;
const Tensor<double> x = Rng(1).normal<double>({B, n}), c = Rng(2).normal<double>({B, n}),
                     u = Rng(3).normal<double>({B, n}), p = Rng(4).normal<double>({B, n});
const Level middle{0.5, 0.6, 0.8};

/// Counts how often it is asked.
struct Counting {
  Tensor<double> x0;
  int* asked;
  Tensor<double> operator()(const Tensor<double>&, const Levels&) const {
    ++*asked;
    return x0;
  }
};

/// The exact denoiser, and score, of N(mean, variance) in each element. Never inlined: each copy of
/// its code may fuse products and sums in another way, and its output is compared to the bit.
struct Class {
  double mean, variance;
  [[gnu::noinline]] Tensor<double> operator()(const Tensor<double>& xt, const Levels& l) const {
    Tensor<double> out(xt.shape());
    for (Index i = 0; i < xt.size(); ++i)
      out[i] = (l[0].sigma * l[0].sigma * mean + l[0].alpha * variance * xt[i]) / total(l[0]);
    return out;
  }
  double score(double xt, const Level& l) const { return (l.alpha * mean - xt) / total(l); }
  double total(const Level& l) const { return l.alpha * l.alpha * variance + l.sigma * l.sigma; }
};

}  // namespace

TEST_CASE("classifier free: the score is linear in the scores of Gaussian classes",
          "[diffusion][guidance]") {
  const Class one{1.5, 0.4}, all{0.2, 1.7};
  for (const Level& l : all_levels)
    for (const double w : {0.0, 0.4, 1.0, 7.5}) {
      const auto x0 = (one | guide::ClassifierFree{all, w})(x, l);
      CHECK(finite(x0));
      if (l.sigma == 0) continue;
      for (Index i = 0; i < x.size(); ++i) {
        const double score = (l.alpha * x0[i] - x[i]) / (l.sigma * l.sigma);
        const double want = (1 - w) * all.score(x[i], l) + w * one.score(x[i], l);
        CHECK_THAT(score, WithinAbs(want, 1e-12 * (1 + 1 / (l.sigma * l.sigma))));
      }
      if (w == 0) CHECK(x0 == all(x, l));
      if (w == 1) CHECK(x0 == one(x, l));
    }
}

TEST_CASE("classifier free: a model of weight 0 is not asked", "[diffusion][guidance]") {
  int conditional = 0, unconditional = 0;
  const Counting one{c, &conditional}, other{u, &unconditional};
  CHECK((one | guide::ClassifierFree{other, 0.0})(x, middle) == u);
  CHECK(conditional == 0);
  CHECK((one | guide::ClassifierFree{other, 1.0})(x, middle) == c);
  CHECK(unconditional == 1);
  (one | guide::ClassifierFree{other, 2.0})(x, middle);
  CHECK(conditional == 2);
  CHECK(unconditional == 2);
}

TEST_CASE("interval: acts on levels inside and asks nobody else outside", "[diffusion][guidance]") {
  int asked = 0;
  const auto guided =
      Says<double>{c} |
      guide::Interval{{.lo = 0.5, .hi = 2}, guide::ClassifierFree{Counting{u, &asked}, 3.0}};
  const auto inside = Says<double>{c} | guide::ClassifierFree{Says<double>{u}, 3.0};
  CHECK(guided(x, Level{0.1, 1, 0.4}) == c);
  CHECK(guided(x, Level{0.9, 0.4, 1}) == c);
  CHECK(guided(x, Level{1, 0, 1}) == c);
  CHECK(asked == 0);
  for (const Level& l : {Level{0.2, 1, 0.5}, middle, Level{0.8, 0.5, 1}})
    CHECK(guided(x, l) == inside(x, l));
  CHECK(asked == 3);
}

TEST_CASE("interval: in lambda and in time", "[diffusion][guidance]") {
  using Of = guide::Range::Of;
  const guide::Range lambda{.lo = -1, .hi = 2, .of = Of::lambda};
  const guide::Range time{.lo = 0.25, .hi = 0.5, .of = Of::time};
  CHECK(lambda.contains({0, 1, 1}));
  CHECK(lambda.contains({0, std::exp(1.99), 1}));
  CHECK_FALSE(lambda.contains({0, std::exp(2.01), 1}));
  CHECK_FALSE(lambda.contains({0, std::exp(-1.01), 1}));
  CHECK_FALSE(lambda.contains({1, 0, 1}));
  CHECK_FALSE(lambda.contains({0, 1, 0}));
  CHECK(time.contains({0.25, 1, 1}));
  CHECK(time.contains({0.5, 1, 1}));
  CHECK_FALSE(time.contains({0.51, 1, 1}));
  CHECK_FALSE(time.contains({0.24, 1, 1}));
  CHECK(guide::Range{}.contains({1, 0, 1}));
  const guide::ClassifierFree inner{Says<double>{u}, 3.0};
  CHECK_THROWS_AS((guide::Interval{{.lo = 2, .hi = 1}, inner}), ArgumentError);
}

TEST_CASE("interval: each sample by its own level", "[diffusion][guidance]") {
  const auto guided =
      Says<double>{c} |
      guide::Interval{{.lo = 0.5, .hi = 2}, guide::ClassifierFree{Says<double>{u}, 3.0}};
  static_assert(DifferentiableDenoiser<decltype(guided), double>);
  const std::vector<Level> each{{0.1, 1, 0.4}, {0.5, 1, 1}, {0.9, 1, 3}, {0.6, 1, 2}};
  const auto x0 = guided(x, each);
  const auto on = (Says<double>{c} | guide::ClassifierFree{Says<double>{u}, 3.0})(x, middle);
  for (const Index b : {0, 2}) CHECK(x0.rows(b, 1) == c.rows(b, 1));
  for (const Index b : {1, 3}) CHECK(x0.rows(b, 1) == on.rows(b, 1));
}

TEST_CASE("two conditions: weigh both differences", "[diffusion][guidance]") {
  const auto guided =
      Says<double>{c} |
      guide::TwoConditions{Says<double>{u}, Says<double>{p}, {.first = 1.5, .second = 7.5}};
  static_assert(DifferentiableDenoiser<decltype(guided), double>);
  const auto off = Says<double>{c} | guide::TwoConditions{Says<double>{u}, Says<double>{p}, {}};
  const auto x0 = guided(x, middle);
  for (Index i = 0; i < x.size(); ++i)
    CHECK_THAT(x0[i], WithinAbs(p[i] + 1.5 * (u[i] - p[i]) + 7.5 * (c[i] - u[i]), 1e-12));
  CHECK(off(x, middle) == c);
  CHECK_THROWS_AS((guide::TwoConditions{Says<double>{u}, Says<double>{p}, {.first = INFINITY}}),
                  ArgumentError);
}

TEST_CASE("away from: perturbed guidance beside classifier-free guidance",
          "[diffusion][guidance]") {
  const double w = 7.5, s = 3;
  const auto sum = Says<double>{c} | (guide::ClassifierFree{Says<double>{u}, w} +
                                      guide::away_from(Says<double>{p}, s));
  const auto chain = Says<double>{c} | guide::away_from(Says<double>{p}, s / w) |
                     guide::ClassifierFree{Says<double>{u}, w};
  static_assert(DifferentiableDenoiser<decltype(sum), double>);
  const auto a = sum(x, middle), b = chain(x, middle);
  for (Index i = 0; i < x.size(); ++i) {
    const double published = u[i] + w * (c[i] - u[i]) + s * (c[i] - p[i]);
    CHECK_THAT(a[i], WithinAbs(published, 1e-12));
    CHECK_THAT(b[i], WithinAbs(published, 1e-12));
  }
}

TEST_CASE("sum: asks the denoiser once for a state", "[diffusion][guidance]") {
  int asked = 0;
  const auto sum = Counting{c, &asked} | (guide::ClassifierFree{Says<double>{u}, 2.0} +
                                          guide::away_from(Says<double>{p}, 3.0) +
                                          guide::ClassifierFree{Says<double>{p}, 4.0});
  const auto x0 = sum(x, middle);
  CHECK(asked == 1);
  for (Index i = 0; i < x.size(); ++i)
    CHECK_THAT(x0[i], WithinAbs(c[i] + (c[i] - u[i]) + 6 * (c[i] - p[i]), 1e-12));
}

TEST_CASE("frequency decoupled: weighs smooth and rough differences apart",
          "[diffusion][guidance]") {
  // Waves along a long axis: away from the borders a Gaussian of deviation s scales one of angular
  // frequency f by exp(-f^2 s^2 / 2); its alias, 2 pi - f, by less than 1e-12 at s = 1.5.
  const Index L = 96;
  Tensor<double> cond({1, L, 2}), base({1, L, 2}, 0.25);
  const double f[2] = {0.2, 1.2};
  for (Index i = 0; i < L; ++i)
    for (Index k = 0; k < 2; ++k) cond(0, i, k) = 0.25 + std::cos(f[k] * static_cast<double>(i));
  const auto guided =
      Says<double>{cond} |
      guide::FrequencyDecoupled{Says<double>{base}, {.low = 2, .high = 5, .blur = 1.5}};
  static_assert(DifferentiableDenoiser<decltype(guided), double>);
  const Tensor<double> state({1, L, 2});
  const auto x0 = guided(state, middle);
  for (Index i = 20; i < L - 20; ++i)
    for (Index k = 0; k < 2; ++k) {
      const double kept = std::exp(-f[k] * f[k] * 1.5 * 1.5 / 2), d = cond(0, i, k) - 0.25;
      CHECK_THAT(x0(0, i, k), WithinAbs(0.25 + 2 * kept * d + 5 * (1 - kept) * d, 1e-9));
    }
  const auto equal =
      Says<double>{cond} |
      guide::FrequencyDecoupled{Says<double>{base}, {.low = 3, .high = 3, .blur = 1.5}};
  const auto plain = Says<double>{cond} | guide::ClassifierFree{Says<double>{base}, 3.0};
  CHECK(distance(equal(state, middle), plain(state, middle)) < 1e-14);
  CHECK_THROWS_AS((guide::FrequencyDecoupled{Says<double>{base}, {.blur = 0}}), ArgumentError);
}

TEST_CASE("clip: cuts x0 and the solver takes its noise from what is left",
          "[diffusion][guidance]") {
  const auto clipped = Says<double>{c} | guide::Clip{.lo = -0.5, .hi = 0.75};
  static_assert(guide::clips_of<decltype(clipped)>() && !guide::clips_of<Says<double>>());
  const auto x0 = clipped(x, middle);
  for (Index i = 0; i < x.size(); ++i) CHECK(x0[i] == std::min(0.75, std::max(-0.5, c[i])));
  // One DDIM step lands on alpha' x0 + sigma' eps with the eps that x and the cut x0 imply.
  const Level to{0.3, 0.9, 0.4};
  const auto out = sample_from(solver::Ddim{}, clipped, x, TimeGrid{middle, to}, Rng(1));
  for (Index i = 0; i < x.size(); ++i) {
    const double eps = (x[i] - middle.alpha * x0[i]) / middle.sigma;
    CHECK_THAT(out[i], WithinAbs(to.alpha * x0[i] + to.sigma * eps, 1e-14));
  }
  CHECK_THROWS_AS((Says<double>{c} | guide::Clip{.lo = 1, .hi = 1})(x, middle), ArgumentError);
}

TEST_CASE("clip: is passed on by every adapter", "[diffusion][guidance]") {
  const auto clipped = Says<double>{c} | guide::Clip{};
  using Clipped = std::remove_const_t<decltype(clipped)>;
  const guide::ClassifierFree cfg{Says<double>{u}, 2.0};
  static_assert(guide::clips_of<decltype(clipped | cfg)>());
  static_assert(guide::clips_of<decltype(Says<double>{u} | guide::ClassifierFree{clipped, 2.0})>());
  static_assert(guide::clips_of<decltype(Says<double>{u} | guide::Interval{{}, guide::Clip{}})>());
  static_assert(guide::clips_of<decltype(Says<double>{u} | (cfg + guide::DynamicThreshold{}))>());
  static_assert(
      guide::clips_of<decltype(Says<double>{u} |
                               guide::TwoConditions{Says<double>{c}, Clipped(clipped), {}})>());
  static_assert(!guide::clips_of<decltype(Says<double>{u} | (cfg + cfg))>());
  SUCCEED();
}

TEST_CASE("dynamic threshold: divides by a percentile of each sample", "[diffusion][guidance]") {
  // |x0| in order: 0.5, 1, 2, 4, 8 at places 0 ... 4.
  const Tensor<double> wide({2, 5}, {-4, 0.5, 8, -1, 2, 0.1, -0.2, 0.3, 0.9, -0.7});
  const Tensor<double> state({2, 5});
  const auto at = [&](guide::DynamicThreshold rule) {
    return (Says<double>{wide} | rule)(state, middle);
  };
  const auto exact = at({.percentile = 0.75});  // place 3: s = 4
  const double want[] = {-1, 0.125, 1, -0.25, 0.5};
  for (Index i = 0; i < 5; ++i) CHECK(exact[i] == want[i]);
  const auto between = at({.percentile = 0.9});  // place 3.6: s = 4 + 0.6 * 4
  CHECK_THAT(between[0], WithinAbs(-4 / 6.4, 1e-15));
  CHECK(between[2] == 1);
  // the second sample stays inside 1, and is left alone; a floor below lets it be stretched
  CHECK(exact.rows(1, 1) == wide.rows(1, 1));
  const auto stretched = at({.percentile = 1, .floor = 0.5});
  CHECK_THAT(stretched(1, 0), WithinAbs(0.1 / 0.9, 1e-15));
  CHECK(stretched(1, 3) == 1);
  // a ceiling of 1 is Clip
  CHECK(at({.percentile = 0.9, .ceiling = 1}) ==
        (Says<double>{wide} | guide::Clip{})(state, middle));
  CHECK(at({.percentile = 0, .floor = 0.1})(0, 1) == 1);
  CHECK_THROWS_AS(at({.percentile = 1.1}), ArgumentError);
  CHECK_THROWS_AS(at({.floor = 0}), ArgumentError);
  CHECK_THROWS_AS(at({.floor = 2, .ceiling = 1}), ArgumentError);
  const Tensor<double> bad({1, 2}, {1, NAN});
  CHECK_THROWS_AS((Says<double>{bad} | guide::DynamicThreshold{})(bad, middle), NumericError);
  const Tensor<double> large = Rng(8).normal<double>({3, 50});
  check_rows(
      [&](Index b) {
        return Says<double>{b < 0 ? large : large.rows(b, 1)} |
               guide::DynamicThreshold{.percentile = 0.8};
      },
      large, middle);
}

TEST_CASE("composition: rules apply from left to right and stay finite at both ends",
          "[diffusion][guidance]") {
  const Class one{1.5, 0.4}, all{0.2, 1.7}, bad{0.1, 2};
  const auto guided = one | guide::away_from(bad, 0.3) |
                      guide::Interval{{.lo = 0.1, .hi = 50},
                                      guide::ClassifierFree{
                                          all, guide::AdaptiveProjected{.weight = 6, .eta = 0.5}}} |
                      guide::DynamicThreshold{.percentile = 0.9};
  static_assert(BatchDenoiser<decltype(guided), double> && guided.clips);
  for (const Level& l : all_levels) {
    const auto x0 = guided(x, l);
    CHECK(finite(x0));
    const auto pag = one | guide::away_from(bad, 0.3);
    const Says<double> first{pag(x, l)};
    const Says<double> second{
        l.ratio() >= 0.1 && l.ratio() <= 50
            ? (first |
               guide::ClassifierFree{all, guide::AdaptiveProjected{.weight = 6, .eta = 0.5}})(x, l)
            : first.x0};
    CHECK(x0 == (second | guide::DynamicThreshold{.percentile = 0.9})(x, l));
  }
}

TEST_CASE("linear guidances: are recorded on a tape", "[diffusion][guidance]") {
  // Linear denoisers under linear guidances: x0 = J x, whose columns are the answers to unit
  // states, so the gradient of sum(seed x0) is J^T seed.
  const auto cond = [](const auto& s, const Levels&) { return s * 2.0; };
  const auto base = [](const auto& s, const Levels&) { return s * -1.0; };
  const auto third = [](const auto& s, const Levels&) { return s * 0.5; };
  const std::vector<Level> each{{0.1, 1, 0.4}, {0.5, 1, 1}};
  const Shape shape{2, 5, 1};
  const Tensor<double> state = Rng(6).normal<double>(shape), seed = Rng(7).normal<double>(shape);
  const auto check = [&](const auto& guidance) {
    const auto guided = cond | guidance;
    Tape<double> tape;
    const Var<double> v = tape.variable(state);
    const Var<double> x0 = guided(v, each);
    CHECK(x0.value() == guided(state, each));
    const auto gradients = tape.backward(x0, seed);
    for (Index j = 0; j < state.size(); ++j) {
      Tensor<double> unit(shape);
      unit[j] = 1;
      const auto column = guided(unit, each);
      double want = 0;
      for (Index i = 0; i < column.size(); ++i) want += column[i] * seed[i];
      CHECK_THAT(gradients[v][j], WithinAbs(want, 1e-13));
    }
  };
  const guide::ClassifierFree cfg{base, 2.5};
  check(cfg);
  check(guide::ClassifierFree{base, 0.0});
  check(guide::ClassifierFree{base, guide::WeightAt([](const Level& l) { return 1 + l.sigma; })});
  check(guide::Interval{{.lo = 0.5, .hi = 2}, cfg});
  check(guide::TwoConditions{base, third, {.first = 1.5, .second = 7}});
  check(guide::FrequencyDecoupled{base, {.low = 2, .high = 5, .blur = 0.8}});
  check(cfg + guide::away_from(third, 3.0));
}
